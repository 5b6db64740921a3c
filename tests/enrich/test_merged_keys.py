"""Keys of entities that are one thing: learned, told by the operator, recorded, answered for, and undone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import redis
from psycopg.types.json import Jsonb

from services.enrich.again import store as again
from services.enrich.again.run import Reenricher
from services.enrich.batch import Work, enrich_batch
from services.enrich.document import Document, Identities
from services.enrich.identity.keep import Known, settle_acronyms, settle_operator
from services.enrich.identity.learned import Evidence, concluded, taught
from services.enrich.names.own import OwnNames, read
from services.enrich.pipeline import Resources, enrich, enricher_revision, known_steps
from shared.db import transaction
from tests.enrich.articles import article
from tests.keeping import both

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
Connection = psycopg.Connection[tuple[Any, ...]]
Enriched = Callable[..., Document]
ICES, COUNCIL = "organisation:ices", "organisation:international-council-for-eel-studies"
WHOLE = (
    "The International Council for Eel Studies (ICES) met in Lisbon. The International Council for Eel Studies is new."
)
SHORT = "Fishing was cut by half. ICES said on Monday that ICES had warned of it."
OTHER = "The Institute of Cold Engine Studies (ICES) met in Lisbon. The Institute of Cold Engine Studies is new."


def evidence(*rows: tuple[str, int, str]) -> list[Evidence]:
    return [Evidence(key, key.title(), count, tuple(sources)) for key, count, sources in rows]


@pytest.mark.parametrize(
    ("told", "now", "into"),
    [
        (evidence(("a", 3, "xy")), None, "a"),
        (evidence(("a", 2, "xy")), None, None),  # too few
        (evidence(("a", 9, "x")), None, None),  # one source alone
        (evidence(("a", 8, "xy"), ("b", 2, "xy")), None, None),  # not sure enough to begin
        (evidence(("a", 8, "xy"), ("b", 2, "xy")), "a", "a"),  # but enough to go on
        (evidence(("a", 6, "xy"), ("b", 4, "xy")), "a", None),  # doubt
        (evidence(("b", 19, "xy"), ("a", 2, "xy")), "a", "b"),
        (evidence(("o-organisation", 2, "x"), ("o-organization", 2, "y")), None, "o-organization"),
        ([], "a", None),
    ],
)
def test_what_is_concluded_from_articles(told: list[Evidence], now: str | None, into: str | None) -> None:
    found = concluded("k", told, now)
    assert (found.into_id if found else None) == into


def test_an_acronym_in_parentheses_teaches(enriched: Enriched) -> None:
    assert [(one.id, one.full_id) for one in taught(enriched("Seas", WHOLE))] == [(ICES, COUNCIL)]
    assert list(taught(enriched("Seas", SHORT))) == []


def test_a_merged_key_is_the_other_in_an_article(resources: Resources) -> None:
    known = Identities({ICES: (COUNCIL, "International Council for Eel Studies")}, {COUNCIL: (ICES,)})
    (doc,) = enrich([article("Seas", SHORT)], resources, clock=time.perf_counter, identities=known)
    (one,) = [entity for entity in doc.entities if entity.type == "organisation"]
    assert (one.id, one.name, one.former_ids) == (COUNCIL, "International Council for Eel Studies", (ICES,))
    assert one.aliases_seen == ("ICES",)


@pytest.fixture
def conn(database_url: str, resources: Resources) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        again.tell_steps(connection, enricher_revision(resources), known_steps(resources), NOW)
        yield connection


def put(conn: Connection, number: int, body: str, source: str) -> None:
    told = {"id": source, "name": source, "domain": source, "country": None}
    conn.execute(
        "INSERT INTO articles (id, url, canonical_url, title, published_at, published_precision, discovered_at,"
        " fetched_at, body_html, source, content_hash) VALUES (%(n)s, %(u)s, %(u)s, 'Seas', %(t)s, 'second',"
        " %(t)s, %(t)s, %(b)s, %(s)s, 'x')",
        {"n": number, "u": f"https://{source}/{number}", "t": NOW, "b": f"<p>{body}</p>", "s": Jsonb(told)},
    )


def keys(conn: Connection, number: int) -> set[str]:
    return {entity["id"] for entity in both(conn, number)[0]["entities"] if entity["type"] == "organisation"}


def reread(conn: Connection, work: Work, redis_url: str) -> list[int]:
    """Let the re-enricher send what is wanted, and read it; which articles that were."""
    sent: list[int] = []
    desk = Reenricher(redis.Redis.from_url(redis_url), lambda ids: sent.extend(ids), lambda: NOW)
    while desk.round(conn):
        pass
    if sent:
        enrich_batch(work, sent)
    return sorted(sent)


def changes(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute("SELECT kind, id, into_id, why, articles FROM entity_changes ORDER BY n").fetchall()


def teach(conn: Connection, work: Work, body: str, numbers: Sequence[int]) -> None:
    for number in numbers:
        put(conn, number, body, f"{number % 2}.example")
    enrich_batch(work, list(numbers))


def test_the_stream_merges_an_acronym_and_splits_it_again(work: Work, conn: Connection, redis_url: str) -> None:
    put(conn, 1, SHORT, "0.example")
    put(conn, 2, "Ministers met in Lisbon. Maria Duarte was there.", "0.example")
    enrich_batch(work, [1, 2])
    assert keys(conn, 1) == {ICES}
    teach(conn, work, WHOLE, [11, 12])
    assert changes(conn) == []
    teach(conn, work, WHOLE, [13])
    assert changes(conn) == [("merged", ICES, COUNCIL, "acronym", 1)]
    assert reread(conn, work, redis_url) == [1]  # what names it, and nothing else
    assert keys(conn, 1) == {COUNCIL}
    events = conn.execute("SELECT type, subject FROM events WHERE type LIKE '%reannotated%'").fetchall()
    assert events == [("wiredesk.article.reannotated.v1", "articles/1")]
    put(conn, 3, SHORT, "0.example")
    enrich_batch(work, [3])
    assert keys(conn, 3) == {COUNCIL}  # a worker that knew the key as its own knows better now
    facts = conn.execute("SELECT facts FROM article_lookup WHERE article_id = 3").fetchall()[0][0]
    assert {f"entity={ICES}", f"entity={COUNCIL}"} <= set(facts)
    directory = dict(
        conn.execute("SELECT id, merged_into FROM entities WHERE id = ANY(%s)", ([ICES, COUNCIL],)).fetchall()
    )
    assert directory == {ICES: COUNCIL, COUNCIL: None}
    ((count, aliases),) = conn.execute("SELECT articles, aliases FROM entities WHERE id = %s", (COUNCIL,)).fetchall()
    assert (count, aliases) == (5, ["ICES"])
    # Others write the same letters behind another name: it is nobody's alone any more.
    teach(conn, work, OTHER, [21, 22, 23])
    assert changes(conn)[1:] == [("split", ICES, COUNCIL, "acronym", 5)]
    assert reread(conn, work, redis_url) == [1, 3, 11, 12, 13]  # what calls it so
    assert (keys(conn, 1), keys(conn, 11)) == ({ICES}, {COUNCIL})
    assert conn.execute("SELECT count(*) FROM entity_merges").fetchall() == [(0,)]
    assert reread(conn, work, redis_url) == []


def test_evidence_that_comes_twice_changes_nothing(work: Work, conn: Connection) -> None:
    teach(conn, work, WHOLE, [11, 12, 13])
    enrich_batch(work, [11, 12, 13])
    assert conn.execute("SELECT articles FROM entity_acronyms").fetchall() == [(3,)]
    with transaction(work.pool) as inside:
        assert settle_acronyms(inside, [ICES], NOW) == 0
    assert [row[0] for row in changes(conn)] == ["merged"]


LIST = """type,name,aliases,wikidata
organisation,Sea Council,ICES,Q7
"""


def test_the_operators_list_merges_what_had_keys_before_and_splits_what_it_no_longer_names(
    work: Work, conn: Connection, redis_url: str
) -> None:
    put(conn, 1, SHORT, "0.example")
    enrich_batch(work, [1])
    own = read(LIST)
    with transaction(work.pool) as inside:
        assert settle_operator(inside, own, NOW) == 1
        assert settle_operator(inside, own, NOW) == 0
    assert changes(conn) == [("merged", ICES, "organisation:sea-council", "operator", 1)]
    listed = replace(work, resources=replace(work.resources, own=own), known=Known())
    assert reread(conn, listed, redis_url) == [1]
    (entity,) = both(conn, 1)[0]["entities"]
    assert (entity["id"], entity["ids"], entity["former_ids"]) == (
        "organisation:sea-council",
        {"wikidata": "Q7"},
        [ICES],
    )
    # The operator's word goes before what articles teach.
    teach(conn, listed, WHOLE, [11, 12, 13])
    assert len(changes(conn)) == 1
    with transaction(work.pool) as inside:
        assert settle_operator(inside, OwnNames(), NOW) == 1
    assert changes(conn)[1][:4] == ("split", ICES, "organisation:sea-council", "operator")
    reread(conn, replace(work, known=Known()), redis_url)
    assert keys(conn, 1) == {ICES}


def test_keys_are_followed_to_the_last_and_a_circle_ends(work: Work, conn: Connection) -> None:
    rows = [("a", "b"), ("b", "c"), ("x", "y"), ("y", "x")]
    for key, into in rows:
        conn.execute("INSERT INTO entity_merges VALUES (%s, %s, %s, 'operator')", (key, into, into.upper()))
    conn.execute(
        "INSERT INTO entity_changes (at, kind, id, into_id, why, evidence, articles)"
        " VALUES (now(), 'merged', 'a', 'b', 'operator', '', 0)"
    )
    found = Known().of(conn)
    assert (found.into["a"], found.into["b"]) == (("c", "C"), ("c", "C"))
    assert found.former["c"] == ("a", "b")

"""One message's articles, from ids to events.

    begin (count the attempt) -> a few at a time: load -> steps -> one transaction: rows, words, entities, events

Everything is idempotent on (article, version, enricher revision): a message that comes twice finds nothing to do, and
of two workers that meet on one article only the first to commit tells of it. An article that keeps killing its worker
is tried alone after the first time, and stored without annotations, with the reason, after the last.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

import orjson
from celery.exceptions import SoftTimeLimitExceeded

from services.enrich import store
from services.enrich.again import store as again
from services.enrich.document import Document, Entity
from services.enrich.homes import LATEST, Homes, Named, named_in
from services.enrich.identity import store as identity
from services.enrich.identity.keep import Known, settle_acronyms
from services.enrich.identity.learned import taught
from services.enrich.pipeline import Resources, enrich, enricher_revision
from services.enrich.present import as_json, card, parts, rest, slim_rest
from services.enrich.reread import reread
from shared import facts, log, words
from shared.articles import Article
from shared.db import Pool, transaction
from shared.events import EventType, NewEvent
from shared.stored import Kept, card_part, pack_slim

MAX_ATTEMPTS = 3
AT_ONCE = 8  # articles to a transaction at most
FIRST, FASTER = 1, 4  # articles sent first; so many times as many are made ready while the store indexes some
ALIASES = 20  # of an entity that the directory keeps
SEARCH_CHARS = 100_000  # of the body

Told = dict[str, Any]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What a batch needs: opened once per process. `clock` gives now (aware, UTC), `timer` seconds for durations."""

    pool: Pool
    resources: Resources
    clock: Callable[[], datetime]
    timer: Callable[[], float]
    homes: Homes = field(default_factory=Homes)
    known: Known = field(default_factory=Known)


def enrich_batch(work: Work, ids: Sequence[int]) -> int:
    """Enrich articles by id and tell of them; the number of events. Raises `psycopg.Error` if the store fails."""
    revision = enricher_revision(work.resources)
    with work.pool.connection() as conn:
        attempts = store.begin(conn, ids, revision, work.clock())
    fresh = [article_id for article_id, count in attempts.items() if count == 1]
    told = sum(_pass(work, portion, revision) for portion in portions(fresh))
    # What was begun before and not finished may be what killed the worker: each alone, so it takes no other with it.
    for article_id in sorted(attempts.keys() - set(fresh)):
        told += _pass(work, [article_id], revision, give_up=attempts[article_id] > MAX_ATTEMPTS)
    return told


def portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """1, 2, 4, then `AT_ONCE` at a time: the first of a full message is told of before the rest is read."""
    start, size = 0, 1
    while start < len(ids):
        yield ids[start : start + size]
        start, size = start + size, min(AT_ONCE, size * 2)


def _pass(work: Work, ids: Sequence[int], revision: str, *, give_up: bool = False) -> int:
    with work.pool.connection() as conn:
        articles = store.load(conn, ids)
        homes = work.homes.of(
            [article.source.id for article in articles],
            partial(places_of, conn),
            work.resources.gazetteer,
            work.clock(),
        )
        identities = work.known.of(conn)
    if give_up:
        logger.error("enrichment given up", extra={"articles": list(ids), "attempts": MAX_ATTEMPTS})
        documents = [_bare(article, revision) for article in articles]
    else:
        documents = enrich(
            articles,
            work.resources,
            clock=work.timer,
            fatal=(SoftTimeLimitExceeded,),
            homes=homes,
            identities=identities,
        )
    told = save(work, documents, revision)
    if keys := {one.id for document in documents for one in taught(document)}:
        with transaction(work.pool) as conn:
            settle_acronyms(conn, keys, work.clock())
    return told


def places_of(conn: store.Connection, sources: Sequence[str]) -> dict[str, list[Named]]:
    """The places that the last articles of each source name."""
    found: dict[str, list[Told]] = {}
    for source_id, kept in store.cards_of_sources(conn, sources, LATEST):
        found.setdefault(source_id, []).append(orjson.loads(kept.card))
    return {source_id: named_in(cards) for source_id, cards in found.items()}


def _bare(article: Article, revision: str) -> Document:
    """The article as it came, saying why nothing was found out about it."""
    document = Document(article, title=article.title, subtitle=article.subtitle, description=article.description)
    reason = f"the worker died {MAX_ATTEMPTS} times on this article"
    document.annotations = {"pipeline": {"revision": revision, "error": reason}}
    return document


def save(work: Work, documents: Sequence[Document], revision: str) -> int:
    """Write documents and their events in one transaction; the number of events. The heavy rows first, then the log.

    What is made ready is sent, and the store works on it while the next is made; it is waited for once, to hear what
    it has already. A row that has a position is written when its event is, once: by its words an article is claimed
    before.
    """
    now = work.clock()
    by_id = {d.article.id: d for d in sorted(documents, key=lambda d: d.article.id)}
    cards: dict[int, Told] = {}
    with transaction(work.pool) as conn, conn.pipeline():
        claims = []
        for ids in _growing(list(by_id)):
            cards |= {i: card(by_id[i], now) for i in ids}
            claims.append(store.claim(conn, [_lookup(by_id[i], cards[i]) for i in ids]))
        present = store.hold(conn, list(by_id))
        rows = [_row(d, revision, cards[i]) for i, d in by_id.items()]
        named = {i: [_named(e) for e in d.entities] for i, d in by_id.items()}
        held = {row[0]: store.held(row) for row in present}
        claimed = {i for claim in claims for (i,) in claim}
        inserted = by_id.keys() - held.keys()
        wanted = again.wanted_of(conn, sorted(held)) if held else set()
        newer = [r for r in rows if r.article_id in held and _supersedes(r, held[r.article_id], wanted)]
        written = [r for r in rows if r.article_id in inserted] + newer
        ids = [r.article_id for r in written]
        store.keep_vectors(conn, ids, [by_id[i].embedding for i in ids])
        store.forget_attempts(conn, list(by_id))
        forgotten = _told_before(conn, [r for r in rows if r.article_id in inserted and r.version > 1])
        before = held | forgotten
        known = [(r.article_id, before[r.article_id].version) for r in written if r.article_id in before]
        changes = store.changes_after(conn, known) if known else []
        differs = {r.article_id: _differs(by_id[r.article_id], cards[r.article_id], held[r.article_id]) for r in newer}
        if newer:
            log.settle(conn, _replaced(newer, held))
            again.done(conn, differs, now)
        if stale := [i for i in ids if i not in claimed]:
            store.index(conn, [_lookup(by_id[i], cards[i]) for i in stale])
        store.know_entities(conn, [one for i in ids for one in named[i]], _counted(inserted, named), now)
        if lessons := [one for i in sorted(inserted) for one in taught(by_id[i])]:
            identity.count(conn, lessons)
        # What was read again and says the same is not told of.
        told = [r for r in written if differs.get(r.article_id) != [] or _finds(r, before.get(r.article_id))]
        events = [e for r in told for e in _events(r, before.get(r.article_id), changes, differs.get(r.article_id))]
        log.send(conn, events, now)
        last = {e.article_id: len(events) - n for n, e in enumerate(events, 1)}
        placed = [replace(r, back=last.get(r.article_id)) for r in written]
        store.insert(conn, [r for r in placed if r.article_id in inserted], now)
        if newer:
            store.update(conn, [r for r in placed if r.article_id in held], now)
    return len(events)


def _growing(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """A few first, so that the store has something to do, then more at a time: making is quicker than indexing."""
    start, size = 0, FIRST
    while start < len(ids):
        yield ids[start : start + size]
        start, size = start + size, size * FASTER


def _counted(inserted: Iterable[int], named: Mapping[int, Sequence[store.Named]]) -> Counter[str]:
    """In how many new articles each entity is."""
    return Counter(one.entity_id for i in inserted for one in named[i])


def _replaced(rows: Iterable[store.Enriched], held: Mapping[int, store.Held]) -> dict[int, bytes]:
    """The cards that are about to go, packed, by the position of the event that told of each."""
    known = [held[row.article_id] for row in rows]
    return {k.position: card_part(k.kept.packed) for k in known if k.position is not None and k.kept.packed is not None}


def _told_before(conn: store.Connection, rows: Sequence[store.Enriched]) -> dict[int, store.Held]:
    """Of articles that are written anew, those that were told of once and dropped since, being past: a publisher who
    corrects one makes no second `enriched`."""
    told = store.told_before(conn, [r.article_id for r in rows]) if rows else {}
    return {
        r.article_id: store.Held(told[r.article_id], "", 0, None, Kept(None), r.duplicate_of)
        for r in rows
        if told.get(r.article_id, r.version) < r.version
    }


def _supersedes(row: store.Enriched, known: store.Held, wanted: Set[int]) -> bool:
    """A later version does; of the same one a reading with a later page, by another enricher, or that was asked for,
    and one that knows which article it was found to be."""
    if row.duplicate_of != known.duplicate_of:
        return row.duplicate_of is not None and row.version >= known.version
    if (row.version, row.page_edition) != (known.version, known.page_edition):
        return (row.version, row.page_edition) > (known.version, known.page_edition)
    return row.revision != known.revision or row.article_id in wanted


def _differs(document: Document, told: Told, known: store.Held) -> list[dict[str, Any]] | None:
    """What another reading of one version says otherwise; None for another version."""
    if known.version != document.article.version:
        return None
    return reread(replace(known.kept, html=document.article.body_html).whole(), {**told, **rest(document)})


def _row(document: Document, revision: str, told: Told) -> store.Enriched:
    article = document.article
    html = article.body_html if document.body_source == "feed" else None
    return store.Enriched(
        article_id=article.id,
        version=article.version,
        revision=revision,
        sort_at=_sort_at(article),
        lang=_language(document),
        source_id=article.source.id,
        status=article.status,
        page_edition=article.page.edition if article.page else 0,
        packed=pack_slim(as_json(told), slim_rest(document, told), document.body_text or None, html),
        duplicate_of=article.duplicate_of,
    )


def _sort_at(article: Article) -> datetime:
    return article.published_at or article.discovered_at


def _language(document: Document) -> str | None:
    return document.language.code if document.language else None


def _lookup(document: Document, told: Told) -> store.Lookup:
    sort_at, lang = _sort_at(document.article), words.analyser(_language(document))
    text = f"{document.description or ''}\n{document.body_text[:SEARCH_CHARS]}"
    found = facts.facts(told, parts(document), sort_at, document.article.discovered_at)
    return store.Lookup(
        article_id=document.article.id,
        sort_at=sort_at,
        lang=lang,
        facts="\n".join(" ".join(fact.split()) for fact in found),
        words=words.indexed(document.title, text, lang),
    )


def _named(e: Entity) -> store.Named:
    forms = "\n".join(alias for alias in e.aliases_seen[:ALIASES] if alias != e.name)
    return store.Named(e.id, e.type, e.name, e.ids, e.salience, _name_words(e.name), forms)


@lru_cache(maxsize=50_000)
def _name_words(name: str) -> str:
    return " ".join(words.tokens(name)[:20])


def _finds(row: store.Enriched, known: store.Held | None) -> bool:
    """Whether a row is the first to say that the article is another one's duplicate."""
    return row.duplicate_of is not None and (known is None or known.duplicate_of is None)


def _events(
    row: store.Enriched,
    known: store.Held | None,
    changes: Sequence[store.Change],
    differs: list[dict[str, Any]] | None,
) -> list[NewEvent]:
    """What a written row means to a subscriber; last, and once, that it was found to be another article.

    The last of them leaves its card to the row, whose position it gives; one before it has a copy.
    """
    subject = f"articles/{row.article_id}"
    if not _finds(row, known):
        return [NewEvent(*_told(row, known, changes, differs), row.article_id, row.version)]
    merged = NewEvent("wiredesk.article.merged.v1", subject, None, row.article_id, row.version)
    if known and known.version == row.version:
        return [merged]
    first = NewEvent(*_told(row, known, changes, differs), row.article_id, row.version, card_part(row.packed))
    return [first, merged]


def _told(
    row: store.Enriched,
    known: store.Held | None,
    changes: Sequence[store.Change],
    differs: list[dict[str, Any]] | None,
) -> tuple[EventType, str, str | None]:
    """Type, subject and what stands beside the card: new, changed by its publisher, or only read anew by us."""
    subject = f"articles/{row.article_id}"
    if known is None:
        return "wiredesk.article.enriched.v1", subject, None
    if known.version == row.version:
        return "wiredesk.article.reannotated.v1", subject, orjson.dumps({"changes": differs}).decode()
    kind: EventType = "wiredesk.article.withdrawn.v1" if row.status == "withdrawn" else "wiredesk.article.corrected.v1"
    mine = [c for c in changes if c.article_id == row.article_id and c.version <= row.version]
    told = {"changes": [x for c in mine for x in c.changes], "significant": any(c.significant for c in mine)}
    return kind, subject, orjson.dumps(told).decode()

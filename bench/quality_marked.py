"""Our own marked articles: what the sample wire's English articles name, and how much of it the steps find.

`tests/enrich/marked/articles.toml` says how it is marked. Spans come by string search: the marks hold no offsets.
"""

from __future__ import annotations

import re
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.quality_rows import Counts, Row
from bench.quality_things import article
from deploy.samplewire.programme import load
from deploy.samplewire.render import body_html
from deploy.samplewire.wire import Edition, Wire, dated
from services.enrich.document import Document, Entity
from services.enrich.names.fold import fold, look_alikes
from services.enrich.pipeline import Resources, enrich
from shared.articles import Article, FeedRef, Source
from shared.topics import table

MARKS = Path(__file__).resolve().parents[1] / "tests" / "enrich" / "marked" / "articles.toml"
DESK, DESK_SET = MARKS.with_name("desk.toml"), "difficult articles"
STARTED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # the replay's start: it fixes the weekdays in the texts
NAMES = {"persons": "person", "organisations": "organisation", "places": "place"}  # what the model finds
THINGS = {"events": "event", "works": "work", "products": "product", "groups": "group"}  # what rules and tables find
TYPES = {**NAMES, **THINGS}
_PLACE = re.compile(r"(?P<forms>.*?)(?: (?:#(?P<id>\d+)|@(?P<country>[A-Z]{2})))?")
SET = "sample wire"

At = tuple[str, int, int]  # field, start, end


class MarkError(ValueError):
    """A mark that does not fit its article; the message names both."""


@dataclass(frozen=True)
class Thing:
    """A real thing that an article names, and everywhere it does."""

    type: str
    name: str
    spans: tuple[At, ...]
    geonames_id: int | None = None
    country: str | None = None
    mixed: bool = False  # one of its forms carries look-alike letters of another script


@dataclass(frozen=True)
class Said:
    """A quote by its first words, and the name of who said it, empty where the text names nobody."""

    start: int
    speaker: str


@dataclass(frozen=True)
class Marked:
    """An article with what it names."""

    slug: str
    article: Article
    things: tuple[Thing, ...]
    quotes: tuple[Said, ...]
    dateline: str
    indirect: tuple[Said, ...] = ()
    country: str = ""
    dates: tuple[tuple[str, str], ...] = ()  # words and value, in any order
    topics: tuple[str, ...] = ()  # numbers of top topics, the main one first


@dataclass
class Scores:
    """What was counted over all marked articles."""

    exact: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    overlap: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    typed: Counts = field(default_factory=Counts)
    whole: Counts = field(default_factory=Counts)
    entities: int = 0
    mixed: Counts = field(default_factory=Counts)
    quotes: Counts = field(default_factory=Counts)
    speakers: Counts = field(default_factory=Counts)
    ids: Counts = field(default_factory=Counts)
    datelines: Counts = field(default_factory=Counts)
    indirect: Counts = field(default_factory=Counts)
    countries: Counts = field(default_factory=Counts)
    tags: Counts = field(default_factory=Counts)
    dates: Counts = field(default_factory=Counts)
    topics: Counts = field(default_factory=Counts)
    first_topic: Counts = field(default_factory=Counts)


def articles() -> dict[str, Article]:
    """Every article of the sample wire as ingest would hand it on, by slug, as first published."""
    wire = load()
    return {one.slug: _article(wire, index, one.slug) for index, one in enumerate(wire.articles)}


def _article(wire: Wire, index: int, slug: str) -> Article:
    one = wire.articles[index]
    item = dated(Edition(one, one.title, one.summary, one.paragraphs, 1, one.at_s, one.at_s), STARTED)
    publisher = wire.publisher(one.publisher)
    if publisher is None:
        raise MarkError(f"{slug}: no publisher")
    source = Source(publisher.domain, publisher.name, publisher.domain, publisher.country)
    url = f"https://{publisher.domain}{one.path}"
    return Article(
        id=index + 1,
        version=1,
        url=url,
        canonical_url=url,
        title=item.title,
        subtitle=None,
        description=item.summary,
        authors=one.authors,
        language=one.lang,
        published_at=item.published,
        published_precision="second",
        modified_at=None,
        discovered_at=item.published,
        fetched_at=item.published,
        body_html=body_html(item.paragraphs),
        page_html=None,
        source=source,
        feeds=(FeedRef(1, "Sample wire", None),),
        images=(),
        media=(),
        categories=one.tags,
        status="usable",
        paywalled=one.paywall,
    )


def marked(resources: Resources, path: Path = MARKS) -> list[tuple[Marked, Document]]:
    """Each marked article with the document the steps made of it. Raises MarkError for a mark that is not there."""
    marks = tomllib.loads(path.read_text(encoding="utf-8"))
    wire = articles()
    docs = enrich([wire[slug] for slug in marks], resources, clock=time.perf_counter)
    return [(_marked(slug, marks, doc), doc) for slug, doc in zip(marks, docs, strict=True)]


def _marked(slug: str, marks: dict[str, dict[str, Any]], doc: Document) -> Marked:
    own = marks[slug]
    like = marks[own["like"]] if "like" in own else {}
    both = {key: [*like.get(key, ()), *own.get(key, ())] for key in (*TYPES, "quotes")}
    rows = [(TYPES[key], *_forms(row)) for key in TYPES for row in both[key]]
    mine = {row for key in (*TYPES, "quotes") for row in own.get(key, ())}
    must = {names[0] for names, _, _ in map(_forms, mine)}
    taken: set[tuple[str, int]] = set()
    found: dict[int, list[At]] = defaultdict(list)
    forms = [(form, index) for index, row in enumerate(rows) for form in row[1]]
    for form, index in sorted(forms, key=lambda pair: ("|" not in pair[0], -len(pair[0]))):
        found[index] += _occurrences(doc, form, taken)
    things = []
    for index, (kind, names, geonames_id, country) in enumerate(rows):
        if not found[index]:
            if names[0] in must:
                raise MarkError(f"{slug}: {names[0]!r} is not named there")
            continue  # cut by the copy
        here = {_text(doc, at) for at in found[index]}
        mixed = any(look_alikes(text) != text for text in here)
        things.append(Thing(kind, names[0].replace("|", ""), tuple(found[index]), geonames_id, country, mixed))
    quotes = [_said(doc, row) for row in both["quotes"]]
    if lost := [row for row, said in zip(both["quotes"], quotes, strict=True) if said is None and row in mine]:
        raise MarkError(f"{slug}: nothing said there begins as in {lost}")
    dateline = own.get("dateline") or like.get("dateline", "")
    indirect = tuple(_reported(slug, doc, row) for row in own.get("indirect", ()))
    dates = tuple(_dated(slug, doc, row) for row in own.get("dates", ()))
    topics = tuple(own.get("topics") or like.get("topics", ()))
    return Marked(
        slug,
        doc.article,
        tuple(things),
        tuple(filter(None, quotes)),
        dateline,
        indirect,
        own.get("country", ""),
        dates,
        topics,
    )


def _forms(row: str) -> tuple[list[str], int | None, str | None]:
    match = _PLACE.fullmatch(row)
    if match is None:
        raise MarkError(f"not a mark: {row!r}")
    return match["forms"].split(" = "), int(match["id"]) if match["id"] else None, match["country"]


def _occurrences(doc: Document, form: str, taken: set[tuple[str, int]]) -> list[At]:
    """Where a form stands that no longer one has taken; only what is between bars is the name, if there are bars."""
    before, name, after = form.split("|") if "|" in form else ("", form, "")
    pattern = re.compile(rf"(?<=\W){re.escape(before)}({re.escape(name)}){re.escape(after)}(?!\w)")
    found: list[At] = []
    for where, text in (("title", doc.title), ("body_text", doc.body_text)):
        for match in pattern.finditer(f" {text}"):
            start, end = match.start(1) - 1, match.end(1) - 1
            if taken.isdisjoint(places := {(where, at) for at in range(start, end)}):
                taken |= places
                found.append((where, start, end))
    return found


def _text(doc: Document, at: At) -> str:
    return (doc.title if at[0] == "title" else doc.body_text)[at[1] : at[2]]


def _reported(slug: str, doc: Document, row: str) -> Said:
    words, _, speaker = row.partition(" > ")
    at = doc.body_text.find(words)
    if at < 0:
        raise MarkError(f"{slug}: nothing reported there begins as in {words!r}")
    return Said(at, speaker)


def _dated(slug: str, doc: Document, row: str) -> tuple[str, str]:
    words, arrow, value = row.partition(" > ")
    if not arrow or words not in doc.body_text:
        raise MarkError(f"{slug}: no date there reads {words!r}")
    return words, value


def _said(doc: Document, row: str) -> Said | None:
    words, _, speaker = row.partition(" >")
    for mark in '\u201c"':
        if (at := doc.body_text.find(mark + words)) >= 0:
            return Said(at + 1, speaker.strip())
    return None


def score(pairs: Sequence[tuple[Marked, Document]]) -> Scores:
    """Count every task over the marked articles."""
    scores = Scores()
    for mark, doc in pairs:
        _names(scores, mark, doc)
        covers = _covers(mark, doc)
        _folding(scores, mark, covers)
        _places(scores, mark, doc, covers)
        _quotes(scores, mark, doc, covers)
        _topics(scores, mark, doc)
        _dates(scores, mark, doc)
        _keywords(scores, doc)
        if mark.country:
            right = bool(doc.countries) and doc.countries[0].code == mark.country
            scores.countries += Counts(bool(doc.countries), right, 1, right)
    return scores


def _touch(one: At, other: At) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def _spans(entity: Entity) -> list[At]:
    return [(mention.field, mention.start, mention.end) for mention in entity.mentions]


def _named(doc: Document) -> list[Entity]:
    return list(doc.entities)


def _names(scores: Scores, mark: Marked, doc: Document) -> None:
    gold = [(thing.type, span) for thing in mark.things for span in thing.spans]
    given = [(entity.type, span) for entity in _named(doc) for span in _spans(entity)]
    sure = set(gold)
    for kind, span in given:
        scores.exact[kind].given += 1
        scores.exact[kind].right += (kind, span) in sure
        scores.overlap[kind].given += 1
        scores.overlap[kind].right += any(kind == other and _touch(span, at) for other, at in gold)
    for wanted, span in gold:
        scores.exact[wanted].wanted += 1
        scores.exact[wanted].found += (wanted, span) in set(given)
        scores.overlap[wanted].wanted += 1
        scores.overlap[wanted].found += any(wanted == other and _touch(span, at) for other, at in given)
        touching = [other for other, at in given if _touch(span, at)]
        scores.typed.share(wanted in touching, of=bool(touching))


def _covers(mark: Marked, doc: Document) -> list[list[Entity]]:
    """For each thing, the entities with a mention on one of its spans."""
    return [
        [entity for entity in _named(doc) if any(_touch(one, other) for one in _spans(entity) for other in thing.spans)]
        for thing in mark.things
    ]


def _folding(scores: Scores, mark: Marked, covers: list[list[Entity]]) -> None:
    owners: dict[str, int] = defaultdict(int)
    for found in covers:
        for entity in found:
            owners[entity.id] += 1
    for thing, found in zip(mark.things, covers, strict=True):
        scores.entities += len(found)
        whole = len(found) == 1 and owners[found[0].id] == 1
        scores.whole.share(whole, of=bool(found))
        scores.mixed.share(whole, of=thing.mixed)


def _places(scores: Scores, mark: Marked, doc: Document, covers: list[list[Entity]]) -> None:
    by_id = {place.entity_id: place for place in doc.places}
    dated_from = {place.entity_id for place in doc.places if place.role == "dateline"}
    dateline: set[str] = set()
    for thing, found in zip(mark.things, covers, strict=True):
        here = [by_id[entity.id] for entity in found if entity.id in by_id]
        if thing.type == "place" and thing.name == mark.dateline:
            # A dateline that the headline names too is the article's focus.
            dateline = {place.entity_id for place in here if place.role in ("dateline", "focus")}
        placed = [place for place in here if place.geonames_id]
        if thing.geonames_id:
            scores.ids.wanted += 1
            scores.ids.found += any(place.geonames_id == thing.geonames_id for place in placed)
        if thing.geonames_id or thing.country:
            scores.ids.given += len(placed)
            scores.ids.right += sum(
                place.geonames_id == thing.geonames_id if thing.geonames_id else place.country == thing.country
                for place in placed
            )
    scores.datelines.wanted += bool(mark.dateline)
    scores.datelines.found += bool(dateline)
    given = dateline | dated_from
    scores.datelines.given += len(given)
    scores.datelines.right += len(dateline & given) if mark.dateline else 0


def _quotes(scores: Scores, mark: Marked, doc: Document, covers: list[list[Entity]]) -> None:
    things = {entity.id: thing.name for thing, found in zip(mark.things, covers, strict=True) for entity in found}
    said = {quote.start: quote for quote in mark.quotes}
    starts = {quote.start for quote in doc.quotes if quote.direct}
    for start in said:
        scores.quotes.wanted += 1
        scores.quotes.found += start in starts
    wanted_clauses = {(said.start, said.speaker) for said in mark.indirect}
    given = {(q.start, things.get(q.entity_id or "", q.speaker or "")) for q in doc.quotes if not q.direct}
    right = len(wanted_clauses & given)
    scores.indirect += Counts(len(given), right, len(wanted_clauses), right)
    for quote in doc.quotes:
        if not quote.direct:
            continue
        scores.quotes.given += 1
        scores.quotes.right += quote.start in said
        if quote.start in said:
            wanted = said[quote.start].speaker
            scores.speakers.share(wanted == (things.get(quote.entity_id, "?") if quote.entity_id else ""))


def _keywords(scores: Scores, doc: Document) -> None:
    """The publisher's tags that stand in the text: which of them a keyword is, holds or is held by."""
    text = fold(f"{doc.title} {doc.body_text}")
    aliases = {entity.name: entity.aliases_seen for entity in doc.entities}
    given = {fold(form) for one in doc.keywords for form in (one.text, *aliases.get(one.text, ()))}
    for tag in map(fold, doc.article.categories):
        scores.tags.share(any(tag in one or one in tag for one in given), of=tag in text)


def _dates(scores: Scores, mark: Marked, doc: Document) -> None:
    wanted, given = Counter(mark.dates), Counter((date.text, date.value) for date in doc.dates)
    right = (wanted & given).total()
    scores.dates += Counts(given.total(), right, wanted.total(), right)


def _topics(scores: Scores, mark: Marked, doc: Document) -> None:
    if not mark.topics:
        return
    names = topic_names()
    wanted = {names[number] for number in mark.topics}
    given = [topic.path[0] for topic in doc.topics]
    scores.topics += Counts(len(given), sum(one in wanted for one in given), len(wanted), len(wanted & set(given)))
    scores.first_topic.share(bool(given) and given[0] in wanted)


def topic_names() -> dict[str, str]:
    """The name of each IPTC top topic by its number."""
    return {number: name for number, (broader, name) in table().items() if not broader}


def desk(resources: Resources, path: Path = DESK) -> list[tuple[Marked, Document]]:
    """Each difficult article of our own with the document the steps made of it. Raises MarkError as `marked` does."""
    marks = read_desk(path)
    docs = enrich([_of_desk(n, one) for n, one in enumerate(marks.values(), 1)], resources, clock=time.perf_counter)
    return [(_marked(slug, marks, doc), doc) for slug, doc in zip(marks, docs, strict=True)]


def read_desk(path: Path = DESK) -> dict[str, dict[str, Any]]:
    """The difficult articles with their marks, by slug."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _of_desk(number: int, told: dict[str, Any]) -> Article:
    country, _, admin = told["home"].partition(".")
    day = datetime.fromisoformat(told["day"]).replace(hour=12, tzinfo=UTC)
    return replace(
        article(number, ""),
        title=told["title"],
        body_html=body_html(told["body"].strip().split("\n\n")),
        published_at=day,
        discovered_at=day,
        source=Source("own.example", "Own", "own.example", country, admin or None),
    )


def desk_rows(scores: Scores) -> list[Row]:
    """The rows of the difficult articles: what is marked there and no more."""
    return [
        row
        for row in rows(scores, name=DESK_SET)
        if int(row.size.split()[0]) and row.task not in ("look-alike letters", "works", "events", "products", "groups")
    ]


def rows(scores: Scores, tier: str = "", name: str = SET) -> list[Row]:
    """The scorecard's rows of our own set."""
    name = f"{name}{tier}"
    found = [
        Row(task, "en", name, f"{scores.exact[kind].wanted} names", _figures(scores, [kind]))
        for task, kind in (("persons", "person"), ("organisations", "organisation"), ("places", "place"))
    ]
    every = list(NAMES.values())
    wanted = sum(scores.exact[kind].wanted for kind in every)
    found.append(Row("entities", "en", name, f"{wanted} names", _figures(scores, every)))
    if tier:
        return found
    found += [
        Row(task, "en", name, f"{scores.exact[kind].wanted} names", _figures(scores, [kind]))
        for task, kind in THINGS.items()
    ]
    each = scores.entities / max(1, scores.whole.wanted)
    return [
        *found,
        Row("type", "en", name, f"{scores.typed.wanted} names found", {"right": scores.typed.recall}),
        Row(
            "folding",
            "en",
            name,
            f"{scores.whole.wanted} things found",
            {"one thing, one entity": scores.whole.recall, "entities per thing": round(each, 3)},
        ),
        Row("look-alike letters", "en", name, f"{scores.mixed.wanted} things", {"one entity": scores.mixed.recall}),
        Row("place ids", "en", name, f"{scores.ids.wanted} places with an id", scores.ids.figures()),
        Row("datelines", "en", name, f"{scores.datelines.wanted} datelines", scores.datelines.figures()),
        Row("quotes", "en", name, f"{scores.quotes.wanted} quotes", scores.quotes.figures()),
        Row("speakers", "en", name, f"{scores.speakers.wanted} quotes found", {"right": scores.speakers.recall}),
        Row("keywords", "en", name, f"{scores.tags.wanted} tags in the text", {"found": scores.tags.recall}),
        Row("country focus", "en", name, f"{scores.countries.wanted} articles", scores.countries.figures()),
        Row("reported speech", "en", name, f"{scores.indirect.wanted} clauses", scores.indirect.figures()),
        Row("dates", "en", name, f"{scores.dates.wanted} dates", scores.dates.figures()),
        _topic_row("topics", scores, name),
    ]


def _topic_row(task: str, scores: Scores, name: str = SET) -> Row:
    figures = {**scores.topics.figures(), "first right": scores.first_topic.recall}
    return Row(task, "en", name, f"{scores.first_topic.wanted} articles", figures)


def topics_from_text(resources: Resources, pairs: Sequence[tuple[Marked, Document]]) -> Row:
    """The topics of the marked articles told from their text alone: no category, address or feed's name."""
    plain = [
        replace(mark.article, categories=(), canonical_url=f"https://{mark.article.source.domain}/{mark.slug}")
        for mark, _ in pairs
    ]
    scores = Scores()
    docs = enrich(plain, resources, clock=time.perf_counter)
    for (mark, _), doc in zip(pairs, docs, strict=True):
        _topics(scores, mark, doc)
    return _topic_row("topics from the text alone", scores)


def _figures(scores: Scores, kinds: Sequence[str]) -> dict[str, float]:
    exact, overlap = Counts(), Counts()
    for kind in kinds:
        exact += scores.exact[kind]
        overlap += scores.overlap[kind]
    return {**exact.figures(), "overlap F1": overlap.f1}


def languages(resources: Resources) -> Row:
    """The language of every article of the sample wire, told from its text alone."""
    every = list(articles().values())
    right = Counts()
    docs = enrich([replace(one, language=None) for one in every], resources, clock=time.perf_counter)
    for one, doc in zip(every, docs, strict=True):
        right.share(doc.language is not None and doc.language.code == one.language)
    languages = len({one.language for one in every})
    return Row("language", f"{languages} languages", SET, f"{right.wanted} articles", {"right": right.recall})

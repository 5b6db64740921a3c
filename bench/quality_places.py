"""Places: GUM's links to Wikipedia, by our choice and by a plain one, and own sentences with the places they mean.

The names are given (as GUM or the marks have them), so that these rows say which place was chosen, not which was found.
"""

from __future__ import annotations

import gzip
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.quality_rows import Row
from bench.quality_things import article
from services.enrich.document import Document, Home, Language
from services.enrich.gazetteer import PlaceRow
from services.enrich.names.fold import fold
from services.enrich.ner.spans import Span
from services.enrich.places.context import REGIONS
from services.enrich.resources import Resources
from services.enrich.steps.folding import Folding
from services.enrich.steps.mentions import Mentions
from services.enrich.steps.places import ResolvePlaces

MARKS = Path(__file__).resolve().parents[1] / "tests" / "enrich" / "marked" / "places.txt"
TYPES = {"PER": "person", "ORG": "organisation", "LOC": "place"}
SETS = {
    "gum_train_links_ccby": "GUM train, links, news, interview, academic, court",
    "gum_train_links_ccbysa": "GUM train, links, biography, voyage",
}
COUNTRY_NAMED, STATE_NAMED, AT_HOME, SAME_STATE = 2.0, 2.5, 1.0, 1.5  # of the plain choice
MOSTLY = 0.5  # of a document's linked places in one country: it is taken for the feed's home
_TITLE = re.compile(r"(?P<name>[^,(]+?)(?:, (?P<region>[^(]+?))?(?: \((?P<kind>[^)]+)\))?")


@dataclass(frozen=True)
class Linked:
    """A place's name in a document, and the Wikipedia article it is linked to."""

    start: int
    end: int
    title: str


@dataclass
class Links:
    """What was counted of one way to choose."""

    wanted: int = 0
    given: int = 0
    right: int = 0

    def figures(self) -> dict[str, float]:
        """Per cent of the linked names that get an id, and of these with the right name and region."""
        return {
            "given an id": round(100 * self.given / max(1, self.wanted), 1),
            "right of those": round(100 * self.right / max(1, self.given), 1),
        }


class _Given:
    """A tagger that finds what it was told."""

    revision = "given"

    def __init__(self, spans: Mapping[str, list[Span]]) -> None:
        self._spans = spans

    def tag(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text."""
        return [self._spans.get(text, []) for text in texts]


def links(resources: Resources, folder: Path) -> Iterator[Row]:
    """Two rows a set: without the feed's home and with it; `plain` is the plain choice on the same table."""
    for name, title in SETS.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            read = [json.loads(line) for line in lines]
        for told, homed in (("", False), (", the feed's home given", True)):
            yield _row(resources, read, title + told, homed=homed)


def read(path: Path = MARKS) -> list[tuple[Home | None, str, list[tuple[str, str]]]]:
    """Our own sentences: the feed's home, the text, and each name with what it means (see the file)."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            where, text, names = line.split("\t")
            country, _, admin = where.partition(".")
            home = Home(country, admin or None) if country != "-" else None
            found.append((home, text, [(n, code) for n, _, code in (one.partition("=") for one in names.split("; "))]))
    return found


def own(resources: Resources, path: Path = MARKS) -> Row:
    """Of the names in our own sentences, how many mean the right place, or rightly none; beside the plain choice."""
    ours, plain = Counter[bool](), Counter[bool]()
    for number, (home, text, wanted) in enumerate(read(path), 1):
        spans = [(text.index(name), text.index(name) + len(name)) for name, _ in wanted]
        doc = document(resources, number, text, [(start, end, "place") for start, end in spans], home)
        for counts, choice in ((ours, chosen(doc)), (plain, _plainly(doc, resources, home))):
            for span, (name, code) in zip(spans, wanted, strict=True):
                counts[choice(*span) in _coded(name, code, resources)] += 1
    figures = {"right": _share(ours), "plain: right": _share(plain)}
    return Row("place choice", "en", "own sentences", f"{ours.total()} names", figures)


def _share(counts: Counter[bool]) -> float:
    return round(100 * counts[True] / max(1, counts.total()), 1)


def _coded(name: str, code: str, resources: Resources) -> set[int | None]:
    """The GeoNames ids that a code of our own marks allows. Raises ValueError where the table knows none."""
    if code == "?":
        return {None}
    if code.isdigit():
        return {int(code)}
    where, colon, _ = code.partition(":")
    country, _, admin = where.partition(".")
    kind = "city" if colon else "admin" if admin else "country"
    rows = resources.gazetteer.find_all(fold(name)) or resources.gazetteer.find_all(fold(name.rpartition(" ")[0]))
    found: set[int | None] = {
        row.geonames_id for row in rows if row.kind == kind and row.country == country and admin in ("", row.admin)
    }
    if not found:
        raise ValueError(f"{name}: the table has no {kind} of that name in {where}")
    return found


def _row(resources: Resources, lines: Sequence[Mapping[str, Any]], title: str, *, homed: bool) -> Row:
    ours, plain = Links(), Links()
    for number, line in enumerate(lines, 1):
        names = [_mended(line["text"], *one) for one in line["ents"]]
        wanted = [Linked(a, z, more[0].replace("_", " ")) for a, z, kind, *more in names if kind == "LOC" and any(more)]
        home = _home(wanted, resources) if homed else None
        doc = document(resources, number, line["text"], [(a, z, TYPES[kind]) for a, z, kind, *_ in names], home)
        _count(ours, wanted, chosen(doc), resources)
        _count(plain, wanted, _plainly(doc, resources, home), resources)
    figures = ours.figures() | {f"plain: {name}": value for name, value in plain.figures().items()}
    return Row("place links", "en", title, f"{ours.wanted} names", figures)


def _mended(text: str, start: int, end: int, kind: str, *link: str | None) -> tuple[Any, ...]:
    """A name with the word that the set's flattening cut off: (United) States, (United) Kingdom."""
    cut = text[start:end] in ("States", "Kingdom") and text.endswith("United ", 0, start)
    return (start - len("United ") if cut else start, end, kind, *link)


def document(
    resources: Resources, number: int, text: str, spans: Iterable[tuple[int, int, str]], home: Home | None
) -> Document:
    """A text with its names given, its places resolved."""
    given = _Given({text: [Span(start, end, kind, 1.0) for start, end, kind in sorted(spans)]})  # type: ignore[arg-type]
    blank = article(number, "")
    source = replace(blank.source, country=home.country if home else None, admin1=home.admin if home else None)
    doc = Document(replace(blank, source=source), body_text=text, language=Language("en", 1.0))
    told = replace(resources, taggers={"en": given})
    for step in (Mentions(), Folding(), ResolvePlaces()):
        step.run([doc], told)
    return doc


def chosen(doc: Document) -> Callable[[int, int], int | None]:
    """The GeoNames id that a stretch of the body got."""
    places = {key: place for place in doc.places for key in place.keys}
    spans = [
        (mention.start, mention.end, places[cluster.key].geonames_id)
        for cluster in doc.clusters
        if cluster.type == "place" and cluster.key in places
        for mention in cluster.mentions
        if mention.field == "body_text"
    ]

    def of(start: int, end: int) -> int | None:
        return next((found for one, other, found in spans if one < end and start < other), None)

    return of


def _count(links: Links, wanted: Sequence[Linked], of: Callable[[int, int], int | None], resources: Resources) -> None:
    for link in wanted:
        links.wanted += 1
        found = of(link.start, link.end)
        if found is None:
            continue
        links.given += 1
        right = {row.geonames_id for row in meant(link.title, resources)} | {REGIONS.get(fold(link.title), -1)}
        links.right += found in right


def meant(title: str, resources: Resources) -> list[PlaceRow]:
    """The places of the table that a Wikipedia title fits: by name, by region where it has one, by kind where told.

    A title that is a country's name means the country.
    """
    match = _TITLE.fullmatch(title)
    if match is None:
        return []
    rows = resources.gazetteer.find_all(fold(match["name"]))
    if match["region"]:
        around = resources.gazetteer.find_all(fold(match["region"])) + [
            row
            for code in (resources.states.get(match["region"].replace(".", "")),)
            for row in resources.gazetteer.find_all(fold("Washington"))
            if code == "DC" and row.admin == "DC"
        ]
        inside = {(row.country, row.admin) for row in around if row.kind != "city"}
        inside |= {(row.country, row.admin) for row in around if row.admin == "DC"}
        return [row for row in rows if (row.country, row.admin) in inside or (row.country, "") in inside]
    kind = match["kind"] or ""
    if "state" in kind or "province" in kind:
        return [row for row in rows if row.kind == "admin"]
    countries = [row for row in rows if row.kind == "country"]
    return countries or rows


def _home(wanted: Sequence[Linked], resources: Resources) -> Home | None:
    """The country, and the state, that most of a document's linked places lie in: as a feed from there would be set."""
    countries: Counter[str] = Counter()
    admins: Counter[tuple[str, str]] = Counter()
    for link in wanted:
        rows = meant(link.title, resources)
        best = max(rows, key=lambda row: row.population, default=None)
        if best is not None:
            countries[best.country] += 1
            admins[best.country, best.admin] += bool(best.admin)
    if not countries:
        return None
    country, times = countries.most_common(1)[0]
    if times < MOSTLY * countries.total():
        return None
    (owner, admin), often = admins.most_common(1)[0] if admins else (("", ""), 0)
    return Home(country, admin if owner == country and often >= MOSTLY * times else None)


def _plainly(doc: Document, resources: Resources, home: Home | None) -> Callable[[int, int], int | None]:
    """The plain choice: what stands behind a comma, else population and the countries and states named beside it."""
    clusters = [cluster for cluster in doc.clusters if cluster.type == "place"]
    rows = {cluster.key: resources.gazetteer.find(fold(cluster.name)) for cluster in clusters}
    countries = {found[0].country for found in rows.values() if found and found[0].kind == "country"}
    states = {found[0].admin for found in rows.values() if found and found[0].kind == "admin"}
    spans: list[tuple[int, int, int]] = []
    for cluster in clusters:
        found = rows[cluster.key]
        behind = {
            row.geonames_id for mention in cluster.mentions for row in _behind(doc, mention.end, found, resources)
        }

        def points(row: PlaceRow, behind: set[int] = behind) -> float:
            home_points = (
                AT_HOME + SAME_STATE * (row.admin == home.admin) if home and row.country == home.country else 0
            )
            return (
                math.log10(max(10, row.population))
                + COUNTRY_NAMED * (row.kind != "country" and row.country in countries)
                + STATE_NAMED * (row.kind == "city" and row.country == "US" and row.admin in states)
                + home_points
                + 100 * (row.geonames_id in behind)
            )

        if found:
            best = max(found, key=points)
            spans += [(mention.start, mention.end, best.geonames_id) for mention in cluster.mentions]

    def of(start: int, end: int) -> int | None:
        return next((found for one, other, found in spans if one < end and start < other), None)

    return of


def _behind(doc: Document, end: int, rows: Sequence[PlaceRow], resources: Resources) -> list[PlaceRow]:
    """Those of the places that lie in the state or country set behind the name with a comma."""
    if not doc.body_text.startswith(", ", end):
        return []
    words = doc.body_text[end + 2 : end + 40].split()
    for length in (3, 2, 1):
        for around in resources.gazetteer.find(fold(" ".join(words[:length]))):
            inside = [row for row in rows if around.kind != "city" and row.country == around.country]
            inside = [row for row in inside if row.kind == "city" and around.admin in ("", row.admin)]
            if inside:
                return inside
    return []

"""Languages of real headlines: titles of real feeds and pages whose declared language their country's domain bears out.

Which languages that are depends on what lies beside the checkout; nothing is copied. Most of it is English.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree

from bench.quality_rows import Row
from services.enrich.pipeline import Resources
from services.enrich.text.clean import clean_line
from services.enrich.text.language import primary_subtag

FEEDS = Path(__file__).resolve().parents[2] / "shared" / "data" / "feeds"
PAGES = FEEDS.parent / "articles" / "trafilatura-cc"
SHORTEST = 20  # characters: "Podcast 12" is in no language
MOST = 25  # titles of one feed
#: Countries' domains under which a declared language is believed; English is declared everywhere, also by mistake.
BORNE_OUT = {
    "de": "de at ch", "en": "uk us ie in pk au nz ca za ke ng gh", "es": "es mx ar cl co pe uy", "fr": "fr be ch ca sn",
    "it": "it ch", "nl": "nl be", "pl": "pl", "pt": "pt br", "sv": "se", "da": "dk", "no": "no", "fi": "fi", "ja": "jp",
    "ko": "kr", "ru": "ru", "tr": "tr", "uk": "ua", "cs": "cz",
}  # fmt: skip
_AMERICAN = frozenset({"en-us", "en-gb"})  # told with a region on a general domain: believed


def titles(feeds: Path = FEEDS, pages: Path = PAGES) -> dict[str, list[str]]:
    """Real headlines by the language that they are declared to be in, each once."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for path in sorted(feeds.rglob("*.xml")):
        language, lines = _feed(path)
        if language:
            found[language].update(dict.fromkeys(lines))
    for language, line in _pages(pages):
        found[language][line] = None
    return {language: list(lines) for language, lines in sorted(found.items())}


def rows(resources: Resources, feeds: Path = FEEDS, pages: Path = PAGES) -> Iterator[Row]:
    """One row over all of them, without what the feed declares, and with a figure for each language."""
    if not feeds.is_dir():
        return
    found = titles(feeds, pages)
    right = {
        code: [(told := resources.language_model.detect(line)) is not None and told.code == code for line in lines]
        for code, lines in found.items()
    }
    every = [hit for hits in right.values() for hit in hits]
    figures = {"right": _share(every)} | {code: _share(hits) for code, hits in right.items()}
    languages = f"{len(right)} languages"
    sizes = ", ".join(f"{code} {len(hits)}" for code, hits in right.items())
    yield Row("language", languages, "real feeds and pages, titles", f"{len(every)} titles ({sizes})", figures)


def _share(hits: list[bool]) -> float:
    return round(100 * sum(hits) / max(1, len(hits)), 1)


def _feed(path: Path) -> tuple[str | None, list[str]]:
    """The language of a feed as far as its domain bears it out, and its titles."""
    try:
        root = etree.fromstring(
            path.read_bytes(), etree.XMLParser(recover=True, resolve_entities=False, huge_tree=False)
        )
    except etree.XMLSyntaxError:
        return None, []
    if root is None:
        return None, []
    declared, link = root.get("{http://www.w3.org/XML/1998/namespace}lang"), ""
    lines: list[str] = []
    for node in root.iter():
        name = _name(node)
        text = (node.text or "").strip()
        if name == "language" and text and declared is None:
            declared = text
        elif name == "link" and not link:
            link = text or node.get("href") or ""
        elif name == "title" and _in_item(node) and len(lines) < MOST:
            line = clean_line(text)
            lines += [line] if len(line) >= SHORTEST else []
    return _believed(declared, link), lines


def _in_item(node: etree._Element) -> bool:
    parent = node.getparent()
    return parent is not None and _name(parent) in ("item", "entry")


def _name(node: etree._Element) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _believed(declared: str | None, link: str) -> str | None:
    code = primary_subtag(declared)
    domain = (urlsplit(link).hostname or "").rpartition(".")[2]
    if code and domain in BORNE_OUT.get(code, "").split():
        return code
    return code if (declared or "").lower() in _AMERICAN and domain in ("com", "org", "net") else None


def _pages(folder: Path) -> Iterator[tuple[str, str]]:
    """(language, title) of pages that people gave a title and a country that agrees with the page's own language."""
    path = folder / "evaldata.json"
    if not path.is_file():
        return
    for url, told in json.loads(path.read_text(encoding="utf-8")).items():
        html = (folder / "html" / told["file"]).read_bytes()[:2_000].decode("utf-8", "ignore").lower()
        head = html.partition("<html")[2].partition(">")[0]
        declared = head.partition('lang="')[2].partition('"')[0] or None
        code = primary_subtag(declared)
        title = clean_line(told.get("title") or "")
        country = (told.get("region") or "").lower()
        if code and url and country in BORNE_OUT.get(code, "").split() and len(title) >= SHORTEST:
            yield code, title

"""HTML to paragraphs and links, in one walk over the tree."""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

from lxml import etree

from services.enrich.document import Link
from services.enrich.text.clean import clean_line, clean_paragraphs

MAX_LINKS = 500

_DROPPED = frozenset(
    "script style noscript template figcaption nav form button select option textarea iframe object svg math"
    " head".split()
)
_BLOCK = frozenset(
    "address article aside blockquote body center dd details dialog div dl dt fieldset figure footer h1 h2 h3 h4 h5 h6"
    " header hr html li main ol p pre section summary table tbody tfoot thead tr ul"
    " item list quote row".split()  # the last line: the names trafilatura gives to its extracted tree
)
_CELL = frozenset({"td", "th", "cell"})
# A tree from an extractor calls its headings <head>, which in HTML holds no text.
_EXTRACTED_BLOCK = _BLOCK | {"head"}
_EXTRACTED_DROPPED = _DROPPED - {"head"}


def parse(html: str) -> etree._Element | None:
    """The tree of an HTML fragment or document; None where there is nothing in it. Never touches the network."""
    data = html.replace("\x00", "").encode("utf-8", "ignore")
    if not data.strip():
        return None
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, recover=True, remove_comments=True, remove_pis=True)
    root: etree._Element | None = etree.fromstring(data, parser)
    return root


def paragraphs(root: etree._Element, *, extracted: bool = False) -> tuple[str, tuple[Link, ...]]:
    """The clean text of a tree (paragraphs separated by a blank line) and its absolute links, both in reading order."""
    block = _EXTRACTED_BLOCK if extracted else _BLOCK
    dropped = _EXTRACTED_DROPPED if extracted else _DROPPED
    lines: list[str] = []
    links: dict[str, Link] = {}
    run: list[str] = []

    def flush() -> None:
        if run:
            lines.append("".join(run))
            run.clear()

    walk = etree.iterwalk(root, events=("start", "end"))
    for event, node in walk:
        tag = node.tag if isinstance(node.tag, str) else ""
        if event == "start":
            if tag in dropped or not tag:
                walk.skip_subtree()
                continue
            if tag in block or tag in ("br", "lb"):
                flush()
            elif tag in _CELL:
                run.append(" ")
            elif tag in ("a", "ref"):
                _collect(node, links)
            if node.text:
                run.append(node.text)
            continue
        if tag in block:
            flush()
        if node.tail:
            run.append(node.tail)
    flush()
    return clean_paragraphs(lines), tuple(links.values())


def _collect(node: etree._Element, links: dict[str, Link]) -> None:
    url = (node.get("href") or node.get("target") or "").strip()
    if len(links) < MAX_LINKS and url not in links and url.startswith(("http://", "https://")) and len(url) <= 2048:
        text = clean_line("".join(str(part) for part in node.itertext()))
        links[clean_line(url)] = Link(url=clean_line(url), text=text[:300])

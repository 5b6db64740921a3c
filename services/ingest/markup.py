"""HTML from outside: sanitised by nh3 (ammonia), and as plain text. Pure."""

from __future__ import annotations

import html
import re
from functools import lru_cache

import nh3

LONGEST_TITLE = 10_000  # characters looked at, markup included
PAIRS = 4  # of tags within one another, that a title may have

_TAG_NAMES = (
    "a abbr article aside b blockquote br caption cite code dd del details dfn div dl dt em figcaption figure footer"
    " h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark ol p pre q rp rt ruby s samp section small span strong"
    " sub summary sup table tbody td tfoot th thead time tr u ul var video audio source"
)
_TAGS = frozenset(_TAG_NAMES.split())
_ATTRIBUTES = {
    "a": {"href", "title", "hreflang"},
    "abbr": {"title"},
    "audio": {"src", "controls"},
    "blockquote": {"cite"},
    "del": {"datetime"},
    "img": {"src", "alt", "title", "width", "height"},
    "ins": {"datetime"},
    "ol": {"start"},
    "source": {"src", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
    "video": {"src", "controls", "poster"},
    "*": {"lang", "dir"},
}
# What goes with all that is in it: it is no text that anybody reads.
_EMPTIED = frozenset(
    ("script", "style", "noscript", "iframe", "object", "embed", "template", "svg", "math", "form", "select", "head")
)
_BLOCK_NAMES = (
    "address article aside blockquote br caption dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header"
    " hr li main ol p pre section summary table tbody td tfoot th thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_SCHEMES = {"http", "https", "mailto", "tel"}
_GIVEN = re.compile(r"""=\s*+["']?+(?!\w+:)""")  # an attribute's beginning, but where a scheme follows
_ADDRESSES = ("src", "href", "poster", "cite")  # attributes that hold one

_TAG = re.compile(r"</?[a-zA-Z][^>]*>")
_BLOCK = re.compile(rf"</?(?:{'|'.join(sorted(_BLOCKS))})\b[^>]*>", re.IGNORECASE)
_KNOWN_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|cite|code|del|div|em|figure|font|h[1-6]|hr|i|img|ins|li|mark|ol|p|q|s|script"
    r"|small|span|strike|strong|sub|sup|table|td|time|tr|tt|u|ul|wbr)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
# In a title: what is nobody's prose. Elements that hold no text with all that is in them, comments, document types,
# and whatever looks like a tag with attributes.
_NO_PROSE = re.compile(
    r"<(script|style)\b[^<>]*>.{0,4000}?</\1\s*>|<!--.{0,4000}?-->|<!doctype\b[^<>]*>"
    r"|<[a-z][a-z0-9]*\s+[a-z-]+\s*=\s*[\"'][^<>]*>|</?(?:applet|blink|center|embed|frame|frameset|iframe|link|meta|object)\s*/?>",
    re.IGNORECASE | re.DOTALL,
)
# Elements that are emptied. XHTML may close one in itself, which HTML does not know: it would swallow all that follows.
_CLOSED_IN_ITSELF = re.compile(
    r"<(?:iframe|object|script|style|svg|math|form|select|template)\b[^<>]*/>", re.IGNORECASE
)
_SWALLOWING = {
    "iframe": re.compile(r"<iframe\b[^<>]*>", re.IGNORECASE),
    "object": re.compile(r"<object\b[^<>]*>", re.IGNORECASE),
}
# Of a title: tags that stand between words, and those that are tags only where their ends stand too.
_BREAKING = re.compile(r"</?(?:blockquote|br|div|h[1-6]|hr|li|ol|p|table|td|tr|ul)\b", re.IGNORECASE)
_PAIR = re.compile(r"<([a-z][a-z0-9]{0,9})(?:\s[^<>]*)?>(.{0,300}?)</\1\s*>|<br\s*/?>", re.IGNORECASE)
_SECTION = re.compile(
    r"\A\s*<!\[CDATA\[(.*?)(?:\]\]>\s*)?\Z", re.DOTALL
)  # written as text by who escapes what is escaped
_TWICE = re.compile(
    r"&(?:#\d{1,6}|#[xX][0-9A-Fa-f]{1,6}|amp|quot|lt|gt|apos|nbsp|[lr][sd]quo|[mn]dash|hellip"
    r"|[A-Za-z]{1,2}(?:acute|grave|uml|circ|tilde|cedil|slash|ring|lig));"
)
# C0 but tab, line feed and carriage return; delete and C1; surrogates; what is no character for ever.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")

_text_only = nh3.Cleaner(tags=set(_BLOCKS), attributes={}, clean_content_tags=set(_EMPTIED), link_rel=None)


@lru_cache(maxsize=64)
def _cleaner(base: str | None) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        clean_content_tags=set(_EMPTIED),
        url_schemes=set(_SCHEMES),
        link_rel="noopener noreferrer nofollow",
        url_relative=("rewrite_with_base", base) if base else "deny",
    )


def without_controls(text: str) -> str:
    """The text without control characters, NULs and lone surrogates, which PostgreSQL and readers cannot take."""
    return text if text.isprintable() else _CONTROLS.sub("", text)


def sanitise(fragment: str, base: str) -> str:
    """HTML that can be shown: no scripts, forms, frames, styles or handlers; relative addresses resolved."""
    fragment = _unswallowed(_opened(without_controls(fragment)))
    return _cleaner(base if _has_relative(fragment) else None).clean(fragment).strip()


def _has_relative(fragment: str) -> bool:
    """Whether an attribute that holds an address may hold a relative one."""
    if "=" not in fragment:
        return False
    return any(
        fragment[max(0, found.start() - 100) : found.start()].rstrip().lower().endswith(_ADDRESSES)
        for found in _GIVEN.finditer(fragment)
    )


def _unswallowed(fragment: str) -> str:
    """The fragment without frames and objects that are never closed, which would take all the rest with them."""
    if "/>" in fragment:
        fragment = _CLOSED_IN_ITSELF.sub("", fragment)
    low = fragment.lower()  # plain searches in it are ten times faster than patterns that know no case
    for name, opening in _SWALLOWING.items():
        if f"<{name}" in low and len(opening.findall(fragment)) > low.count(f"</{name}"):
            fragment = opening.sub("", fragment)
            low = fragment.lower()
    return fragment


def text_of(fragment: str) -> str:
    """The text of HTML: blocks become lines, all other white space single blanks."""
    if "<" in fragment:
        flat = _text_only.clean(_unswallowed(_opened(fragment))).replace(
            "\n", " "
        )  # the tags that are left are all of blocks
        flat = _TAG.sub("\n", flat) if "<" in flat else flat
        return tidy(html.unescape(flat) if "&" in flat else flat)
    return tidy(html.unescape(fragment) if "&" in fragment else fragment)


def text_of_clean(sanitised: str) -> str:
    """The text of HTML that `sanitise` made, in which every `<` begins a tag."""
    flat = sanitised.replace("\n", " ")
    if "<" in flat:
        flat = _TAG.sub("", _BLOCK.sub("\n", flat))
    return tidy(html.unescape(flat) if "&" in flat else flat)


def title_of(text: str, is_text: bool) -> str:
    """A title on one line: entities read, also those escaped twice; known tags taken out, all other `<` prose."""
    text = _opened(text[:LONGEST_TITLE])
    if not is_text and "<" in text:
        text = _without_tags(text)
    if "&" in text:
        named = text.count("<")
        text = html.unescape(text) if not is_text else _TWICE.sub(_read_entity, text)
        if not is_text and text.count("<") > named:  # escaped twice: by mistake, or since it is prose
            text = _NO_PROSE.sub("", _without_pairs(_opened(text)))
    if "&" in text:
        text = _TWICE.sub(_read_entity, text)
    return " ".join(without_controls(text).split())


def _without_tags(title: str) -> str:
    """A title without the tags that are none of its prose; where one stood between words, a blank stands."""
    return _KNOWN_TAG.sub(lambda tag: " " if _BREAKING.match(tag.group()) else "", _NO_PROSE.sub("", title))


def _without_pairs(title: str) -> str:
    """A title without the tags that come in pairs: one that stands alone is what the title is about."""
    for _ in range(PAIRS):
        title, count = _PAIR.subn(lambda pair: pair.group() if _is_prose(pair) else _within(pair), title)
        if not count:
            break
    return title


def _is_prose(pair: re.Match[str]) -> bool:
    return pair.group(1) is not None and not _KNOWN_TAG.fullmatch(f"<{pair.group(1)}>")


def _within(pair: re.Match[str]) -> str:
    between = " " if _BREAKING.match(pair.group()) else ""
    return f"{between}{pair.group(2) or ''}{between}"


def _opened(fragment: str) -> str:
    """What stands in a character section that was escaped and so became text."""
    if "<![CDATA[" not in fragment[:200]:
        return fragment
    found = _SECTION.match(fragment)
    return found.group(1) if found else fragment


def tidy(text: str) -> str:
    """Control characters out, runs of white space joined, lines kept."""
    if not text.replace("\n", "").isprintable():
        text = _CONTROLS.sub("", text)
        lines = [" ".join(line.split()) for line in text.split("\n")]
    elif "  " in text:  # of all white space only the blank is printable
        lines = [" ".join(line.split()) for line in text.split("\n")]
    else:
        lines = [line.strip() for line in text.split("\n")]
    return "\n".join(filter(None, lines))


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words, with an ellipsis where something was cut."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    head, _, _ = cut.rpartition(" ")
    return (head if len(head) > limit // 2 else cut).rstrip(" ,;:.-") + "…"


def _read_entity(match: re.Match[str]) -> str:
    return html.unescape(match.group())

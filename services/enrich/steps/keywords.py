"""Words and phrases that tell what an article is about: term frequency against how common the word is.

weight = (1 + ln tf) x max(0, 7.5 - Zipf), Zipf the log10 of a word's occurrences per billion; for languages without a
table every word that is no stop word counts as fairly rare. Pairs of words that come again and names weigh more.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from services.enrich.document import Document, Entity, Keyword
from services.enrich.lexicons import Lexicon
from services.enrich.names.fold import fold
from services.enrich.resources import Resources
from services.enrich.text.tokens import is_plain

MOST = 10
DATELINE = 100  # characters of the body that a dateline is in
READ = 20_000  # characters of the body
RARE, UNKNOWN, TOO_COMMON = (
    3.0,
    4.0,
    6.0,
)  # Zipf of an English word outside the table, of any word elsewhere, and the limit
_WORD = re.compile(r"([^\W\d_]++(?:['\u2019-][^\W\d_]++)*+)")
_WORD_PLAIN = re.compile(r"([A-Za-z]++(?:['\u2019-][A-Za-z]++)*+)")
_DATELINE = re.compile(r"[^\n.]{2,50}?\([^()\n]{2,40}\)\s?[\u2013\u2014-]{1,2}\s")
_ADDRESS = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\S+")
_CONTRACTED = ("n't", "'ve", "'re", "'ll", "'d", "'m")
STEM = 6  # letters by which forms of one word are taken for the same
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})


class Keywords:
    """Provides `keywords`, at most ten, best first, none sharing a word with another."""

    name = "keywords"
    revision = "3"
    needs = frozenset({"article", "title", "body_text", "language", "entities"})
    provides = frozenset({"keywords"})
    languages = None

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Weigh each document by itself."""
        for doc in docs:
            doc.keywords = tuple(keywords(doc, resources.lexicon))


def keywords(doc: Document, lexicon: Lexicon) -> list[Keyword]:
    """The best terms of one document."""
    language = doc.language.code if doc.language else ""
    weights: dict[str, float] = {}
    shown: dict[str, str] = {}
    also: dict[str, set[str]] = {}  # words of an entity's other names, which tell nothing more
    if language not in _UNSPACED:  # words of these are not set apart: entities alone serve
        _weigh_words(doc, language, lexicon, weights, shown)
    for entity in doc.entities[:10]:
        if entity.type != "group" and not _is_credit(doc, entity):
            term = entity.name.lower()
            weights[term] = max(weights.get(term, 0.0), 4.0 * (1 + math.log(entity.count)) * (0.5 + entity.salience))
            shown[term] = entity.name
            also[term] = {word[:STEM] for alias in entity.aliases_seen for word in _plain(alias).split()}
    return _best(weights, shown, also)


def _is_credit(doc: Document, entity: Entity) -> bool:
    """The publication itself, or an agency named in the brackets of a dateline alone."""
    if fold(entity.name).removeprefix("the ") == fold(doc.article.source.name).removeprefix("the "):
        return True
    first = entity.mentions[0]
    return (
        entity.count == 1
        and first.field == "body_text"
        and first.end < DATELINE
        and doc.body_text[first.start - 1 : first.start] == "("
        and doc.body_text[first.end : first.end + 1] == ")"
    )


def _plain(written: str) -> str:
    word = written.lower()
    return word if word.isalpha() else word.replace("\u2019", "'").removesuffix("'s")


def _weigh_words(
    doc: Document, language: str, lexicon: Lexicon, weights: dict[str, float], shown: dict[str, str]
) -> None:
    stop = lexicon.stopwords.get(language, frozenset())
    counts: Counter[str] = Counter()
    pairs: Counter[tuple[str | None, str | None]] = Counter()
    titled: set[str] = set()
    read: list[tuple[list[str | None], list[str]]] = []
    body = doc.body_text[:READ]
    opening = _DATELINE.match(body[:DATELINE])
    body = body[opening.end() :] if opening else body
    if "://" in body or "www." in body or "@" in body:
        body = _ADDRESS.sub(" ", body)
    for text, bonus in ((doc.title, True), (body, False)):
        parts = (_WORD_PLAIN if is_plain(text) else _WORD).split(text)  # gap, word, gap, word, ..., gap
        found = parts[1::2]
        terms: dict[str, str] = {}  # as written -> the term; each form is judged once
        for written, times in Counter(found).items():
            word = _plain(written)
            if len(word) < 3 or word in stop or (language == "en" and "'" in word and word.endswith(_CONTRACTED)):
                continue
            terms[written] = word
            counts[word] += times
            shown.setdefault(word, written[: len(word)])
            if bonus:
                titled.add(word)
        read.append((list(map(terms.get, found)), parts[2::2]))
    again = {word for word, count in counts.items() if count > 1}  # a pair stands twice only where both its words do
    for told, gaps in read:
        pairs.update(
            (one, two)
            for one, gap, two in zip(told, gaps, told[1:], strict=False)
            if one in again and two in again and len(gap) == 1
        )
    zipf = lexicon.zipf if language == "en" else {}
    rare = RARE if language == "en" else UNKNOWN
    for word, count in counts.items():
        common = zipf.get(word, rare)
        if common <= TOO_COMMON and len(word) > 3:
            weights[word] = (1 + math.log(count)) * (7.5 - common) * (1.5 if word in titled else 1.0) * 0.6
    for (one, two), count in pairs.items():
        if count > 1 and one in weights and two in weights:
            term = f"{one} {two}"
            shown[term] = f"{shown[one]} {shown[two]}"
            weights[term] = (1 + math.log(count)) * (7.5 - (zipf.get(one, rare) + zipf.get(two, rare)) / 2) * 1.2
            for word in (one, two):  # a word that mostly comes in a pair says less than the pair
                if counts[word] <= 2 * count:
                    weights[word] = min(weights[word], 0.9 * weights[term])


def _best(weights: dict[str, float], shown: dict[str, str], also: dict[str, set[str]]) -> list[Keyword]:
    found: list[Keyword] = []
    covered: set[str] = set()
    ranked = [term for _, term in sorted([(-weight, term) for term, weight in weights.items()])]
    for term in ranked[: MOST * 8]:
        stems = {word[:STEM] for word in term.split()}
        if stems & covered:
            continue
        covered |= stems | also.get(term, set())
        found.append(Keyword(shown[term], round(weights[term] / weights[ranked[0]], 3)))
        if len(found) == MOST:
            break
    return found

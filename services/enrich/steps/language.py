"""The article's language, from its text, with what its feed declares as prior; and which others it is written in too.

body or headline ─▶ one language ─▶ paragraphs of a long body, each by itself ─▶ the language of most, and the others
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from services.enrich.document import Document, Language
from services.enrich.resources import Resources
from services.enrich.text.language import related

_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # a character of these says as much as three letters
LONG, PARAGRAPH, MOST = 800, 120, 12  # letters of a body and of a paragraph looked at by itself; how many of them
READ, FULL = 300, 0.3  # characters of a paragraph whose small words are counted, and the share that is plenty
SURE = 0.85  # of a paragraph's language
OTHER = 0.2  # share of the paragraphs looked at that another language must have to be told


class DetectLanguage:
    """Provides `language`, None where neither text nor feed says anything."""

    name = "language"
    revision = "6"
    needs = frozenset({"article", "title", "body_text"})
    provides = frozenset({"language"})
    languages = None

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Body first: its sentences tell more than a headline, which often holds little but names."""
        for doc in docs:
            text = doc.body_text if len(doc.body_text) >= 200 else f"{doc.title} {doc.body_text}"
            one = resources.language_model.detect(text, doc.article.language)
            doc.language = _mixed(doc.body_text, one, resources) if one else None


def _mixed(body: str, one: Language, resources: Resources) -> Language:
    """The language of most paragraphs, with the others; a neighbour of it (Danish of Norwegian) is none.

    A paragraph full of the small words of the language found is in it: the model is not asked again.
    """
    if _length(body) < LONG:
        return one
    parts = [part for part in body.split("\n\n") if _length(part) >= PARAGRAPH]
    if len(parts) < 2:
        return one
    every = parts[:: max(1, len(parts) // MOST)][:MOST]
    small = resources.lexicon.stopwords.get(one.code, frozenset())
    shares: Counter[str] = Counter()
    for part in every:
        if _full_of(small, part):
            shares[one.code] += _length(part)
            continue
        told = resources.language_model.detect(part)
        sure = told is not None and told.confidence >= SURE and not related(told.code, one.code)
        shares[told.code if told and sure else one.code] += _length(part)
    total = shares.total()
    code, most = shares.most_common(1)[0]
    main = replace(one, code=code, confidence=round(most / total, 3)) if code != one.code and most * 2 > total else one
    others = [code for code, length in shares.most_common() if code != main.code and length >= OTHER * total]
    return replace(main, others=tuple(others))


def _length(text: str) -> int:
    """In letters, so that texts in different scripts compare."""
    return len(text) if text.isascii() else len(text) + 2 * len(_DENSE.findall(text))


def _full_of(small: frozenset[str], part: str) -> bool:
    words = part[:READ].lower().split()
    return sum(map(small.__contains__, words)) > FULL * len(words)

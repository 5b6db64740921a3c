"""How good or bad the news sounds, by a list of words: off unless WIREDESK_SENTIMENT=lexicon asks for it.

A word list does not understand irony, quotation or whose loss is whose gain; the result names its method, so that
nobody takes it for more. Negation up to three words before a word turns it round at half its strength.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from services.enrich.document import Document, Sentiment
from services.enrich.resources import Resources

READ = 20_000  # characters of the body
FEWEST = 3  # words of the list, below which nothing is said
DAMP = 4.0  # points that keep few words from being extreme
BACK = 3  # words before which may negate
TITLE = 2.0  # times that a word of the headline counts
_WORD = re.compile(r"[a-z]+(?:['\u2019][a-z]+)?")
_NEGATIONS = frozenset({"no", "not", "never", "nor", "without", "hardly", "neither", "nobody", "cannot"})


class Feel:
    """Provides `sentiment`, None where it is off or the text has too few words of the list."""

    name = "sentiment"
    revision = "1"
    needs = frozenset({"title", "body_text", "language"})
    provides = frozenset({"sentiment"})
    languages = frozenset({"en"})

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Count each document's words."""
        for doc in docs:
            doc.sentiment = sentiment(doc, resources.feelings) if resources.feelings else None


def sentiment(doc: Document, feelings: Mapping[str, float]) -> Sentiment | None:
    """The balance of a document's words, -1 to 1."""
    good = bad = 0.0
    count = 0
    for weight, text in ((TITLE, doc.title), (1.0, doc.body_text[:READ])):
        words = _WORD.findall(text.lower())
        for at, word in enumerate(words):
            strength = feelings.get(word)
            if strength is None:
                continue
            count += 1
            if any(one in _NEGATIONS or one.endswith("n't") for one in words[max(0, at - BACK) : at]):
                strength *= -0.5
            good, bad = good + weight * max(0.0, strength), bad - weight * min(0.0, strength)
    if count < FEWEST:
        return None
    return Sentiment(round((good - bad) / (good + bad + DAMP), 3), "lexicon", count)

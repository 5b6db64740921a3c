"""Numbers worth a table, in English text: killed, injured and missing people, and sums of money, with their bounds.

Sport has its own injured and missing: in an article that is of sport first, only the killed are told.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.enrich.document import Document, NumberMention
from services.enrich.resources import Resources
from services.enrich.text.casualties import tolls
from services.enrich.text.money import sums

MOST = 100  # of one article
_SPORT = "medtop:15000000"


class Numbers:
    """Provides `numbers`, in reading order."""

    name = "numbers"
    revision = "2"
    needs = frozenset({"article", "body_text", "language", "countries", "topics"})
    provides = frozenset({"numbers"})
    languages = frozenset({"en"})

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Find each document's numbers by itself."""
        for doc in docs:
            found = sorted(numbers(doc, resources), key=lambda one: (one.start, one.end))
            doc.numbers = tuple(found[:MOST])


def numbers(doc: Document, resources: Resources) -> list[NumberMention]:
    """Casualties and money in the body of one document."""
    text = doc.body_text
    sport = bool(doc.topics) and doc.topics[0].id == _SPORT
    found = [
        NumberMention(
            toll.outcome, text[toll.start : toll.end], toll.start, toll.end, toll.amount.low, toll.amount.high,
            toll.amount.approximate, None,
        )
        for toll in tolls(doc.tokens)
        if not sport or toll.outcome == "killed"
    ]  # fmt: skip
    countries = [one.code for one in doc.countries]
    for one in sums(text, resources.currencies, resources.lexicon.demonyms, countries, doc.article.source.country):
        amount = one.amount
        found.append(
            NumberMention(
                "money", text[one.start : one.end], one.start, one.end, amount.low, amount.high, amount.approximate,
                one.currency,
            )
        )  # fmt: skip
    return found

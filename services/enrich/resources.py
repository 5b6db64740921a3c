"""Everything the steps read, loaded once per process (before it forks) and never written to again."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from services.enrich import lexicons
from services.enrich.embedding import Embedding
from services.enrich.gazetteer import Gazetteer
from services.enrich.lexicons import Lexicon
from services.enrich.names.countries import CountryTagger
from services.enrich.names.own import OwnNames, OwnNamesError, read
from services.enrich.names.rules import RulesTagger
from services.enrich.names.tagger import Tagger
from services.enrich.text.language import LanguageModel
from services.enrich.text.money import Currencies
from services.enrich.topics import TopicModel

PLACES = Path(lexicons.__file__).resolve().parent / "places.npz"


_ENGLISH = frozenset({"en"})


class UnknownTagger(ValueError):
    """`WIREDESK_NER` names a tagger there is none of."""


@dataclass(frozen=True)
class Resources:
    """What the steps look up. `taggers` maps a language to what finds its names."""

    ner: str
    lexicon: Lexicon
    gazetteer: Gazetteer
    taggers: Mapping[str, Tagger]
    language_model: LanguageModel
    states: Mapping[str, str]  # "Ore" and "OR" -> "OR"
    embedding: Embedding
    topic_model: TopicModel
    feelings: Mapping[str, float] | None  # how good or bad words are; None: nobody wants to know
    currencies: Currencies
    own: OwnNames = field(default_factory=OwnNames)  # the operator's list

    def tagger(self, language: str) -> Tagger | None:
        """What finds names in a language, if anything does."""
        return self.taggers.get(language)

    @cached_property
    def whole_languages(self) -> dict[str, frozenset[str]]:
        """By step that serves others in part: the languages it reads wholly. Elsewhere names are countries' alone,
        topics come from sections, quotes have no speaker and keywords no table of how common words are.
        """
        named = frozenset(code for code, tagger in self.taggers.items() if not isinstance(tagger, CountryTagger))
        return {"mentions": named, "quotes": named, "topics": _ENGLISH, "keywords": frozenset(self.lexicon.stopwords)}

    @cached_property
    def off(self) -> frozenset[str]:
        """The steps that are switched off."""
        return frozenset() if self.feelings else frozenset({"sentiment"})

    @cached_property
    def revisions(self) -> dict[str, str]:
        """By step: what taggers, the operator's names and the operator's topics have in its revision."""
        taggers = sorted({tagger.revision for tagger in self.taggers.values()})
        return {
            "mentions": "+".join([*taggers, *filter(None, [self.own.revision])]),
            "entities": self.own.revision,
            "topics": self.topic_model.revision,
        }


def load_resources(
    ner: str = "default", topics: str = "", own: Path | None = None, sentiment: bool = False
) -> Resources:
    """Load word lists, place table, language model and taggers.

    `ner` is the WIREDESK_NER setting: `default` (the bundled model for English), `rules`, or `spacy:<import name>` for
    an installed spaCy pipeline, which then serves its own language beside the default.
    `topics` is WIREDESK_TOPICS, the operator's own topic file (see lexicons/topics.txt), or empty; `own` is
    WIREDESK_ENTITIES, the operator's file of names (`names/own.py`); `sentiment` switches that step on.
    Raises UnknownTagger for another `ner`, TopicFileError or OSError for a topic file that cannot be read,
    OwnNamesError for a file of names, and what the model or pipeline raises when its files are missing.
    """
    lexicon = lexicons.load_lexicon()
    embedding = Embedding()
    gazetteer = Gazetteer(PLACES)
    taggers: dict[str, Tagger] = {
        language: CountryTagger(language, names, lexicon.given_names)
        for language, names in lexicon.countries.items()
        if language != "en"
    }
    taggers.update(_named_taggers(ner, lexicon, gazetteer))
    return Resources(
        ner=ner,
        lexicon=lexicon,
        gazetteer=gazetteer,
        taggers=taggers,
        language_model=LanguageModel(lexicons.load_neighbours(), lexicons.load_cues()),
        states=lexicons.load_states(),
        embedding=embedding,
        feelings=lexicons.load_feelings() if sentiment else None,
        currencies=Currencies(lexicons.load_currencies()),
        topic_model=TopicModel(lexicon.zipf, embedding, Path(topics) if topics else None),
        own=_own_names(own) if own else OwnNames(),
    )


def _own_names(path: Path) -> OwnNames:
    try:
        return read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, csv.Error, OwnNamesError) as error:
        raise OwnNamesError(f"WIREDESK_ENTITIES={path}: {error}") from error


def _named_taggers(ner: str, lexicon: Lexicon, gazetteer: Gazetteer) -> dict[str, Tagger]:
    if ner == "rules":
        return {"en": RulesTagger(lexicon, gazetteer)}
    if ner == "default":
        from services.enrich.ner import NerModel  # a heavy import that the rules tier does without

        return {"en": NerModel.load(abreast=2)}
    if ner.startswith("spacy:"):
        from services.enrich.names.spacy import load_spacy

        language, tagger = load_spacy(ner.removeprefix("spacy:"))
        return (
            {language: tagger}
            if language == "en"
            else {**_named_taggers("default", lexicon, gazetteer), language: tagger}
        )
    raise UnknownTagger(
        f"WIREDESK_NER={ner!r}: expected default, rules or spacy:<import name of an installed pipeline>"
    )

"""The order of the steps, and what a failing step costs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

import pytest

from services.enrich.document import Document
from services.enrich.pipeline import Resources, UnknownTagger, enrich, enricher_revision, load_resources
from services.enrich.steps import STEPS, StepOrderError, check
from tests.enrich.articles import article


@dataclass(frozen=True)
class Scripted:
    """A step that fails on the articles it is told to, and else writes the title's length as word count."""

    fails_on: frozenset[str] = frozenset()
    name: str = "scripted"
    revision: str = "9"
    needs: frozenset[str] = frozenset({"article"})
    provides: frozenset[str] = frozenset({"word_count"})
    languages: frozenset[str] | None = None
    calls: list[int] = field(default_factory=list)

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        self.calls.append(len(docs))
        for doc in docs:
            doc.word_count = 1000
            if doc.article.title in self.fails_on:
                raise ValueError(f"cannot read {doc.article.title}")
            doc.word_count = len(doc.article.title)


def test_the_steps_hold_together() -> None:
    check(STEPS)
    provided = set().union(*(step.provides for step in STEPS))
    assert {"language", "entities", "places", "keywords", "summary", "body_text"} <= provided


def test_a_step_before_what_it_needs_is_refused_with_both_names() -> None:
    needy = Scripted(name="early", needs=frozenset({"entities"}))
    with pytest.raises(StepOrderError, match="'early' needs \\['entities'\\]"):
        check([needy, *STEPS])


def test_a_field_provided_twice_is_refused() -> None:
    with pytest.raises(StepOrderError, match="both provide 'summary'"):
        check([*STEPS, Scripted(provides=frozenset({"summary"}))])


def test_two_steps_of_one_name_are_refused() -> None:
    with pytest.raises(StepOrderError, match="two steps are called 'text'"):
        check([*STEPS, Scripted(name="text", provides=frozenset({"quotes"}))])


def test_a_field_no_document_has_is_refused() -> None:
    with pytest.raises(StepOrderError, match="does not have: \\['mood'\\]"):
        check([Scripted(provides=frozenset({"mood"}))])


def test_a_step_that_fails_on_one_article_keeps_the_others_and_says_why(resources: Resources) -> None:
    step = Scripted(fails_on=frozenset({"bad"}))
    articles = [article("first"), article("bad"), article("third one")]
    good, bad, third = enrich(articles, resources, clock=perf_counter, steps=[step])
    assert step.calls == [3, 1, 1, 1]
    assert (good.word_count, third.word_count) == (5, 9)
    assert bad.annotations["scripted"]["error"] == "ValueError: cannot read bad"
    assert "error" not in good.annotations["scripted"]


def test_what_a_failing_step_had_half_written_is_taken_back(resources: Resources) -> None:
    (bad,) = enrich([article("bad")], resources, clock=perf_counter, steps=[Scripted(fails_on=frozenset({"bad"}))])
    assert bad.word_count == 0


def test_an_article_keeps_what_the_steps_around_a_failing_one_made(resources: Resources) -> None:
    failing = Scripted(fails_on=frozenset({"Flood at Tournai"}), name="broken", provides=frozenset({"quotes"}))
    steps = [*STEPS[:3], failing, *STEPS[3:]]
    (doc,) = enrich([article("Flood at Tournai", "The bridge is shut.")], resources, clock=perf_counter, steps=steps)
    assert "error" in doc.annotations["broken"]
    assert [entity.name for entity in doc.entities] == ["Tournai"]
    assert doc.summary == ("The bridge is shut.",)


def test_a_fatal_error_is_raised_not_recorded(resources: Resources) -> None:
    step = Scripted(fails_on=frozenset({"bad"}))
    with pytest.raises(ValueError, match="cannot read bad"):
        enrich([article("bad")], resources, clock=perf_counter, steps=[step], fatal=(ValueError,))


def test_a_language_a_step_does_not_serve_is_told(resources: Resources) -> None:
    only_welsh = Scripted(languages=frozenset({"cy"}))
    steps = [*STEPS[:3], Scripted(languages=frozenset({"cy"}), provides=frozenset({"quotes"}))]
    (doc,) = enrich([article("The bridge is shut today")], resources, clock=perf_counter, steps=steps)
    assert doc.annotations["scripted"] == {"revision": "9", "skipped": "language"}
    assert only_welsh.calls == []


def test_every_step_leaves_its_revision_and_time(resources: Resources) -> None:
    (doc,) = enrich([article("The bridge is shut", "It was shut at noon.")], resources, clock=perf_counter)
    assert list(doc.annotations) == [step.name for step in STEPS]
    assert all(note["revision"] for note in doc.annotations.values())
    assert doc.annotations["page"]["skipped"] == "page"
    assert all("took_ms" in note or "skipped" in note for note in doc.annotations.values())


def test_documents_come_in_the_order_of_the_articles(resources: Resources) -> None:
    titles = [f"Report number {number}" for number in range(20)]
    docs = enrich([article(title) for title in titles], resources, clock=perf_counter)
    assert [doc.title for doc in docs] == titles
    assert enrich([], resources, clock=perf_counter) == []


def test_what_is_found_does_not_depend_on_the_batch(resources: Resources) -> None:
    articles = [
        article("Ministers meet in Lisbon", "Maria Duarte met the ministers. Duarte left."),
        article("Ministros reunidos em Lisboa", "A ministra de Portugal falou com os jornalistas na segunda-feira."),
        article("Flood at Tournai", "The mayor of Tournai shut the bridge."),
    ]
    together = enrich(articles, resources, clock=perf_counter)
    alone = [enrich([one], resources, clock=perf_counter)[0] for one in articles]
    assert [doc.entities for doc in together] == [doc.entities for doc in alone]


def test_the_revision_names_the_steps_and_the_models(resources: Resources) -> None:
    assert enricher_revision(resources) == enricher_revision(load_resources("rules"))
    assert enricher_revision(resources) != enricher_revision(None)


def test_an_unknown_tagger_is_refused_by_name() -> None:
    with pytest.raises(UnknownTagger, match="WIREDESK_NER='magic'"):
        load_resources("magic")


def test_a_spacy_package_that_is_not_installed_is_an_import_error() -> None:
    with pytest.raises(ImportError, match="no_such_pipeline"):
        load_resources("spacy:no_such_pipeline")


def test_loading_and_enriching_open_no_connection() -> None:
    code = """
import socket, sys
def refuse(*a, **k): raise AssertionError("a connection was tried")
socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = socket.create_connection = refuse
from time import perf_counter
from services.enrich.pipeline import enrich, load_resources
from tests.enrich.articles import article
texts = ["Gomman jihar ya ce za a gina sabbin hanyoyi", "The bridge is shut", "Zvakanzi nemutungamiriri wenyika nezuro"]
docs = enrich([article(t, t) for t in texts], load_resources("rules"), clock=perf_counter)
print([doc.language.code for doc in docs])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "'en'" in done.stdout


def test_what_is_read_only_in_part_says_so(resources: Resources) -> None:
    (doc,) = enrich([article("Die Br\u00fccke ist heute gesperrt worden")], resources, clock=perf_counter)
    limited = {name for name, note in doc.annotations.items() if note.get("limited") == "language"}
    assert limited == {"mentions", "quotes", "topics"}
    (english,) = enrich([article("The bridge was shut again today")], resources, clock=perf_counter)
    assert not any("limited" in note for note in english.annotations.values())

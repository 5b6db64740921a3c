"""Articles in, documents out: every step in order, on the whole batch.

    articles → Document each → for each step: the documents of its languages → annotations[step] → documents

A step that fails on the batch is run again on each document alone; one that it fails on keeps everything the
other steps made, and `annotations[step]["error"]` says why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.enrich.document import Annotation, Document, Home, Identities
from services.enrich.resources import Resources, UnknownTagger, load_resources
from services.enrich.steps import STEPS, Step
from shared.articles import Article

__all__ = ["ENRICHER_REVISION", "Resources", "UnknownTagger", "enrich", "enricher_revision", "load_resources"]

NONE_MERGED = Identities()
MAX_ERROR = 300  # characters of an error kept in the article


def enricher_revision(resources: Resources | None = None) -> str:
    """A short name for exactly these steps and models: articles saved under another one may be enriched again."""
    told = ",".join(f"{step.name}:{_revision(step, resources)}" for step in STEPS)
    return hashlib.blake2b(told.encode(), digest_size=6).hexdigest()


def known_steps(resources: Resources, steps: Sequence[Step] = STEPS) -> dict[str, Any]:
    """{name: {revision, languages}}: what annotations are compared with to find what another reading would change.

    A step that is switched off serves no language.
    """
    return {
        step.name: {
            "revision": _revision(step, resources),
            "languages": [] if step.name in resources.off else sorted(step.languages) if step.languages else None,
        }
        for step in steps
    }


def _revision(step: Step, resources: Resources | None) -> str:
    """The step's own, and what it is told by the models it reads."""
    models = resources.revisions.get(step.name) if resources else None
    return f"{step.revision}+{models}" if models else step.revision


ENRICHER_REVISION = enricher_revision()


def enrich(
    articles: Sequence[Article],
    resources: Resources,
    *,
    clock: Callable[[], float],
    steps: Sequence[Step] = STEPS,
    fatal: tuple[type[BaseException], ...] = (),
    homes: Mapping[str, Home] | None = None,
    identities: Identities = NONE_MERGED,
) -> list[Document]:
    """One document per article, in order. `clock` counts seconds, for `took_ms`; `homes` are those of sources, by
    id, `identities` the keys of entities that were merged.

    Errors of steps are recorded, not raised, but for those in `fatal` (a task's time limit, say) and those that are no
    `Exception` at all.
    """
    known = homes or {}
    docs = [
        Document(article=one, title=one.title, home=known.get(one.source.id), identities=identities) for one in articles
    ]
    for step in steps:
        served = []
        for doc in docs:
            if why := _skipped(step, doc, resources):
                doc.annotations[step.name] = {"revision": _revision(step, resources), "skipped": why}
            else:
                served.append(doc)
        if served:
            _run(step, served, resources, clock, fatal)
    return docs


def _skipped(step: Step, doc: Document, resources: Resources) -> str | None:
    """Why there is nothing for a step to do: it is off, or does not serve the language, or there is no page."""
    if step.name in resources.off:
        return "off"
    if step.languages is not None and (doc.language is None or doc.language.code not in step.languages):
        return "language"
    return "page" if "page" in step.provides and doc.article.page_html is None else None


def _run(
    step: Step,
    docs: list[Document],
    resources: Resources,
    clock: Callable[[], float],
    fatal: tuple[type[BaseException], ...],
) -> None:
    """Run a step on documents, and record what it took; alone with each of them where it fails on all."""
    revision = _revision(step, resources)
    before = [_fields(step, doc) for doc in docs]
    started = clock()
    try:
        step.run(docs, resources)
    except fatal:
        raise
    except Exception as error:  # noqa: BLE001 - one failing step must leave the rest of the article; the reason is kept in it
        for doc, fields in zip(docs, before, strict=True):
            _restore(doc, fields)
        if len(docs) > 1:
            for doc in docs:
                _run(step, [doc], resources, clock, fatal)
            return
        told = f"{type(error).__name__}: {error}"[:MAX_ERROR]
        docs[0].annotations[step.name] = {"revision": revision, "took_ms": _ms(started, clock), "error": told}
        return
    share = round(_ms(started, clock) / len(docs), 3)
    whole = resources.whole_languages.get(step.name)
    for doc in docs:
        annotation: Annotation = {"revision": revision, "took_ms": share}
        if whole is not None and (doc.language is None or doc.language.code not in whole):
            annotation["limited"] = "language"
        doc.annotations[step.name] = annotation


def _ms(started: float, clock: Callable[[], float]) -> float:
    return round((clock() - started) * 1000, 3)


def _fields(step: Step, doc: Document) -> dict[str, Any]:
    return {name: getattr(doc, name) for name in step.provides}


def _restore(doc: Document, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(doc, name, value)

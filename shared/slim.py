"""The rest of an article without what its card and its body say already, and back again. Pure.

    entities:     as on the card; where each is named stands in `mentions`, numbers alone: [[start, length, …], …]
    quotes, dates: without the text, which the body has between `start` and `end`
    annotations:   the same for thousands of articles but for how long each step took: those stand in `took`

What does not fit (a text that is not the one at its offsets) stays as it is: nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Told = dict[str, Any]
Texts = tuple[str, str]  # title and body
FIELDS = ("title", "body_text")  # that mentions count in
SPANS = ("quotes", "dates")


def slim(card: Mapping[str, Any], rest: Mapping[str, Any]) -> Told:
    """The rest as it is stored beside its card and its body."""
    body = rest.get("body_text") or ""
    told: Told = {}
    for name, value in rest.items():
        if name == "entities":
            mentions = _packed(card, value, (card.get("title") or "", body))
            told |= {"entities": value} if mentions is None else {"mentions": mentions}
        elif name in SPANS and all(one["text"] == body[one["start"] : one["end"]] for one in value):
            told[name] = [{key: inner for key, inner in one.items() if key != "text"} for one in value]
        elif name == "annotations":
            told["took"] = [step.get("took_ms") for step in value.values()]
            told[name] = {step: _without(said, "took_ms") for step, said in value.items()}
        elif name != "body_text":
            told[name] = value
    return told


def whole_rest(card: Mapping[str, Any], told: Told, body: str | None) -> Told:
    """The rest again."""
    texts = (card.get("title") or "", body or "")
    whole: Told = {"body_text": body}
    for name, value in told.items():
        if name == "mentions":
            whole["entities"] = [
                {**entity, "mentions": _mentions(packed, texts)}
                for entity, packed in zip(card["entities"], value, strict=True)
            ]
        elif name in SPANS:
            whole[name] = [
                one if "text" in one else {"text": texts[1][one["start"] : one["end"]], **one} for one in value
            ]
        elif name == "annotations":
            took = told.get("took") or ()
            whole[name] = {
                step: said if ms is None else _timed(said, ms)
                for (step, said), ms in zip(value.items(), took, strict=True)
            }
        elif name != "took":
            whole[name] = value
    return whole


def _packed(card: Mapping[str, Any], entities: Sequence[Mapping[str, Any]], texts: Texts) -> list[list[int]] | None:
    """Where each entity is named; None where the card and the texts do not say the rest."""
    bare = card.get("entities") or []
    if [{**one, "mentions": entity.get("mentions")} for one, entity in zip(bare, entities, strict=False)] != entities:
        return None
    if len(bare) != len(entities) or not all("mentions" in entity for entity in entities):
        return None
    found: list[list[int]] = []
    for entity in entities:
        spans: list[int] = []
        for mention in entity["mentions"]:
            start, end = mention["start"], mention["end"]
            in_title = mention["field"] == FIELDS[0]
            if len(mention) != 4 or mention["text"] != texts[not in_title][start:end]:
                return None
            spans += (-1 - start if in_title else start, end - start)  # negative: in the title
        found.append(spans)
    return found


def _mentions(packed: Sequence[int], texts: Texts) -> list[Told]:
    found = []
    for at, length in zip(packed[::2], packed[1::2], strict=True):
        in_title = at < 0
        start = -1 - at if in_title else at
        text = texts[not in_title][start : start + length]
        found.append({"field": FIELDS[not in_title], "start": start, "end": start + length, "text": text})
    return found


def _without(told: Mapping[str, Any], member: str) -> Told:
    return {name: value for name, value in told.items() if name != member}


def _timed(said: Told, took_ms: float) -> Told:
    """With the time where it stands when it is first written: behind the revision."""
    revision = {"revision": said["revision"]} if "revision" in said else {}
    return {**revision, "took_ms": took_ms, **said}

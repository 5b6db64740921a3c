"""IPTC Media Topics: which is narrower than which, and what they are in Wikidata. Read once per process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files


@cache
def _rows() -> list[list[str]]:
    text = (files("shared") / "vocabularies" / "mediatopics.tsv").read_text("utf-8")
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]


@cache
def table() -> dict[str, tuple[str, str]]:
    """Concept number -> (number of the broader one, name); `` where there is none broader."""
    return {number: (broader, name) for number, broader, name, _ in _rows()}


@cache
def _matches() -> dict[str, str]:
    return {number: item for number, _, _, item in _rows() if item}


def wikidata(topic: str) -> str | None:
    """The Wikidata item (`Q5389`) that IPTC matches with a topic; None where it names none."""
    return _matches().get(topic.removeprefix("medtop:"))


@cache
def things() -> dict[str, str]:
    """Names of single things among the topics (Ramadan, the Olympic Games), in lower case -> Wikidata item.

    They are told by capitals: the other topics are kinds of things.
    """
    return {name.lower(): item for _, _, name, item in _rows() if item and all(w[0].isupper() for w in name.split())}


def with_broader(topic: str) -> Iterator[str]:
    """The id of a topic (`medtop:NNNNNNNN`) and of each broader one, the narrowest first."""
    yield topic
    number = table().get(topic.removeprefix("medtop:"), ("", ""))[0]
    while number:
        yield f"medtop:{number}"
        number = table().get(number, ("", ""))[0]


def name(topic: str) -> str | None:
    """What a topic is called in English; None for an unknown one."""
    found = table().get(topic.removeprefix("medtop:"))
    return found[1] if found else None

"""IPTC Media Topics: which is narrower than which. Read once per process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files


@cache
def table() -> dict[str, tuple[str, str]]:
    """Concept number -> (number of the broader one, name); `` where there is none broader."""
    text = (files("shared") / "vocabularies" / "mediatopics.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {number: (broader, name) for number, broader, name in rows}


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

"""Which steps would read an article otherwise than they did: by the revisions in its annotations. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def touched(annotations: Mapping[str, Any], steps: Mapping[str, Any], lang: str | None) -> list[str]:
    """The steps, in their order. `annotations` is the article's member, `steps` {name: {revision, languages}}.

    A step touches what it read with another revision, what it failed on, and what it serves now and did not then.
    """
    return [name for name, step in steps.items() if _differs(annotations.get(name), step, lang)]


def _differs(was: Mapping[str, Any] | None, step: Mapping[str, Any], lang: str | None) -> bool:
    languages = step["languages"]
    serves = languages is None or lang in languages
    if was is None or "error" in was:
        return serves
    if was.get("skipped") in ("language", "off"):
        return serves
    return "skipped" not in was and (was["revision"] != step["revision"] or not serves)

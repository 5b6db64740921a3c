"""Why a feed's next poll is when it is: what ingest's schedule stored, in the public form. Pure."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

HOURS = 168
_CODES = string.digits + string.ascii_uppercase + string.ascii_lowercase  # one a half hour, as the rhythm is stored
_RULE = ("rule", "input", "vote_s", "decided")  # as ingest stores one
_PAUSED = "the feed is paused: it is polled again when it is unpaused"


def explanation(row: Mapping[str, Any]) -> dict[str, Any]:
    """The answer for a feed with `status`, its clock as stored and its stored `rhythm` ({} before a poll)."""
    stored: Mapping[str, Any] = row["rhythm"]
    rules = [dict(zip(_RULE, rule, strict=True)) for rule in row["rules"]]
    paused = row["status"] == "paused"
    if paused:
        rules = [{**rule, "decided": False} for rule in rules]
        rules.append({"rule": "paused", "input": _PAUSED, "vote_s": None, "decided": True})
    return {
        "next_poll_at": None if paused else row["next_poll_at"],
        "interval_s": row["interval_s"],
        "rules": rules,
        "rhythm": {
            "newest_at": stored.get("newest_at"),
            "gap_s": stored.get("gap_s"),
            "longest_gap_s": stored.get("longest_gap_s"),
            "history_s": stored.get("history_s"),
            "ttl_s": stored.get("ttl_s"),
            "quiet_polls": stored.get("quiet_polls", 0),
            "quiet_since": stored.get("quiet_since"),
            "hours": _hours(stored),
            "losses": stored.get("losses"),
            "validators": _validators(row),
            "moves": stored.get("moves"),
        },
    }


def _validators(row: Mapping[str, Any]) -> dict[str, Any] | None:
    kept = row["rhythm"].get("validators")
    return None if kept is None else {**kept, **{name: row[name] for name in ("conditional", "unmodified", "full_at")}}


def _hours(stored: Mapping[str, Any]) -> list[int]:
    slots = [_CODES.index(code) for code in stored.get("slots", "")]
    if slots:
        return [first + second for first, second in zip(slots[::2], slots[1::2], strict=True)]
    return [_CODES.index(code) for code in stored.get("hours", "")] or [0] * HOURS

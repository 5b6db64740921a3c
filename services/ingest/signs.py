"""What a poll shows of a feed's health beside its outcome: lost articles, silence, validators, a new address,
and the warnings. Pure.

`Signs` are remembered between polls; a poll that failed leaves them as they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.ingest.guids import Guids
from services.ingest.items import ParsedFeed
from services.ingest.losses import Losses
from services.ingest.moves import Moves
from services.ingest.rhythm import Rhythm
from services.ingest.silence import allowed_s, is_quiet
from services.ingest.validators import Answer, Trust

OF_BODY = ("items_capped", "entities_refused", "encoding_repaired")  # warnings that only a body that was read can end


@dataclass(frozen=True, slots=True)
class Signs:
    """What is remembered of them."""

    losses: Losses = field(default_factory=Losses)
    trust: Trust = field(default_factory=Trust)
    quiet_since: datetime | None = None  # the poll that found it quiet
    moves: Moves = field(default_factory=Moves)
    guids: Guids = field(default_factory=Guids)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Signs:
        """From `feed_states.rhythm`."""
        quiet = stored.get("quiet_since")
        return cls(
            Losses.of(stored.get("losses") or {}),
            Trust.of(stored.get("validators") or {}),
            datetime.fromisoformat(quiet) if quiet else None,
            Moves.of(stored.get("moves") or {}),
            Guids.of(stored.get("guids") or {}),
        )

    def stored(self) -> dict[str, Any]:
        """For `feed_states.rhythm`."""
        return {
            "losses": self.losses.stored(),
            "validators": self.trust.stored(),
            "quiet_since": self.quiet_since,
            "moves": self.moves.stored(),
            "guids": self.guids.stored(),
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """What a good poll saw."""

    at: datetime
    waited_s: float | None  # since the good poll before
    lost: bool
    overlapped: bool  # known and new items in one body
    answer: Answer
    may_be_quiet: bool = True  # not so the sample wire
    permanent_url: str | None = None  # where permanent redirects alone led
    guids_changed: bool = False


def read(before: Signs, rhythm: Rhythm, seen: Seen) -> Signs:
    """The signs after a good poll."""
    quiet = seen.may_be_quiet and is_quiet(rhythm, seen.at)
    return Signs(
        before.losses.after(seen.lost, seen.overlapped, seen.waited_s, seen.at),
        before.trust.after(seen.answer, seen.at),
        (before.quiet_since or seen.at) if quiet else None,
        before.moves.after(seen.permanent_url, seen.at),
        before.guids.after(seen.guids_changed, seen.at),
    )


def warnings(
    before: Sequence[Mapping[str, Any]], signs: Signs, rhythm: Rhythm, parsed: ParsedFeed | None, at: datetime
) -> list[dict[str, Any]]:
    """The feed's warnings after a good poll. One that goes on keeps its `since`."""
    known = {warning["code"]: warning for warning in before}
    found: list[tuple[str, str, datetime]] = []
    if signs.losses.count:
        found.append(("lost_articles", signs.losses.message(), signs.losses.since or at))
    if signs.quiet_since:
        found.append(("quiet", _silence(rhythm), signs.quiet_since))
    if signs.trust.distrusted(at):
        found.append(("validators_lie", VALIDATORS_LIE, signs.trust.lied_at or at))
    if signs.moves.to and not signs.moves.proven:
        found.append(("moved_unproven", signs.moves.message(), signs.moves.since or at))
    if signs.guids.count:
        found.append(("guids_changed", signs.guids.message(), signs.guids.since or at))
    told = [{"code": code, "message": message, "since": since} for code, message, since in found]
    if parsed is None:
        return told + [dict(known[code]) for code in OF_BODY if code in known]
    for code, message in _of_body(parsed):
        since = known[code]["since"] if code in known else at
        told.append({"code": code, "message": message, "since": since})
    return told


VALIDATORS_LIE = (
    "The publisher's ETag or Last-Modified said that nothing changed while the feed did; it is asked without them now."
)


def _silence(rhythm: Rhythm) -> str:
    return (
        f"No item since {rhythm.newest_at:%Y-%m-%dT%H:%M:%SZ}; by its own rhythm a silence of"
        f" {(allowed_s(rhythm) or 0) / 3600:.0f} hours would be the longest to expect."
    )


def _of_body(parsed: ParsedFeed) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if parsed.capped:
        found.append(("items_capped", f"the feed holds {parsed.entries} items, {parsed.capped} of them were left out"))
    if parsed.entities_refused:
        found.append(("entities_refused", "the feed declares XML entities, which are neither expanded nor opened"))
    if parsed.encoding_repaired:
        found.append(("encoding_repaired", "the feed is written in another encoding than it says"))
    return found

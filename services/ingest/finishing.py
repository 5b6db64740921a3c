"""Polls that are saved together, finished together: their rhythms are looked ahead at once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from services.ingest.outlook import outlooks
from services.ingest.schedule import Bounds, needed
from services.ingest.states import Claimed, Finished, Result, finish, remembered


class Polled(NamedTuple):
    """A poll that ended at `at`. `samplewire`: of the bundled wire, which has a rhythm of its own."""

    feed: Claimed
    result: Result
    bounds: Bounds
    samplewire: bool
    at: datetime

    @property
    def needed(self) -> float:
        """What the next poll must be worth."""
        return needed(self.bounds.price, self.feed.priority == "breaking")


def finish_all(polled: Sequence[Polled], luck: Callable[[], float]) -> list[Finished]:
    """What each makes of its feed, in their order."""
    memories = [remembered(poll.feed, poll.result, poll.samplewire) for poll in polled]
    known = [n for n, memory in enumerate(memories) if memory.rhythm.known]
    moments, prices = [polled[n].at.timestamp() for n in known], [polled[n].needed for n in known]
    looks = dict(zip(known, outlooks([memories[n].rhythm for n in known], moments, prices), strict=True))
    return [
        finish(poll.feed, poll.result, poll.bounds, poll.samplewire, poll.at, luck(), memory, looks.get(n))
        for n, (poll, memory) in enumerate(zip(polled, memories, strict=True))
    ]

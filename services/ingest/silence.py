"""Whether a feed is quieter than its own rhythm allows. Pure.

A silence is too long when it is longer than three times the longest gap there was, longer than twelve mean gaps, and
longer than six hours. Of a feed known for less than a week nobody can tell what its weekends are like: their hours
do not count then.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from services.ingest.rhythm import Rhythm

FEWEST = 6  # arrivals that make a rhythm to be missed
LONGEST_GAPS = 3
MEAN_GAPS = 12
LEAST_S = 6 * 3600.0
WEEK_S = 7 * 86_400.0
SATURDAY = 5


def allowed_s(rhythm: Rhythm) -> float | None:
    """The longest silence that this rhythm allows, seconds; None where there is too little to tell."""
    if len(rhythm.arrivals) < FEWEST:
        return None
    return max(LONGEST_GAPS * rhythm.longest_gap_s, MEAN_GAPS * rhythm.mean_gap_s, LEAST_S)


def is_quiet(rhythm: Rhythm, now: datetime) -> bool:
    """Whether the feed is silent for longer than allowed."""
    allowed, newest_at = allowed_s(rhythm), rhythm.newest_at
    if allowed is None or newest_at is None:
        return False
    silence_s = (now - newest_at).total_seconds()
    if silence_s > allowed and rhythm.history_s < WEEK_S:
        silence_s -= _weekend_s(newest_at, now)
    return silence_s > allowed


def _weekend_s(start: datetime, end: datetime) -> float:
    """Seconds of Saturdays and Sundays (UTC) among the first eight days after `start`: enough for one weekend each."""
    total, at, end = 0.0, start, min(end, start + timedelta(days=8))
    while at < end:
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        if at.weekday() >= SATURDAY:
            total += (min(midnight, end) - at).total_seconds()
        at = midnight
    return total

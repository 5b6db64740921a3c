"""Many feeds planned at once come to what each comes to alone."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.outlook import outlook, outlooks
from services.ingest.rhythm import Rhythm
from services.ingest.worth import PRICE

NOW = datetime(2026, 11, 25, 10, 17, 3, tzinfo=UTC)


def drawn(luck: random.Random) -> Rhythm:
    """From an item a month to one a minute, by day or not, by the clock or not, with midnights and dates ahead."""
    gap_s, by_day, by_the_clock = math.exp(luck.uniform(4, 15)), luck.random() < 0.5, luck.random() < 0.3
    rhythm = Rhythm()
    for _ in range(luck.randrange(1, 4)):
        at, arrivals = NOW.timestamp() - luck.expovariate(1 / gap_s), []
        for _ in range(luck.choice((1, 2, 5, 40, 200))):
            at -= luck.expovariate(1 / gap_s)
            while by_day and at / 3600 % 24 > 14:
                at -= 1800
            arrivals.append(datetime.fromtimestamp(at - at % 3600 + 40 if by_the_clock else at, UTC))
        if luck.random() < 0.05:
            arrivals.insert(0, NOW + timedelta(seconds=luck.uniform(0, 7200)))
        if luck.random() < 0.1:
            arrivals = [date.replace(hour=0, minute=0, second=0, microsecond=0) for date in arrivals]
        rhythm = rhythm.after(arrivals, None, True, NOW)
    return rhythm


@pytest.mark.parametrize("seed", range(4))
def test_many_at_once_are_as_each_alone(seed: int) -> None:
    luck = random.Random(seed)
    rhythms = [drawn(luck) for _ in range(400)]
    moments = [NOW.timestamp() + luck.uniform(0, 7 * 86_400) for _ in rhythms]
    prices = [PRICE * luck.choice((0.001, 0.25, 1, 1, 1, 30, 1000)) for _ in rhythms]
    each = [outlook(*one) for one in zip(rhythms, moments, prices, strict=True)]
    for together, alone in zip(outlooks(rhythms, moments, prices), each, strict=True):
        assert together.rate == pytest.approx(alone.rate, rel=1e-5)
        assert together.share == pytest.approx(alone.share, rel=1e-5)
        assert together.wait_s == pytest.approx(alone.wait_s, abs=2.0, rel=1e-5)
    waits = [alone.wait_s for alone in each]
    assert min(waits) < 60 and max(waits) > 6 * 86_400  # from at once to never within the week


def test_none_and_few_are_answered_too() -> None:
    rhythm = drawn(random.Random(7))
    assert outlooks([], [], []) == []
    assert outlooks([rhythm], [NOW.timestamp()], [PRICE]) == [outlook(rhythm, NOW.timestamp(), PRICE)]

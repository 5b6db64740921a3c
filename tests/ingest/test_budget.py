"""The price of a request follows the operator's budget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.budget import DEAREST, ELASTICITY, Load, price_of
from services.ingest.resources import Resources
from services.ingest.rhythm import Rhythm
from services.ingest.schedule import Bounds, Facts, plan
from services.ingest.spending import set_price
from services.ingest.worth import PRICE
from shared.settings import Settings
from tests.ingest.desk import Desk, ingesting
from tests.ingest.publisher import Publisher, item, rss

NOW = datetime(2026, 11, 23, 18, 3, tzinfo=UTC)
GAPS_H = (0.4, 1.1, 2.3, 3.7, 5.3, 9.1, 17.9, 29.3)  # far apart, none by the clock
FEEDS = [Rhythm().after([NOW - timedelta(hours=gap * n) for n in range(60)], None, True, NOW) for gap in GAPS_H]


def planned(price: float) -> list[tuple[float, bool]]:
    """(requests a day, whether the price decided) of each feed."""
    plans = [plan(Facts(rhythm, price=price), Bounds(300, 86_400), NOW, 0.0) for rhythm in FEEDS]
    return [(86_400 / p.interval_s, any(r.decided and r.rule == "rhythm" for r in p.rules)) for p in plans]


@pytest.mark.parametrize("times", [0.3, 0.7, 1.5, 3.0])
def test_another_budget_is_met_by_one_look(times: float) -> None:
    polls = planned(PRICE)
    load = Load(
        sum(count for count, priced in polls if not priced),
        sum(count * PRICE**ELASTICITY for count, priced in polls if priced),
    )
    budget = times * sum(count for count, _ in polls)
    price = price_of(load, budget)
    assert price is not None
    assert sum(count for count, _ in planned(price)) == pytest.approx(budget, rel=0.25)


def test_what_cannot_be_met_is_as_dear_as_can_be_and_what_is_unknown_unchanged() -> None:
    assert price_of(Load(100, 5), 90) == DEAREST
    assert price_of(Load(100, 0), 90) is None
    assert price_of(Load(0, 10), 10) == pytest.approx(1)


async def test_polls_are_planned_by_the_price_that_keeps_the_budget(
    desk: Desk, publisher: Publisher, settings: Settings
) -> None:
    now = datetime.now(UTC)
    dates = [now - timedelta(hours=2.1 * n) for n in range(30)]
    for n in range(3):
        items = [
            item(m, guid=f"{n}-{m}", link=f"https://n{n}.example/{m}", pubDate=f"{d:%a, %d %b %Y %H:%M:%S GMT}")
            for m, d in enumerate(dates)
        ]
        publisher.serve(f"/{n}", rss(items))
    async with ingesting(settings.model_copy(update={"polls_per_day": 12})) as res:
        feeds = [await desk.subscribe(publisher.url(f"/{n}")) for n in range(3)]
        for feed in feeds:
            await desk.first_poll(feed)
        before = [(await desk.state(feed))["interval_s"] for feed in feeds]
        await set_price(res)
        assert res.bounds.price == res.spending.price > PRICE
        for feed in feeds:
            await desk.poll_and_wait(feed)
        states = [await desk.state(feed) for feed in feeds]
    assert {state["price"] for state in states} == {res.spending.price}
    assert sum(86_400 / state["interval_s"] for state in states) == pytest.approx(12, rel=0.3)
    assert all(state["interval_s"] > seconds for state, seconds in zip(states, before, strict=True))


async def test_without_a_budget_the_price_stays(ingest: Resources) -> None:
    assert (ingest.settings.polls_per_day, ingest.bounds.price) == (0, PRICE)

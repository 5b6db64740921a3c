"""What a request must be worth so that all polls together keep to the operator's budget. Pure.

An interval that the rhythm decides grows with the price to the power ELASTICITY (`worth`), so the requests a day at
another price are known without trying it. What other rules decide (floors, ceilings, failures) is spent in any case.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.ingest.worth import MIX

ELASTICITY = 1 / (2 - MIX)
CHEAPEST, DEAREST = 0.001, 1_000.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is planned now: requests a day that no price changes, and the others' sum of requests x price^ELASTICITY."""

    fixed: float
    priced: float


def price_of(load: Load, per_day: float) -> float | None:
    """The price at which polls come to `per_day`; None where no feed's rhythm is known yet."""
    if load.priced <= 0:
        return None
    left = per_day - load.fixed
    if left <= 0:
        return DEAREST
    price = float((load.priced / left) ** (1 / ELASTICITY))
    return min(DEAREST, max(CHEAPEST, price))

"""Forecasts: when the budget will be gone if it burns on as it did lately."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slo.domain.standing import Budget

FORECAST_SPANS: tuple[tuple[str, int], ...] = (("6h", 21600), ("3d", 259200))
"""The spans whose burn is taken to go on, name and seconds."""

_NOISE = 1e-4
"""Seconds by which floats may overshoot a whole one."""


def exhausted_after(
    budget: Budget,
    burn: float | None,
    seconds: float,
    horizon: float,
    leaving: Iterable[tuple[float, float]] = (),
) -> int | None:
    """In how many seconds `budget` is gone at a constant `burn` rate, rounded up, or None.

    Burn rate 1 spends the allowed budget in `seconds`, the counted time that it
    stands for; it stays as large as it is now. The look ahead ends at `horizon`.
    `leaving` holds, for a rolling window that moves on, by how many seconds from
    now how many bad events have left it in all, in order and up to `horizon`;
    between these points they leave evenly. A calendar window loses none before
    it ends. None: it stays within the budget; 0: it is gone already.
    """
    short = budget.spent - budget.allowed  # Gone once this reaches 0.
    if budget.allowed <= 0:
        return None
    if short >= 0:
        return 0
    rate = (burn or 0.0) * budget.allowed / seconds if seconds > 0 else 0.0
    if rate <= 0 or short + rate * horizon < 0:
        return None
    then, left, value = 0.0, 0.0, short
    for after, gone in chain(leaving, [(horizon, None)]):
        left = left if gone is None else gone
        following = short + rate * after - left
        if following >= 0:
            gone_after = then + (after - then) * -value / (following - value)
            return math.ceil(gone_after - _NOISE)
        then, value = after, following
    return None

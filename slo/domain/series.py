"""Series of a meter, and how what they add becomes good and total events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.counter import Role
from slo.domain.indicator import Events, Latency, threshold_in

if TYPE_CHECKING:
    from slo.domain.indicator import Mean

Key = tuple[int, str]
"""Which read of the meter, and which series of it."""

Combine = Callable[[Mapping[Role, float]], tuple[float, float]]
"""What is counted by role, as (good, total)."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a meter: its labels, its target, and what it counts towards."""

    key: Key
    labels: Mapping[str, str]
    target: str
    roles: Role


def combine_for(indicator: Events | Latency | Mean) -> Combine:
    """How an indicator's counts by role become good and total."""
    if isinstance(indicator, Latency) or (isinstance(indicator, Events) and indicator.good):
        return _from_good
    if isinstance(indicator, Events):
        return _from_bad
    threshold = float(threshold_in(indicator.unit, indicator.threshold))
    return lambda amounts: _slice_of_mean(amounts, threshold)


def _from_good(amounts: Mapping[Role, float]) -> tuple[float, float]:
    return amounts.get(Role.GOOD, 0.0), amounts.get(Role.TOTAL, 0.0)


def _from_bad(amounts: Mapping[Role, float]) -> tuple[float, float]:
    total = amounts.get(Role.TOTAL, 0.0)
    return total - amounts.get(Role.BAD, 0.0), total


def _slice_of_mean(amounts: Mapping[Role, float], threshold: float) -> tuple[float, float]:
    """One slice: good if the mean of its observations is at most the threshold."""
    count = amounts.get(Role.COUNT, 0.0)
    if count <= 0:
        return 0.0, 0.0
    return (1.0 if amounts.get(Role.SUM, 0.0) / count <= threshold else 0.0), 1.0

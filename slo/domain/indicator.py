"""Indicators (SLIs): how good and total events are found."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import timedelta

    from slo.domain.selector import Selector

TimeUnit = Literal["seconds", "milliseconds", "microseconds"]
Rounding = Literal["exact", "down", "up"]

UNITS_PER_SECOND: dict[TimeUnit, int] = {
    "seconds": 1,
    "milliseconds": 1_000,
    "microseconds": 1_000_000,
}


def threshold_in(unit: TimeUnit, threshold: timedelta) -> Decimal:
    """A threshold in the metric's own unit, exact: 200 ms is `0.2` in seconds."""
    microseconds = threshold.days * 86_400_000_000 + threshold.seconds * 1_000_000
    microseconds += threshold.microseconds
    return Decimal(microseconds) * UNITS_PER_SECOND[unit] / 1_000_000


@dataclass(frozen=True, slots=True)
class Events:
    """Counters of good or bad, and of total events; just one of `good` and `bad` is set."""

    total: Selector
    good: Selector | None = None
    bad: Selector | None = None
    recorded: bool = False
    kind: Literal["events"] = "events"


@dataclass(frozen=True, slots=True)
class Latency:
    """The events of a classic histogram that were faster than `threshold`, of all.

    `histogram` names the metric without `_bucket`.
    """

    histogram: Selector
    threshold: timedelta
    unit: TimeUnit = "seconds"
    rounding: Rounding = "exact"
    recorded: bool = False
    bound: Decimal | None = None
    """The neighbouring bucket bound that `rounding` accepted, in `unit`; None: the threshold."""
    kind: Literal["latency"] = "latency"


@dataclass(frozen=True, slots=True)
class Mean:
    """Slices: the mean of a Summary (`_sum` / `_count`) in each bucket against `threshold`."""

    summary: Selector
    threshold: timedelta
    unit: TimeUnit = "seconds"
    kind: Literal["mean"] = "mean"


@dataclass(frozen=True, slots=True)
class Slices:
    """Slices: a PromQL value at each bucket's end against a bound; just one bound is set."""

    query: str
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    kind: Literal["slices"] = "slices"


@dataclass(frozen=True, slots=True)
class Freshness:
    """Slices: the age of the newest timestamp (epoch seconds) against `max_age`."""

    timestamp: str
    max_age: timedelta
    kind: Literal["freshness"] = "freshness"


@dataclass(frozen=True, slots=True)
class Query:
    """Events estimated by PromQL with `$window`; just one of `good` and `bad` is set."""

    total: str
    good: str | None = None
    bad: str | None = None
    kind: Literal["query"] = "query"


Indicator = Events | Latency | Mean | Slices | Freshness | Query


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first alternative whose metrics Prometheus has; of the short form.

    `objectives` may give each alternative an objective of its own (parallel to
    `alternatives`); None keeps the SLO's.
    """

    alternatives: tuple[Indicator, ...]
    objectives: tuple[Decimal | None, ...]
    kind: Literal["first"] = "first"

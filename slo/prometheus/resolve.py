"""Resolving what a definition leaves to the source: the first metric there is, a near bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from slo.domain.indicator import Events, FirstOf, Freshness, Latency, Mean, Query, Slices
from slo.domain.reads import SAME_BOUND, bound_of, number_of, reads_of
from slo.prometheus.client import MAX_POINTS
from slo.prometheus.job import Fault

if TYPE_CHECKING:
    from slo.domain.indicator import Indicator
    from slo.domain.selector import Selector
    from slo.domain.slo import SLO
    from slo.prometheus.client import PrometheusClient

LOOK_BACK = 86_400
"""Seconds within which a metric must have had a sample to count as there."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What an SLO counts in the end, and the objective that goes with it."""

    indicator: Indicator
    objective: Decimal


def is_settled(indicator: Indicator | FirstOf) -> bool:
    """Whether the source need not be asked what the indicator means."""
    if isinstance(indicator, FirstOf):
        return False
    return not isinstance(indicator, Latency) or indicator.rounding == "exact"


def resolve(client: PrometheusClient, slo: SLO, at: float) -> Resolved | Fault:
    """What `slo` counts, by what the source has at `at`; raises `SourceError`."""
    indicator = slo.indicator
    if isinstance(indicator, FirstOf):
        return _first(client, slo, indicator, at)
    return _rounded(client, slo, indicator, at)


def _first(client: PrometheusClient, slo: SLO, first: FirstOf, at: float) -> Resolved | Fault:
    for indicator, objective in zip(first.alternatives, first.objectives, strict=True):
        if is_there(client, indicator, at):
            chosen = slo if objective is None else replace(slo, objective=objective)
            return _rounded(client, chosen, indicator, at)
    tried = ", ".join(dict.fromkeys(_metric(i) for i in first.alternatives))
    return Fault(
        "no_metric", f"{slo.id}: the source has none of {tried}; name yours under `metrics:`"
    )


def is_there(client: PrometheusClient, indicator: Indicator, at: float) -> bool:
    """Whether the source has had what an indicator needs within a day."""
    match indicator:
        case Latency():
            return bool(bounds(client, indicator.histogram, at))
        case Events() | Mean():
            total = reads_of(indicator)[0].selector
            return bool(client.series([str(total)], at - LOOK_BACK, at))
        case Slices(query=query):
            return bool(client.instant(query, at).series)
        case Freshness(timestamp=query):
            return bool(client.instant(query, at).series)
        case Query(total=query):
            return bool(client.instant(query.replace("$window", "5m"), at).series)


def bounds(client: PrometheusClient, histogram: Selector, at: float) -> list[Decimal]:
    """The bucket bounds of a classic histogram, in order, without +Inf."""
    buckets = histogram.with_name(f"{histogram.name}_bucket")
    values = client.label_values("le", [str(buckets)], at - LOOK_BACK, at)
    numbers = {number for value in values if (number := number_of(value)) is not None}
    return sorted(Decimal(repr(n)) for n in numbers if n != float("inf"))


def _rounded(
    client: PrometheusClient, slo: SLO, indicator: Indicator, at: float
) -> Resolved | Fault:
    """A latency's neighbouring bound where rounding is allowed and the threshold is none."""
    if not isinstance(indicator, Latency) or indicator.rounding == "exact":
        return Resolved(indicator, slo.objective)
    there = bounds(client, indicator.histogram, at)
    wanted = bound_of(indicator)
    if any(abs(b - wanted) <= Decimal(SAME_BOUND) * wanted for b in there):
        return Resolved(indicator, slo.objective)
    if indicator.rounding == "down":
        near = max((b for b in there if b < wanted), default=None)
    else:
        near = min((b for b in there if b > wanted), default=None)
    if near is None:
        listed = ", ".join(f"{b:f}" for b in there) or "none"
        return Fault(
            "no_bucket",
            f"{slo.id}: {indicator.histogram} has no bound to round {wanted:f}"
            f" {indicator.rounding} to; its bounds are {listed}",
        )
    return Resolved(replace(indicator, bound=near), slo.objective)


def _metric(indicator: Indicator) -> str:
    match indicator:
        case Events(total=selector) | Latency(histogram=selector) | Mean(summary=selector):
            return str(selector.name)
        case Slices(query=text) | Freshness(timestamp=text) | Query(total=text):
            return text


def had_data(client: PrometheusClient, indicator: Indicator, start: float, end: float) -> bool:
    """Whether the source holds any sample that an indicator counts between two instants."""
    if end - start < 1:
        return False
    match indicator:
        case Events() | Latency() | Mean():
            selectors = {str(read.selector) for read in reads_of(indicator)}
            return bool(client.series(sorted(selectors), start, end))
        case Slices(query=text) | Freshness(timestamp=text):
            query = text
        case Query(total=text):
            query = text.replace("$window", "5m")
    step = max(60.0, (end - start) / MAX_POINTS)
    return any(one.values for one in client.range(query, start, end, step).series)

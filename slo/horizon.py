"""Horizons: how far a source may be booked now, and how far back it can tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from slo.prometheus.head import Head

if TYPE_CHECKING:
    from slo.context import Context
    from slo.domain.source import Source
    from slo.prometheus.client import PrometheusClient

LEAST_REACH = timedelta(days=28)
"""Projected budgets look this far back."""

_COARSE, _FINE = 3600, 60
_ANYTHING = "count(up)"


@dataclass(frozen=True, slots=True)
class Horizon:
    """`until` (epoch seconds): what lies later is not booked yet; and the source's newest data."""

    until: float
    head: Head


def horizon_of(client: PrometheusClient, source: Source, now: float) -> Horizon:
    """The horizon of a source at `now`: the earlier of both clocks, less the source's lag."""
    common = min(now, client.now())
    return Horizon(common - source.lag.total_seconds(), Head(client, common))


def backfill_reach(context: Context, source: str, until: int) -> int | None:
    """How far back ledgers of a source are to reach, epoch seconds; None: it has no `up`.

    As far as the longest window and the source's data allow.
    """
    longest = max(
        (until - slo.window.span_at(until).start for slo in context.slos_of(source)), default=0
    )
    start = until - max(longest, round(LEAST_REACH.total_seconds()))
    client = context.clients[source]
    coarse = _first(client, start, until, _COARSE)
    if coarse is None:
        return None
    fine = _first(client, max(start, coarse - _COARSE), coarse, _FINE)
    # The first evaluation that sees data lies up to one step after its beginning.
    return max(start, (coarse if fine is None else fine) - _FINE)


def _first(client: PrometheusClient, start: int, end: int, step: int) -> int | None:
    """The first instant of `start`, `start + step`, ... at which the source had any target."""
    series = client.range(_ANYTHING, start, end, step).series
    return series[0].times[0] // 1000 if series and series[0].times else None

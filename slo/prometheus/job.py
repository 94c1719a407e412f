"""Jobs: what a source is asked to count, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slo.domain.booking import Booking
    from slo.domain.indicator import Indicator
    from slo.domain.meter import Edge, Meter
    from slo.domain.slo import SLO
    from slo.domain.span import Span


@dataclass(frozen=True, slots=True)
class Job:
    """One meter to be counted over one span.

    `fresh`: there are no edges, so the left edges are read from the source too.
    `keep_edges`: the booking carries the edges at its end, for the next cycle.
    `hold`: buckets without samples at the end wait until the source shows newer ones.
    """

    slo: SLO
    indicator: Indicator
    meter: Meter
    span: Span
    watch_from: int
    scrape_interval: int = 15
    """Seconds; only estimates need it."""
    edges: tuple[Edge, ...] = ()
    fresh: bool = False
    keep_edges: bool = True
    hold: bool = True


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a job came to nothing: a stable word for metrics, and a sentence."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A job's booking; None with a fault, or while its buckets wait for newer samples."""

    job: Job
    booking: Booking | None = None
    fault: Fault | None = None

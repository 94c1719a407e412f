"""Pending jobs: what each reads and how far back, and the count that comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.count import Count, edge_key
from slo.domain.counter import Role, is_gap
from slo.domain.indicator import Events, Latency, Mean
from slo.domain.reads import reads_of
from slo.domain.series import Series, combine_for
from slo.prometheus.naming import labels_of, target_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.meter import Edge
    from slo.domain.reads import Read
    from slo.domain.span import Span
    from slo.domain.strand import Sampled
    from slo.prometheus.job import Job

LOOK_BACK = 300_000
"""Milliseconds before its span that a fresh count reads for its left edges."""

FIRST_LOOK_BACK = 3_600_000
"""The same for a first start: series that are silent just then have an edge too."""

KNOWN_AFTER = 150_000
"""Milliseconds of samples that tell a fresh count which series there are."""

LATE = 300_000
"""Milliseconds that samples may be late and still be counted one by one."""

LONGEST_LIVE = 3_600_000
"""Milliseconds for which a series that is sampled rarely may widen the read of its SLO."""

LOOK_AHEAD = 300_000
"""Milliseconds after its span that a backfill reads, to see which series went on."""

_RANGES = (90_000, 120_000, 180_000, 300_000, 600_000, 1_200_000, 2_400_000, 3_600_000)


@dataclass(frozen=True, slots=True)
class Pending:
    """A job on its way: what it reads, how far back, and the edges with their series."""

    job: Job
    reads: tuple[Read, ...]
    kept: tuple[tuple[Edge, Series], ...]
    start: int
    end: int


def begin(job: Job) -> Pending:
    """What a job reads, from and until when."""
    indicator = job.indicator
    assert isinstance(indicator, Events | Latency | Mean)  # noqa: S101 -- `collect` has chosen it.
    kept = tuple((edge, _series_of(edge)) for edge in job.edges)
    end = job.span.end * 1000 + (0 if job.keep_edges else LOOK_AHEAD)
    return Pending(job, reads_of(indicator), kept, read_from(job), end)


def _series_of(edge: Edge) -> Series:
    labels = labels_of(edge.series)
    return Series(edge_key(edge), labels, target_of(labels), Role(edge.roles))


def read_from(job: Job) -> int:
    """Where to read from, epoch ms: the oldest live edge, rounded so that requests are shared."""
    start, end = job.span.start * 1000, job.span.end * 1000
    if job.fresh:
        return start - (FIRST_LOOK_BACK if job.keep_edges else LOOK_BACK)
    oldest = min((e.at for e in job.edges if _is_live(e, start)), default=start)
    length = end - min(oldest, start)
    return end - next((r for r in _RANGES if r >= length), -(-length // 600_000) * 600_000)


def _is_live(edge: Edge, start: int) -> bool:
    """Whether samples of the edge's series may still be on their way from before `start`.

    An edge that is not live costs nothing: if its series comes back, the step
    from it counts whole, whatever was read in between. But what a late sample tells
    of a restart would be lost, so each edge lives for a while.
    """
    silent = start - edge.at
    is_due = silent <= LONGEST_LIVE and not is_gap(silent, edge.intervals)
    return bool(edge.roles) and (silent <= LATE or is_due)


def count_of(
    pending: Pending, span: Span, sampled: Sequence[Sampled], read_from: int | None = None
) -> Count:
    """The count of a job over `span`; `read_from` (epoch ms) if it was read from further back."""
    job = pending.job
    indicator = job.indicator
    assert isinstance(indicator, Events | Latency | Mean)  # noqa: S101 -- `collect` has chosen it.
    return Count(
        job.meter,
        span,
        combine_for(indicator),
        kept=pending.kept,
        sampled=sampled,
        births=job.slo.births,
        watch_from=job.watch_from * 1000,
        fresh=job.fresh,
        keep_edges=job.keep_edges,
        # The first minutes read tell which series there were; from then on renames are followed.
        warm_from=(pending.start if read_from is None else read_from) + KNOWN_AFTER,
        read_to=span.end * 1000 if span.end < job.span.end else pending.end,
    )

"""The collector: jobs in, bookings out, with as few samples read as exactness allows."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING

from slo.domain.count import Count, edge_key
from slo.domain.counter import Role, is_gap
from slo.domain.indicator import Events, Latency, Mean
from slo.domain.reads import bound_of, reads_of
from slo.domain.series import Series as MeterSeries
from slo.domain.series import combine_for
from slo.domain.span import Span
from slo.domain.strand import Sampled
from slo.prometheus.errors import SourceError
from slo.prometheus.evidence import Evidence, Known
from slo.prometheus.job import Fault, Outcome
from slo.prometheus.naming import canonical_labels, labels_of, series_name, target_of
from slo.prometheus.slices import collect_slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slo.domain.meter import Edge
    from slo.domain.reads import Read
    from slo.domain.selector import Selector
    from slo.prometheus.answer import Series
    from slo.prometheus.head import Head
    from slo.prometheus.job import Job
    from slo.prometheus.raw import Found, RawReader

_Raw = dict[tuple[int, str], "Series"]
"""One raw series of each of a meter's series."""

_log = logging.getLogger(__name__)

LOOK_BACK = 300_000
"""Milliseconds before its span that a fresh count reads for its left edges."""

FIRST_LOOK_BACK = 3_600_000
"""The same for a first start: series that are silent just then have an edge too."""

LATE = 300_000
"""Milliseconds that samples may be late and still be counted one by one."""

LOOK_AHEAD = 300_000
"""Milliseconds after its span that a backfill reads, to see which series went on."""

_RANGES = (90_000, 120_000, 180_000, 300_000, 600_000, 1_200_000, 2_400_000, 3_600_000)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A job on its way: what it reads, how far back, and the edges with their series."""

    job: Job
    reads: tuple[Read, ...]
    kept: tuple[tuple[Edge, MeterSeries], ...]
    start: int
    end: int


def collect(jobs: Sequence[Job], reader: RawReader, head: Head) -> list[Outcome]:
    """What comes of each job, in any order; one job's fault never stops another."""
    counted = [job for job in jobs if isinstance(job.indicator, Events | Latency | Mean)]
    others = [job for job in jobs if not isinstance(job.indicator, Events | Latency | Mean)]
    outcomes = [*reader.pool.map(lambda job: collect_slices(job, reader.client, head), others)]
    groups: dict[tuple[int, int], list[_Reading]] = defaultdict(list)
    for job in counted:
        reading = _begin(job)
        groups[reading.start, reading.end].append(reading)
    for (start, end), readings in sorted(groups.items(), key=lambda item: item[0]):
        outcomes += _collect_group(readings, start, end, reader, head)
    return outcomes


def _begin(job: Job) -> _Reading:
    indicator = job.indicator
    assert isinstance(indicator, Events | Latency | Mean)  # noqa: S101 - `collect` has chosen it.
    kept = tuple((edge, _series_of(edge)) for edge in job.edges)
    end = job.span.end * 1000 + (0 if job.keep_edges else LOOK_AHEAD)
    return _Reading(job, reads_of(indicator), kept, read_from(job), end)


def _series_of(edge: Edge) -> MeterSeries:
    labels = labels_of(edge.series)
    return MeterSeries(edge_key(edge), labels, target_of(labels), Role(edge.roles))


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
    return bool(edge.roles) and (silent <= LATE or not is_gap(silent, edge.intervals))


def _collect_group(
    readings: Sequence[_Reading], start: int, end: int, reader: RawReader, head: Head
) -> list[Outcome]:
    found = reader.read({read.selector for r in readings for read in r.reads}, start, end)
    outcomes: list[Outcome] = []
    whole: list[_Reading] = []
    for reading in readings:
        errors = (found[read.selector] for read in reading.reads)
        error = next((e for e in errors if isinstance(e, SourceError)), None)
        if error is None:
            whole.append(reading)
        else:
            outcomes.append(Outcome(reading.job, fault=Fault(error.kind, str(error))))
    return outcomes + _book_each(whole, found, Evidence(reader, start, end), head)


def _book_each(
    readings: Sequence[_Reading], found: Found, evidence: Evidence, head: Head
) -> list[Outcome]:
    """The outcomes of `_book_all`; if it fails for the group, those of each job by itself."""
    try:
        return _book_all(readings, found, evidence, head)
    except Exception as error:  # noqa: BLE001 - told apart below, and logged where it is ours.
        if len(readings) > 1:
            return [o for one in readings for o in _book_each([one], found, evidence, head)]
        if isinstance(error, SourceError):
            return [Outcome(readings[0].job, fault=Fault(error.kind, str(error)))]
        # A fault of ours must not stop the other SLOs; it is told, with its trace.
        _log.exception("counting %s failed", readings[0].job.slo.id)
        return [Outcome(readings[0].job, fault=Fault("internal", repr(error)))]


def _book_all(
    readings: Sequence[_Reading], found: Found, evidence: Evidence, head: Head
) -> list[Outcome]:
    memberships = evidence.memberships(
        [(read, one.labels) for r in readings for read, one in _unknown(r, found)]
    )
    outcomes: list[Outcome] = []
    counts: list[tuple[_Reading, Count, _Raw]] = []
    for reading in readings:
        sampled, raw = _sampled(reading, found, memberships)
        fault = _missing_bound(reading, sampled, evidence)
        if fault is not None:
            outcomes.append(Outcome(reading.job, fault=fault))
            continue
        newest = max((s.times[-1] for s in sampled if s.times), default=None)
        span = reading.job.span
        if reading.job.hold:
            settled = head.settled_end(span, reading.job.meter.bucket, newest)
            span = Span(span.start, settled)
        if not span.seconds:
            outcomes.append(Outcome(reading.job))
            continue
        counts.append((reading, _count(reading, span, sampled), raw))
    counts = _look_further_back(counts, evidence)
    known = evidence.ask(
        [
            Known(count.questions(), count.series, reading.reads, reading.job.slo.ignore_labels)
            for reading, count, _ in counts
        ]
    )
    for (reading, count, _), answers in zip(counts, known, strict=True):
        booking = count.book(answers)
        outcomes.append(Outcome(reading.job, booking))
    return outcomes


def _count(reading: _Reading, span: Span, sampled: Sequence[Sampled]) -> Count:
    job = reading.job
    indicator = job.indicator
    assert isinstance(indicator, Events | Latency | Mean)  # noqa: S101 - `collect` has chosen it.
    return Count(
        job.meter,
        span,
        combine_for(indicator),
        kept=reading.kept,
        sampled=sampled,
        births=job.slo.births,
        watch_from=job.watch_from * 1000,
        fresh=job.fresh,
        keep_edges=job.keep_edges,
        read_to=span.end * 1000 if span.end < job.span.end else reading.end,
    )


def _unknown(reading: _Reading, found: Found) -> Iterable[tuple[Read, Series]]:
    """Series whose membership in a read's part is not kept with an edge."""
    keys = {edge_key(edge) for edge in reading.job.edges if edge.roles}
    ignored = reading.job.slo.ignore_labels
    for read in reading.reads:
        if read.inside is None:
            continue
        for one in _series_in(found, read.selector):
            if (read.index, series_name(canonical_labels(one.labels, ignored))) not in keys:
                yield read, one


def _series_in(found: Found, selector: Selector) -> list[Series]:
    series = found[selector]
    return [] if isinstance(series, SourceError) else series


def _sampled(
    reading: _Reading, found: Found, memberships: Mapping[tuple[Selector, str], bool]
) -> tuple[list[Sampled], _Raw]:
    """The samples by series, replicas of Prometheus merged; and one raw series of each."""
    edges = {edge_key(edge): edge for edge in reading.job.edges if edge.roles}
    merged: dict[tuple[int, str], Sampled] = {}
    raw: _Raw = {}
    for read in reading.reads:
        for one in _series_in(found, read.selector):
            labels = canonical_labels(one.labels, reading.job.slo.ignore_labels)
            name = series_name(labels)
            key = (read.index, name)
            edge = edges.get(key)
            roles = Role(edge.roles) if edge is not None else _roles(read, one.labels, memberships)
            if not roles:
                continue
            series = MeterSeries(key, labels, target_of(labels), roles)
            sampled = Sampled(series, *_numbers(one))
            merged[key] = _merged(merged[key], sampled) if key in merged else sampled
            raw[key] = one
    return list(merged.values()), raw


def _roles(
    read: Read, labels: Mapping[str, str], memberships: Mapping[tuple[Selector, str], bool]
) -> Role:
    if read.bound is not None:
        return read.roles_by_bound(labels)
    if read.inside is not None:
        role, part = read.inside
        if memberships.get((part, series_name(labels)), False):
            return read.roles | role
    return read.roles


def _numbers(one: Series) -> tuple[list[int], list[float]]:
    """Times and values without NaN and infinities, which are no counts."""
    if all(map(isfinite, one.values)):
        return one.times, one.values
    kept = [(t, v) for t, v in zip(one.times, one.values, strict=True) if isfinite(v)]
    return [t for t, _ in kept], [v for _, v in kept]


def _merged(one: Sampled, other: Sampled) -> Sampled:
    """The samples of two replicas in order; where both have one, the higher value."""
    values: dict[int, float] = dict(zip(one.times, one.values, strict=True))
    for time, value in zip(other.times, other.values, strict=True):
        values[time] = max(value, values.get(time, value))
    times = sorted(values)
    return replace(one, times=times, values=[values[t] for t in times])


def _missing_bound(
    reading: _Reading, sampled: Sequence[Sampled], evidence: Evidence
) -> Fault | None:
    """The fault of a histogram that has series but no bucket at the threshold."""
    indicator = reading.job.indicator
    if not isinstance(indicator, Latency) or not sampled:
        return None
    if any(s.series.roles & Role.GOOD for s in sampled):
        return None
    bounds = evidence.bounds(indicator.histogram)
    listed = ", ".join(f"{b:g}" for b in bounds) or "none"
    wanted = f"{bound_of(indicator):f}"
    return Fault(
        "no_bucket",
        f"{indicator.histogram} has no bucket with the bound {wanted} ({indicator.unit});"
        f" its bounds are {listed}; choose one of them or set round: down or up",
    )


def _look_further_back(
    counts: list[tuple[_Reading, Count, _Raw]], evidence: Evidence
) -> list[tuple[_Reading, Count, _Raw]]:
    """The same counts with left edges from further back, for fresh series without one."""
    unseen = {id(count): count.questions().unseen for r, count, _ in counts if r.job.fresh}
    wanted = [raw[key].labels for _, count, raw in counts for key in unseen.get(id(count), ())]
    if not wanted:
        return counts
    older = evidence.last_samples_before(wanted)
    renewed = []
    for reading, count, raw in counts:
        keys = unseen.get(id(count), frozenset())
        sampled = [
            _with_older(s, older.get(series_name(raw[s.series.key].labels)))
            if s.series.key in keys
            else s
            for s in count.read
        ]
        renewed.append((reading, _count(reading, count.span, sampled) if keys else count, raw))
    return renewed


def _with_older(sampled: Sampled, older: Series | None) -> Sampled:
    if older is None:
        return sampled
    times, values = _numbers(older)
    return replace(sampled, times=[*times, *sampled.times], values=[*values, *sampled.values])

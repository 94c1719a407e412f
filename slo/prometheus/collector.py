"""The collector: jobs in, bookings out, with as few samples read as exactness allows."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, replace
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
from slo.prometheus.evidence import FURTHER_BACK, Evidence, Known
from slo.prometheus.job import Fault, Outcome
from slo.prometheus.naming import labels_of, series_name, target_of
from slo.prometheus.sampling import (
    finite,
    sampled_of,
    series_in,
    unknown,
    unmatched,
    with_older,
)
from slo.prometheus.selectors import share
from slo.prometheus.slices import collect_slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.meter import Edge
    from slo.domain.reads import Read
    from slo.domain.selector import Selector
    from slo.domain.series import Key
    from slo.prometheus.head import Head
    from slo.prometheus.job import Job
    from slo.prometheus.raw import Found, RawReader
    from slo.prometheus.sampling import RawSeries

_log = logging.getLogger(__name__)

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
    outcomes = [*reader.pool.map(lambda job: _evaluated(job, reader, head), others)]
    groups: dict[tuple[int, int], list[_Reading]] = defaultdict(list)
    for job in counted:
        reading = _begin(job)
        groups[reading.start, reading.end].append(reading)
    for (start, end), readings in sorted(groups.items(), key=lambda item: item[0]):
        outcomes += _collect_group(readings, start, end, reader, head)
    return outcomes


def _evaluated(job: Job, reader: RawReader, head: Head) -> Outcome:
    try:
        return reader.ask(lambda client: collect_slices(job, client, head))
    except SourceError as error:
        return Outcome(job, fault=Fault(error.kind, str(error)))


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
    is_due = silent <= LONGEST_LIVE and not is_gap(silent, edge.intervals)
    return bool(edge.roles) and (silent <= LATE or is_due)


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
    """The outcomes of `_book_all`; if it fails for the group, those of its halves."""
    try:
        return _book_all(readings, found, evidence, head)
    except Exception as error:  # noqa: BLE001 - told apart below, and logged where it is ours.
        if len(readings) > 1:
            middle = len(readings) // 2
            halves = (readings[:middle], readings[middle:])
            return [o for half in halves for o in _book_each(half, found, evidence, head)]
        if isinstance(error, SourceError):
            return [Outcome(readings[0].job, fault=Fault(error.kind, str(error)))]
        # A fault of ours must not stop the other SLOs; it is told, with its trace.
        _log.exception("counting %s failed", readings[0].job.slo.id)
        return [Outcome(readings[0].job, fault=Fault("internal", repr(error)))]


def _book_all(
    readings: Sequence[_Reading], found: Found, evidence: Evidence, head: Head
) -> list[Outcome]:
    found, since = _with_silent(readings, found, evidence)
    memberships = Evidence(evidence.reader, since, evidence.end).memberships(
        [one for r in readings for one in unknown(r.job, r.reads, found)]
    )
    outcomes: list[Outcome] = []
    counts: list[tuple[_Reading, Count, RawSeries]] = []
    for reading in readings:
        by_key, raw = sampled_of(reading.job, reading.reads, found, memberships)
        sampled = list(by_key.values())
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
        if reading.job.hold:
            notes = unmatched(reading.reads, count.series.values())
            booking = replace(booking, notes=(*booking.notes, *notes))
        outcomes.append(Outcome(reading.job, booking))
    return outcomes


def _with_silent(
    readings: Sequence[_Reading], found: Found, evidence: Evidence
) -> tuple[Found, int]:
    """With the last samples of series that a first start finds silent, and since when it asked.

    They have an edge too: if one comes back, the backfill has counted what it had.
    """
    firsts = {
        read.selector for r in readings if r.job.fresh and r.job.keep_edges for read in r.reads
    }
    if not firsts:
        return found, evidence.start
    since = evidence.start - FURTHER_BACK[-1]
    before = Evidence(evidence.reader, since, evidence.start)
    renewed = dict(found)
    silent: dict[str, tuple[Selector, dict[str, str]]] = {}
    for request in share(firsts):
        members = request.members.values()
        there = {series_name(one.labels) for m in members for one in series_in(found, m)}
        for labels in before.series([str(request.selector)]):
            member, name = request.member_of(labels), series_name(labels)
            if member is not None and name not in there:
                silent[name] = (member, labels)
    older = evidence.last_samples_before([labels for _, labels in silent.values()])
    for name, one in older.items():
        member = silent[name][0]
        renewed[member] = [*series_in(renewed, member), one]
    return renewed, since


def _count(
    reading: _Reading, span: Span, sampled: Sequence[Sampled], read_from: int | None = None
) -> Count:
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
        # The first minutes read tell which series there were; from then on renames are followed.
        warm_from=(reading.start if read_from is None else read_from) + KNOWN_AFTER,
        read_to=span.end * 1000 if span.end < job.span.end else reading.end,
    )


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
    counts: list[tuple[_Reading, Count, RawSeries]], evidence: Evidence
) -> list[tuple[_Reading, Count, RawSeries]]:
    """The same counts with left edges from further back, for fresh series without one.

    First all series of such a meter are read over an hour more, because one that has
    ended may go on under the new one's labels; then each that is still without an
    edge is looked for by itself.
    """
    return _last_before(_widened(counts, evidence), evidence)


def _unseen(reading: _Reading, count: Count) -> frozenset[Key]:
    return count.questions().unseen if reading.job.fresh else frozenset()


def _widened(
    counts: list[tuple[_Reading, Count, RawSeries]], evidence: Evidence
) -> list[tuple[_Reading, Count, RawSeries]]:
    since = evidence.start - FIRST_LOOK_BACK
    needy = {id(count): r for r, count, _ in counts if not r.job.keep_edges and _unseen(r, count)}
    if not needy:
        return counts
    selectors = {read.selector for r in needy.values() for read in r.reads}
    found = evidence.reader.read(selectors, since, evidence.start)
    error = next((e for e in found.values() if isinstance(e, SourceError)), None)
    if error is not None:
        raise error
    memberships = Evidence(evidence.reader, since, evidence.start).memberships(
        [one for r in needy.values() for one in unknown(r.job, r.reads, found)]
    )
    widened = []
    for reading, count, raw in counts:
        if id(count) not in needy:
            widened.append((reading, count, raw))
            continue
        older, older_raw = sampled_of(reading.job, reading.reads, found, memberships)
        sampled = {s.series.key: s for s in count.read}
        for key, one in older.items():
            sampled[key] = with_older(sampled[key], one) if key in sampled else one
        renewed = _count(reading, count.span, list(sampled.values()), since)
        widened.append((reading, renewed, older_raw | raw))
    return widened


def _last_before(
    counts: list[tuple[_Reading, Count, RawSeries]], evidence: Evidence
) -> list[tuple[_Reading, Count, RawSeries]]:
    unseen = {id(count): _unseen(reading, count) for reading, count, _ in counts}
    wanted = [raw[key].labels for _, count, raw in counts for key in unseen[id(count)]]
    if not wanted:
        return counts
    # What was read already, widened or not, holds no sample of these before it.
    since = min(count.warm_from for _, count, _ in counts if unseen[id(count)]) - KNOWN_AFTER
    older = Evidence(evidence.reader, since, evidence.end).last_samples_before(wanted)
    renewed = []
    for reading, count, raw in counts:
        names = {key: series_name(raw[key].labels) for key in unseen[id(count)]}
        if not any(name in older for name in names.values()):
            renewed.append((reading, count, raw))
            continue
        sampled = [
            with_older(s, Sampled(s.series, *finite(older[name])))
            if (name := names.get(s.series.key)) in older
            else s
            for s in count.read
        ]
        read_from = count.warm_from - KNOWN_AFTER
        renewed.append((reading, _count(reading, count.span, sampled, read_from), raw))
    return renewed

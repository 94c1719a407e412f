"""The collector: jobs in, bookings out, with as few samples read as exactness allows."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from slo.domain.counter import Role
from slo.domain.indicator import Events, Latency, Mean
from slo.domain.reads import bound_of
from slo.domain.span import Span
from slo.prometheus.errors import SourceError
from slo.prometheus.evidence import Evidence, Known
from slo.prometheus.head import ingests_within
from slo.prometheus.job import Fault, Outcome
from slo.prometheus.lookback import look_further_back, with_silent
from slo.prometheus.pending import begin, count_of
from slo.prometheus.sampling import sampled_of, unknown, unmatched
from slo.prometheus.slices import collect_slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.booking import Booking
    from slo.domain.strand import Sampled
    from slo.prometheus.head import Head
    from slo.prometheus.job import Job
    from slo.prometheus.lookback import Counts
    from slo.prometheus.pending import Pending
    from slo.prometheus.raw import Found, RawReader

_log = logging.getLogger(__name__)


def collect(jobs: Sequence[Job], reader: RawReader, head: Head) -> list[Outcome]:
    """What comes of each job, in any order; one job's fault never stops another."""
    counted = [job for job in jobs if isinstance(job.indicator, Events | Latency | Mean)]
    others = [job for job in jobs if not isinstance(job.indicator, Events | Latency | Mean)]
    outcomes = [*reader.pool.map(lambda job: _evaluated(job, reader, head), others)]
    groups: dict[tuple[int, int], list[Pending]] = defaultdict(list)
    for job in counted:
        pending = begin(job)
        groups[pending.start, pending.end].append(pending)
    for (start, end), pendings in sorted(groups.items(), key=lambda item: item[0]):
        outcomes += _collect_group(pendings, start, end, reader, head)
    return outcomes


def _evaluated(job: Job, reader: RawReader, head: Head) -> Outcome:
    try:
        return reader.ask(lambda client: collect_slices(job, client, head))
    except SourceError as error:
        return Outcome(job, fault=Fault(error.kind, str(error)))


def _collect_group(
    pendings: Sequence[Pending], start: int, end: int, reader: RawReader, head: Head
) -> list[Outcome]:
    found = reader.read({read.selector for r in pendings for read in r.reads}, start, end)
    outcomes: list[Outcome] = []
    whole: list[Pending] = []
    for pending in pendings:
        errors = (found[read.selector] for read in pending.reads)
        error = next((e for e in errors if isinstance(e, SourceError)), None)
        if error is None:
            whole.append(pending)
        else:
            outcomes.append(Outcome(pending.job, fault=Fault(error.kind, str(error))))
    return outcomes + _book_each(whole, found, Evidence(reader, start, end), head)


def _book_each(
    pendings: Sequence[Pending], found: Found, evidence: Evidence, head: Head
) -> list[Outcome]:
    """The outcomes of `_book_all`; if it fails for the group, those of its halves."""
    try:
        return _book_all(pendings, found, evidence, head)
    except Exception as error:  # noqa: BLE001 -- told apart below, and logged where it is ours.
        if len(pendings) > 1:
            middle = len(pendings) // 2
            halves = (pendings[:middle], pendings[middle:])
            return [o for half in halves for o in _book_each(half, found, evidence, head)]
        if isinstance(error, SourceError):
            return [Outcome(pendings[0].job, fault=Fault(error.kind, str(error)))]
        # A fault of ours must not stop the other SLOs; it is told, with its trace.
        _log.exception("counting %s failed", pendings[0].job.slo.id)
        return [Outcome(pendings[0].job, fault=Fault("internal", repr(error)))]


def _book_all(
    pendings: Sequence[Pending], found: Found, evidence: Evidence, head: Head
) -> list[Outcome]:
    found, since = with_silent(pendings, found, evidence)
    memberships = Evidence(evidence.reader, since, evidence.end).memberships(
        [one for r in pendings for one in unknown(r.job, r.reads, found)]
    )
    outcomes: list[Outcome] = []
    counts: Counts = []
    for pending in pendings:
        by_key, raw = sampled_of(pending.job, pending.reads, found, memberships)
        sampled = list(by_key.values())
        fault = _missing_bound(pending, sampled, evidence)
        if fault is not None:
            outcomes.append(Outcome(pending.job, fault=fault))
            continue
        newest = max((s.times[-1] for s in sampled if s.times), default=None)
        span = pending.job.span
        if pending.job.hold:
            settled = head.settled_end(span, pending.job.meter.bucket, newest)
            span = Span(span.start, settled)
        if not span.seconds:
            outcomes.append(Outcome(pending.job))
            continue
        counts.append((pending, count_of(pending, span, sampled), raw))
    counts = look_further_back(counts, evidence)
    known = evidence.ask(
        [
            Known(count.questions(), count.series, pending.reads, pending.job.slo.ignore_labels)
            for pending, count, _ in counts
        ]
    )
    for (pending, count, _), answers in zip(counts, known, strict=True):
        booking = count.book(answers)
        if pending.job.hold:
            notes = unmatched(pending.reads, count.series.values())
            booking = replace(booking, notes=(*booking.notes, *notes))
        outcomes.append(Outcome(pending.job, _while_ingesting(pending.job, booking, head)))
    return outcomes


def _while_ingesting(job: Job, booking: Booking, head: Head) -> Booking:
    """The booking without targets that are gone together with their whole source."""
    if not any(a.kind == "gone" for a in booking.absences):
        return booking
    bucket = job.meter.bucket
    ingested = head.ingested(booking.span, bucket, ingests_within(job.scrape_interval))
    kept = (
        a
        for a in booking.absences
        if a.kind == "dead" or ingested.get(a.end, a.since) - a.since > bucket
    )
    return replace(booking, absences=tuple(kept))


def _missing_bound(
    pending: Pending, sampled: Sequence[Sampled], evidence: Evidence
) -> Fault | None:
    """The fault of a histogram that has series but no bucket at the threshold."""
    indicator = pending.job.indicator
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

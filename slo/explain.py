"""Explaining: how an SLO's number came about, assembled from what the store holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from slo import standings
from slo.domain.duration import format_duration
from slo.domain.exclusion import corrections_in, net_spans
from slo.domain.indicator import Events, FirstOf, Freshness, Latency, Mean, Query, Slices
from slo.domain.lookup import Subject, View, plan_of
from slo.domain.meter import Meter, indicator_json
from slo.domain.reads import reads_of
from slo.domain.span import Span
from slo.domain.standing import BURN_SPANS, FAULT
from slo.prometheus.head import HEAD_QUERY
from slo.prometheus.job import Job
from slo.prometheus.pending import read_from
from slo.promql import WINDOW
from slo.store import contributors, corrections, edges, exclusions, notes, readings, slos
from slo.store import standings as stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from slo.domain.indicator import Indicator
    from slo.domain.ledger import Contribution, Correction, Exclusion, Reading, Tally
    from slo.domain.lookup import Plan
    from slo.domain.meter import Edge
    from slo.domain.slo import SLO
    from slo.domain.standing import Note, Standing
    from slo.store.slos import Revision

_UNMETERED = 0
"""The id of no stored meter."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a span that counts, and its two readings; None: the ledger holds none."""

    span: Span
    first: Reading | None
    last: Reading | None


@dataclass(frozen=True, slots=True)
class Burn:
    """A burn rate with the readings that it was subtracted from."""

    name: str
    rate: float | None
    events: Tally
    """Net and corrected."""
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One question that a cycle asks: PromQL, at or over which time, and what for."""

    query: str
    how: str


@dataclass(frozen=True, slots=True)
class WorstHour:
    """The hour (its start, epoch seconds) with most bad events of the window, and who had them."""

    start: int
    contributors: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that an SLO's numbers rest on."""

    slo: SLO
    """As in force then."""
    indicator: Indicator
    meter: Meter
    standing: Standing
    pieces: tuple[Piece, ...]
    """The window without its exclusions; the events are the sum of their differences."""
    corrections: tuple[Correction, ...]
    """Those inside the pieces, which the events hold too."""
    exclusions: tuple[Exclusion, ...]
    burns: tuple[Burn, ...]
    requests: tuple[Request, ...]
    worst: WorstHour | None
    notes: tuple[Note, ...]
    """The standing's, and the meter's own from outside the window."""
    revisions: tuple[Revision, ...]
    """Oldest first."""
    meters: tuple[Meter, ...]
    """In the order in which they began."""


def explain(
    session: Session, subject: Subject, at: int | None = None, *, scrape_interval: int = 15
) -> Explanation:
    """How the subject's numbers came about as of its last reading, or as of `at`.

    `scrape_interval` in seconds; only the requests of estimates need it.
    """
    slo = _in_force(session, subject.slo, subject.now if at is None else at)
    subject = replace(subject, slo=slo)
    meter = subject.meter
    [(standing, _)] = standings.compute(session, [subject], {} if at is None else {slo.id: at})
    covering = [x for x in exclusions.of(session) if x.covers(slo.id)]
    plan = plan_of(subject, at, covering, None)
    found = readings.readings_at(session, {meter.id: plan.instants})
    booked = corrections.of(session, [meter.id])[meter.id]
    view = View.of(plan, found, booked)
    pieces = _pieces(view, plan.window)
    rates = dict(standing.burn_rates)
    kept = edges.edges_of(session, [meter.id])[meter.id]
    hour = contributors.worst_hour(session, meter.id, plan.window.start, plan.window.end)
    own = [n for n in notes.of(session, [meter.id])[meter.id] if n not in standing.notes]
    if at is None:
        own = [*_faults(session, slo, (*standing.notes, *own)), *own]
    return Explanation(
        slo,
        subject.indicator,
        meter,
        standing,
        pieces,
        corrections_in([piece.span for piece in pieces], booked),
        tuple(x for x in covering if x.span.overlap(plan.window)),
        tuple(
            _burn(view, Span(plan.end - seconds, plan.end), name, rates.get(name))
            for name, seconds in BURN_SPANS
        ),
        ()
        if meter.id == _UNMETERED
        else tuple(requests_of(subject, kept, _next_span(plan), scrape_interval)),
        None
        if hour is None
        else WorstHour(hour, tuple(contributors.top(session, meter.id, hour, hour + 3600))),
        (*standing.notes, *own),
        tuple(slos.revisions(session, slo.id)),
        tuple(slos.meters_of(session, slo.id)),
    )


def unmetered(slo: SLO) -> Meter:
    """The meter, in no store, of an SLO that none counts yet: that of its first alternative."""
    indicator = slo.indicator
    if isinstance(indicator, FirstOf):
        indicator = indicator.alternatives[0]
    return Meter(_UNMETERED, slo.id, "", slo.bucket, indicator_json(indicator))


def _faults(session: Session, slo: SLO, told: Sequence[Note]) -> list[Note]:
    """The faults that only the stored standing knows: those of an SLO that has no meter."""
    last = stored.one(session, slo.id)
    known = {(n.kind, n.text) for n in told}
    notes_ = () if last is None else last.notes
    return [n for n in notes_ if n.kind == FAULT and (n.kind, n.text) not in known]


def _in_force(session: Session, slo: SLO, at: int) -> SLO:
    """The SLO with the promise that was in force at `at`."""
    then = slos.revision_at(session, [slo.id], at).get(slo.id)
    if then is None:
        return slo
    return replace(
        slo,
        objective=then.objective,
        window=then.window,
        owner=then.owner,
        description=then.description,
        runbook=then.runbook,
        labels=then.labels,
    )


def _pieces(view: View, span: Span) -> tuple[Piece, ...]:
    """The parts of `span` that no exclusion takes out, with their readings."""
    known = [
        Piece(part, view.reading_at(part.start), view.reading_at(part.end))
        for part in net_spans(span, view.excluded)
        # What lies before the ledger's beginning holds nothing.
        if part.end > view.plan.begun
    ]
    return tuple(known)


def _burn(view: View, span: Span, name: str, rate: float | None) -> Burn:
    return Burn(name, rate, view.tally(span), _pieces(view, span))


def _next_span(plan: Plan) -> Span:
    """The bucket after the one explained: what the next cycle books."""
    return Span(plan.end, plan.end + plan.subject.meter.bucket)


def requests_of(subject: Subject, kept: Sequence[Edge], span: Span, scrape: int) -> list[Request]:
    """What a live cycle that books `span` asks for this SLO alone; `scrape` in seconds.

    SLOs whose selectors differ in one label's value share a request.
    """
    indicator, bucket = subject.indicator, subject.meter.bucket
    steps = f"range query, at each bucket's end ({bucket} s)"
    match indicator:
        case Events() | Latency() | Mean():
            job = Job(subject.slo, indicator, subject.meter, span, span.start, scrape, tuple(kept))
            back = span.end - read_from(job) // 1000
            return [
                Request(f"{read.selector}[{back}s]", "instant query, at the bucket's end")
                for read in reads_of(indicator)
            ]
        case Slices(query=query):
            return [Request(query, steps)]
        case Freshness(timestamp=timestamp):
            return [Request(f"max({timestamp})", steps), Request(HEAD_QUERY, steps)]
        case Query(total=total, good=good, bad=bad):
            window = format_duration(timedelta(seconds=bucket + scrape))
            texts = (total, good or bad or "")
            return [Request(text.replace(WINDOW, window), steps) for text in texts]

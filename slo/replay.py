"""Replays: what another alert policy would have done over a ledger's past. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from slo.domain.budget import HISTORY_SECONDS
from slo.domain.decision import windows_of
from slo.domain.duration import format_duration
from slo.domain.incident_rules import STEP
from slo.domain.pace import pace_of
from slo.domain.past import Past
from slo.domain.policy import AbsenceRule, Policy, impossible
from slo.domain.replay import replay_rule
from slo.domain.replay_incidents import incidents_of, only_in, totals_of
from slo.domain.span import Span, rfc3339
from slo.store import exclusions, readings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from sqlalchemy.orm import Session

    from slo.domain.ledger import Reading, Tally
    from slo.domain.meter import Meter
    from slo.domain.replay import Fired, Promise
    from slo.domain.replay_incidents import ReplayedIncident, Totals

_CHUNK = 30 * 86_400
"""Seconds of readings that are read at once."""

COARSE = (86_400, 3600, 300)
"""Spacings of readings after compaction that a report tells of, in seconds."""


class EmptyPastError(ValueError):
    """The ledger has no readings in the span; the message says what it has."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a promise would have led to, oldest first."""

    promise: Promise
    alerts: tuple[Fired, ...]
    incidents: tuple[ReplayedIncident, ...]
    totals: Totals


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay of one SLO over `span`, beside the one by today's slo.yaml.

    `today` is None where it is the same promise. `only_replayed` and `only_today` are
    the alerts that one of them has alone. `notes` tell what the past cannot show.
    """

    slo: str
    span: Span
    readings: int
    events: Tally
    coverage: float | None
    replayed: Outcome
    today: Outcome | None
    only_replayed: tuple[Fired, ...]
    only_today: tuple[Fired, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a replay is done, as a share."""

    tell: Callable[[float], None]

    def part(self, begin: float, end: float) -> Callable[[float], None]:
        """Tells of a part of the whole: its own share, moved between two others."""
        return lambda share: self.tell(begin + (end - begin) * share)


def replay(
    session: Session,
    meter: Meter,
    span: Span,
    promise: Promise,
    today: Promise,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Replay:
    """Replay a promise over the ledger's past, and today's beside it where it differs.

    `on_progress` is told the share that is done. Raises `EmptyPastError` where the ledger
    has nothing of the span.
    """
    promises = [promise] if promise == today else [promise, today]
    whole = _clipped(meter, span)
    progress = Progress(on_progress)
    past = read_past(session, meter, whole, promises, progress.part(0.0, 0.5))
    outcomes = []
    for number, one in enumerate(promises):
        begin = 0.5 + 0.5 * number / len(promises)
        tell = progress.part(begin, begin + 0.5 / len(promises))
        outcomes.append(outcome_of(past, one, whole, tell))
    own, other = outcomes[0], outcomes[-1]
    seen, counted = past.track.moment(whole.end, promise.objective), past.counted(whole)
    events = seen.tally(whole.seconds)
    return Replay(
        slo=meter.slo,
        span=whole,
        readings=len(past.places(whole)),
        events=events,
        coverage=min(1.0, events.covered / counted) if counted else None,
        replayed=own,
        today=None if own is other else other,
        only_replayed=tuple(only_in(own.alerts, other.alerts, whole.end)),
        only_today=tuple(only_in(other.alerts, own.alerts, whole.end)),
        notes=(*_clip_notes(span, whole), *_notes(past, promise, whole)),
    )


def refit(policy: Policy, objective: Decimal) -> tuple[Policy, tuple[str, ...]]:
    """A policy without the rules that can never fire at an objective, and why they cannot."""
    reasons = {rule.name: impossible(rule, objective) for rule in policy.rules}
    kept = tuple(rule for rule in policy.rules if reasons[rule.name] is None)
    dropped = tuple(f"{name} is left out: it {why}" for name, why in reasons.items() if why)
    return Policy(kept, policy.dropped), dropped


def read_past(
    session: Session,
    meter: Meter,
    span: Span,
    promises: Sequence[Promise],
    on_progress: Callable[[float], None] = lambda _: None,
) -> Past:
    """The past of a span, and before it as far as the promises look back."""
    far = max(_look_back(promise, span.start) for promise in promises)
    begun = span.start if meter.booked_from is None else meter.booked_from
    start = max(begun, span.start - far)
    found: list[Reading] = [*readings.readings_at(session, {meter.id: [start]}).values()]
    marks = [*range(start, span.end, _CHUNK), span.end]
    for first, last in pairwise(marks):
        found += readings.between(session, meter.id, first, last)
        on_progress((last - start) / max(1, span.end - start))
    wide = Span(start, span.end)
    applying = [e for e in exclusions.of(session) if e.covers(meter.slo) and e.span.overlap(wide)]
    return Past.of(found, meter.bucket, begun, applying)


def outcome_of(
    past: Past, promise: Promise, span: Span, on_progress: Callable[[float], None] = lambda _: None
) -> Outcome:
    """The alerts and incidents that a promise would have led to within a span."""
    places = past.places(span)
    pace = pace_of(past, promise.objective, promise.window, places)
    rules = [r for r in promise.policy.rules if not isinstance(r, AbsenceRule)]
    found: list[Fired] = []
    for number, rule in enumerate(rules, 1):
        found += replay_rule(rule, past, promise.objective, pace, places)
        on_progress(number / len(rules))
    alerts = sorted(found, key=lambda a: a.at)
    incidents = incidents_of(alerts)
    totals = totals_of(alerts, incidents, span.end)
    return Outcome(promise, tuple(alerts), tuple(incidents), totals)


def _look_back(promise: Promise, at: int) -> int:
    """How many seconds before an instant a promise looks at."""
    windows = [w for rule in promise.policy.rules for w in windows_of(rule)]
    length = at - promise.window.span_at(at).start
    # One step more, since the beginning of a burn is sought in whole steps.
    return max([length, HISTORY_SECONDS, *windows]) + STEP


def _clipped(meter: Meter, span: Span) -> Span:
    """What the ledger has of a span, in whole buckets."""
    if meter.booked_from is None or meter.booked_to is None:
        raise EmptyPastError(f"nothing is booked of {meter.slo} yet; run `slo backfill`")
    found = span.overlap(Span(meter.booked_from, meter.booked_to))
    if found is None:
        raise EmptyPastError(
            f"the ledger of {meter.slo} reaches from {rfc3339(meter.booked_from)} to"
            f" {rfc3339(meter.booked_to)}; choose --from and --to inside it, or run `slo backfill`"
        )
    return found


def _clip_notes(wanted: Span, whole: Span) -> list[str]:
    notes = []
    if whole.start > wanted.start:
        notes.append(f"The ledger begins at {rfc3339(whole.start)}.")
    if whole.end < wanted.end:
        notes.append(f"The ledger ends at {rfc3339(whole.end)}.")
    return notes


def _notes(past: Past, promise: Promise, span: Span) -> list[str]:
    """What the past cannot show."""
    notes = []
    for step, until in past.coarse(span, [s for s in COARSE if s > past.track.bucket]):
        apart = format_duration(timedelta(seconds=step))
        notes.append(
            f"Up to {rfc3339(until)} readings are kept {apart} apart: there rules decide once in"
            f" {apart}, and shorter windows look at all of it."
        )
    if any(isinstance(rule, AbsenceRule) for rule in promise.policy.rules):
        notes.append(
            "Rules for missing data (dead, gone, blind) are left out: why data were missing is"
            " not in the ledger."
        )
    return notes

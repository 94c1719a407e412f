"""Incidents that a replay's alerts would have opened, by the rules of real ones."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slo.domain.incident import FLAPS, FLAPS_WITHIN
from slo.domain.incident_rules import Candidate, higher, place
from slo.domain.span import Span, union

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slo.domain.policy import Severity
    from slo.domain.replay import Fired


@dataclass(frozen=True, slots=True)
class ReplayedIncident:
    """An incident that would have been. Instants are epoch seconds."""

    severity: Severity
    started: int
    """Where the burn began."""
    opened: int
    resolved: int | None
    """None: it was still open at the end."""
    rules: tuple[str, ...]
    """The rules whose alerts were in it, in order of their first."""
    paged: int
    """How many times it would have paged: when it opened or was raised, and by relapses."""
    reopened: int


@dataclass(slots=True)
class _Open:
    number: int
    severity: Severity
    started: int
    opened: int
    fresh: int
    rules: dict[str, None] = field(default_factory=dict)
    firing: dict[str, Severity] = field(default_factory=dict)
    resolved: int | None = None
    paged: int = 0
    reopened: int = 0
    changes: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    changed: int = 0
    flaps: bool = False

    def calm(self, at: int) -> None:
        """An hour without a change ends flapping."""
        if at - self.changed >= FLAPS_WITHIN:
            self.flaps = False

    def change(self, rule: str, at: int) -> None:
        """One more change of a rule; too many within an hour are flapping."""
        self.changed = at
        recent = [t for t in self.changes[rule] if t > at - FLAPS_WITHIN]
        self.changes[rule] = [*recent, at]
        self.flaps = self.flaps or len(self.changes[rule]) > FLAPS


def incidents_of(alerts: Iterable[Fired]) -> list[ReplayedIncident]:
    """The incidents of one SLO's alerts, oldest first.

    An SLO is in at most one open incident; a relapse within fifteen minutes reopens it.
    What other SLOs of the service would have added is not known here.
    """
    known = sorted((a for a in alerts if a.opens), key=_order)
    changes: list[tuple[int, str, bool, Fired]] = [(a.at, a.rule.name, True, a) for a in known]
    changes += [(a.resolved, a.rule.name, False, a) for a in known if a.resolved is not None]
    found: list[_Open] = []
    for at, rule, fires, alert in sorted(changes, key=lambda c: c[:2]):
        if fires:
            _enter(found, alert)
            found[-1].change(rule, at)
        else:
            incident = found[-1]
            incident.firing.pop(rule, None)
            incident.change(rule, at)
            if not incident.firing:
                incident.resolved = at
    return [
        ReplayedIncident(
            i.severity, i.started, i.opened, i.resolved, tuple(i.rules), i.paged, i.reopened
        )
        for i in found
    ]


def _order(alert: Fired) -> tuple[int, str]:
    return alert.at, alert.rule.name


def _enter(found: list[_Open], alert: Fired) -> None:
    """A firing alert goes into the open incident, the last one, or a new one."""
    at, severity = alert.at, alert.rule.severity
    last = found[-1] if found else None
    newest = None if last is None else Candidate(last.number, last.fresh, last.resolved)
    own = newest if newest is not None and newest.resolved_at is None else None
    where = place(at, own, newest, ())
    if where.action == "open" or last is None:
        last = _Open(len(found), severity, alert.began, at, at, paged=int(severity == "page"))
        found.append(last)
    else:
        last.calm(at)
        is_relapse = severity == last.severity == "page" and "page" not in last.firing.values()
        if where.action == "reopen" or is_relapse:
            last.reopened += 1
            last.resolved, last.fresh = None, at
            last.paged += int(last.severity == "page" and not last.flaps)
        if higher(severity, last.severity):
            last.severity = severity
            last.paged += 1
        last.started = min(last.started, alert.began)
    last.rules[alert.rule.name] = None
    last.firing[alert.rule.name] = severity


@dataclass(frozen=True, slots=True)
class Totals:
    """A replay in a few numbers."""

    pages: int
    """Page alerts that fired."""
    tickets: int
    """Ticket alerts that fired, those of budgets among them."""
    incidents: int
    paged: int
    """How many times people would have been paged."""
    seconds: int
    """Seconds in which alerts that open incidents fired."""
    seconds_to_detect: int | None
    """The median of the incidents that paged; None without one."""


def totals_of(alerts: Sequence[Fired], incidents: Sequence[ReplayedIncident], end: int) -> Totals:
    """The totals of a replay that ended at `end`."""
    pages = sum(a.rule.severity == "page" for a in alerts)
    detected = sorted(i.opened - i.started for i in incidents if i.paged)
    return Totals(
        pages=pages,
        tickets=len(alerts) - pages,
        incidents=len(incidents),
        paged=sum(i.paged for i in incidents),
        seconds=sum(s.seconds for s in union(Span(a.at, a.until(end)) for a in alerts if a.opens)),
        seconds_to_detect=detected[len(detected) // 2] if detected else None,
    )


def only_in(alerts: Iterable[Fired], others: Iterable[Fired], end: int) -> list[Fired]:
    """The alerts during which none of the same severity fired among the others.

    Alerts of budgets are compared with those of budgets alone, since they last for weeks.
    """
    spans: defaultdict[tuple[Severity, bool], list[Span]] = defaultdict(list)
    for other in others:
        # An alert fires at its instant, so that two that only touch are one.
        spans[other.rule.severity, other.opens].append(Span(other.at - 1, other.until(end)))
    known = {key: union(found) for key, found in spans.items()}
    return [
        a
        for a in alerts
        if not any(
            span.overlap(Span(a.at - 1, a.until(end)))
            for span in known.get((a.rule.severity, a.opens), ())
        )
    ]

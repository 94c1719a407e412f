"""Recording: what transitions of alerts make of incidents, in the transaction that keeps them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from slo.domain.alert import PAGED_KINDS
from slo.domain.incident import FLAPS, FLAPS_WITHIN
from slo.domain.incident_rules import Candidate, higher, place, title_of
from slo.incidents.burning import began_at, books_of
from slo.incidents.ending import close
from slo.incidents.evidence import declared, gather, rule_of
from slo.store import alerts, incidents, timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.alert import AlertState, Transition
    from slo.domain.incident import EventKind, Incident

_MOST_MORE = 20
"""Alerts after the first whose evidence an incident keeps."""


def record(
    session: Session, settings: Settings, transitions: Sequence[Transition], now: int
) -> None:
    """Opens, joins, reopens and resolves incidents by transitions, which are stored already.

    They come in order of time, with the states that they left already written.
    """
    if not transitions:
        return
    if any(t.kind in PAGED_KINDS for t in transitions):
        incidents.hold(session)
    desk = open_desk(session, settings, transitions, now)
    for t in transitions:
        desk.take(t)
    desk.finish()


def open_desk(
    session: Session, settings: Settings, transitions: Sequence[Transition], now: int
) -> Desk:
    """The desk with all as it was before these transitions."""
    own = {slo_id: i.id for slo_id, i in incidents.open_of(session).items()}
    states = alerts.firing(session, {*own, *(t.slo for t in transitions)})
    desk = Desk(session, settings, now, own)
    for slo_id, of_slo in states.items():
        for state in of_slo.values():
            if state.kind in PAGED_KINDS:
                desk.know(slo_id, state)
    desk.rewind(transitions)
    return desk


@dataclass
class Desk:
    """Who is in which open incident, and what fires, while transitions are taken one by one."""

    session: Session
    settings: Settings
    now: int
    own: dict[str, int]
    """The open incident of each SLO that is in one."""
    firing: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The rules that fire, by SLO; those that somebody muted hold nothing open."""
    muted: dict[tuple[str, str], int] = field(default_factory=dict)
    """Until when an alert is muted, by SLO and rule."""
    spoken: set[tuple[str, str]] = field(default_factory=set)
    """Alerts that resolved, and are muted no more."""

    paging: set[tuple[str, str]] = field(default_factory=set)
    """SLO and rule of the alerts among them that wake people."""

    def know(self, slo_id: str, state: AlertState) -> None:
        """Takes in an alert that fires."""
        if state.muted_until is not None:
            self.muted[slo_id, state.rule] = state.muted_until
        if not self._is_muted(slo_id, state.rule, self.now):
            self.firing[slo_id].add(state.rule)
            if state.severity == "page":
                self.paging.add((slo_id, state.rule))

    def rewind(self, transitions: Iterable[Transition]) -> None:
        """Goes back to what fired before these transitions."""
        for t in reversed([t for t in transitions if t.kind in PAGED_KINDS]):
            if t.change == "fires":
                self.firing[t.slo].discard(t.rule)
                self.paging.discard((t.slo, t.rule))
            else:
                self.firing[t.slo].add(t.rule)
                if t.severity == "page":
                    self.paging.add((t.slo, t.rule))

    def take(self, t: Transition) -> None:
        """Takes the next transition."""
        if t.kind not in PAGED_KINDS:
            kind: EventKind = "fired" if t.change == "fires" else "alert-resolved"
            self._tell(self.own.get(t.slo), kind, t, _said(t))
        elif t.change == "fires":
            if not self._is_muted(t.slo, t.rule, t.at):
                self.enter(t)
        else:
            self._end(t)

    def enter(self, t: Transition) -> None:
        """A firing alert goes into its SLO's incident, an old one, or a new one."""
        self.firing[t.slo].add(t.rule)
        service = t.slo.partition("/")[0]
        own = self.own.get(t.slo)
        newest = incidents.newest_of(self.session, t.slo) if own is None else None
        near = incidents.candidates(self.session, service) if own is None else ()
        where = place(t.at, None if own is None else Candidate(own, t.at), newest, near)
        if where.incident is None:
            number = self._open(t)
        else:
            incident = incidents.one(self.session, where.incident)
            if incident is None:
                raise LookupError(f"incident {where.incident} is gone")
            number = incident.id
            if where.action == "reopen":
                self._reopen(incident, t)
            else:
                self._join(incident, t)
        self.own[t.slo] = number
        if t.severity == "page":
            self.paging.add((t.slo, t.rule))
        alerts.attach(self.session, [t.id], number)
        self._mark_flapping(number, t)

    def finish(self) -> None:
        """Ends the muting of alerts that resolved and fire anew."""
        for slo_id, rule in self.spoken:
            if rule in self.firing[slo_id]:
                alerts.mute(self.session, slo_id, [rule], 0)

    def _end(self, t: Transition) -> None:
        self.firing[t.slo].discard(t.rule)
        self.paging.discard((t.slo, t.rule))
        if self.muted.pop((t.slo, t.rule), None) is not None:
            self.spoken.add((t.slo, t.rule))
        own = self.own.get(t.slo)
        began = alerts.by_id(self.session, [t.began]) if t.began is not None else {}
        former = next((a.incident for a in began.values()), None)
        number = own if former is None else former
        if number is None:
            return
        alerts.attach(self.session, [t.id], number)
        self._tell(number, "alert-resolved", t, _said(t))
        self._mark_flapping(number, t)
        if own is not None:
            self._settle(own, t)

    def _settle(self, number: int, t: Transition) -> None:
        """Resolves an incident once none of its alerts fires any more."""
        members = [slo_id for slo_id, incident in self.own.items() if incident == number]
        if any(self.firing[slo_id] for slo_id in members):
            return
        incident = incidents.one(self.session, number)
        if incident is None:
            raise LookupError(f"incident {number} is gone")
        changes = alerts.of_incident(self.session, number)
        # An SLO whose source lags may resolve last and yet at an earlier instant.
        at = max([t.at, incident.opened_at, *(c.at for c in changes if c.at <= self.now)])
        text = f"None of its alerts fires any more; the last was {t.rule} of {t.slo}: {t.reason}."
        close(self.session, self.settings, incident, at, self.now, text=text)
        for slo_id in members:
            del self.own[slo_id]

    def _open(self, t: Transition) -> int:
        started, proof = self._evidence(t)
        number = incidents.create(
            self.session,
            t.slo,
            t.at,
            proof,
            title=title_of(t),
            severity=t.severity,
            started_at=started,
            late=t.late,
        )
        self._tell(number, "opened", t, _said(t))
        return number

    def _join(self, incident: Incident, t: Transition) -> None:
        joined = incidents.join(self.session, incident.id, t.slo, t.at)
        self._tell(incident.id, "joined" if joined else "fired", t, _said(t))
        if self._is_relapse(incident, t):
            self._begin_anew(incident)
            text = f"It pages again: {t.rule} of {t.slo} fires after all pages had resolved."
            self._tell(incident.id, "reopened", t, text)
        self._raise(incident, t)
        if joined:
            self._add_evidence(incident, t)

    def _is_relapse(self, incident: Incident, t: Transition) -> bool:
        """Whether a page fires in an incident whose pages had all resolved.

        Slow tickets hold an incident open for hours; whoever was woken must hear of it anew.
        """
        if t.severity != "page" or incident.severity != "page":
            return False
        members = {slo_id for slo_id, number in self.own.items() if number == incident.id}
        return not any(slo_id in members for slo_id, _ in self.paging)

    def _begin_anew(self, incident: Incident) -> None:
        changed: dict[str, Any] = {
            "status": "open",
            "reopened": incident.reopened + 1,
            "resolved_at": None,
            "resolved_by": None,
            "acknowledged_at": None,
            "mitigated_at": None,
        }
        if not incident.flapping:
            changed["announced"] = None  # So that it pages again.
        incidents.change(self.session, incident.id, **changed)

    def _reopen(self, incident: Incident, t: Transition) -> None:
        self._begin_anew(incident)
        incidents.join(self.session, incident.id, t.slo, t.at)
        self._tell(incident.id, "reopened", t, _said(t))
        self._raise(incident, t)
        self._add_evidence(incident, t)

    def _raise(self, incident: Incident, t: Transition) -> None:
        if higher(t.severity, incident.severity):
            incidents.change(self.session, incident.id, severity=t.severity)
            text = f"Raised from {incident.severity} to {t.severity} by {t.rule} of {t.slo}."
            self._tell(incident.id, "raised", t, text)

    def _mark_flapping(self, number: int, t: Transition) -> None:
        since = t.at - FLAPS_WITHIN
        changes = incidents.count_changes(self.session, number, (t.slo, t.rule), since)
        if changes > FLAPS and incidents.begin_flapping(self.session, number):
            text = f"{t.rule} of {t.slo} changed {changes} times within an hour: it is flapping."
            self._tell(number, "flapping", t, text)

    def _evidence(self, t: Transition) -> tuple[int, dict[str, Any]]:
        """Where the burn began, and the proof of it."""
        slo = declared(self.settings, t.slo)
        book = books_of(self.session, [t.slo], t.at).get(t.slo)
        started = began_at(self.session, book, t, rule_of(slo, t.rule))
        return started, gather(self.session, slo, book, t, started)

    def _add_evidence(self, incident: Incident, t: Transition) -> None:
        started, proof = self._evidence(t)
        kept = incidents.evidence(self.session, incident.id)
        more = [*kept.get("more", ()), proof][-_MOST_MORE:]
        begin = min(started, incident.started_at)
        incidents.change(
            self.session, incident.id, started_at=begin, evidence={**kept, "more": more}
        )

    def _is_muted(self, slo_id: str, rule: str, at: int) -> bool:
        return self.muted.get((slo_id, rule), 0) > at

    def _tell(self, number: int | None, kind: EventKind, t: Transition, text: str) -> None:
        if number is not None:
            detail = {"alert": t.id, "slo": t.slo, "rule": t.rule, "numbers": dict(t.numbers)}
            if t.late:
                detail["late"] = True
            timeline.add(self.session, number, kind, text, at=t.at, now=self.now, detail=detail)


def again(t: Transition, at: int) -> Transition:
    """An alert that still fires after its muting, as if it fired `at`."""
    return replace(t, at=at, reason=f"{t.reason}; it still fires after its muting ended")


def _said(t: Transition) -> str:
    return f"{t.slo}, {t.rule}: {t.reason}"

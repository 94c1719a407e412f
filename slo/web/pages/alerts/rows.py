"""Alerts as lists show them: when, of which SLO, why, for how long, and who was told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.span import rfc3339
from slo.store import alerts, silences, standings
from slo.web import format as fmt
from slo.web.badge import Badge
from slo.web.links import parts
from slo.web.moment import moment, stamp
from slo.web.pages.alerts.told import Hearing, hearings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from markupsafe import Markup
    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.alert import AlertState, Transition
    from slo.domain.silence import Silence
    from slo.store.alerts import States
    from slo.web.alert_filter import Filter

SEVERITIES: dict[str, Badge] = {
    "page": Badge("red", "\u25b2", "page", "Somebody was to be woken."),
    "ticket": Badge("amber", "\u25b3", "ticket", "It can wait for the day."),
}
KINDS = {
    "burn": "burn rate",
    "floor": "floor of the indicator",
    "budget": "budget spent",
    "dead": "targets down",
    "gone": "targets gone",
    "blind": "source silent",
}
CSV_HEAD = (
    "id",
    "fired_at",
    "ended_at",
    "seconds",
    "slo",
    "severity",
    "rule",
    "kind",
    "why",
    "ended",
    "late",
    "incident",
    "told",
)


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert from firing to its end; all texts."""

    at: Markup
    slo: tuple[str, str]
    badge: Badge
    rule: str
    lasted: str
    fires: bool
    marks: tuple[str, ...]
    reason: str
    ended: str
    incident: int | None
    hearing: Hearing


@dataclass(frozen=True, slots=True)
class Frozen:
    """A rule that cannot decide now, and why."""

    slo: tuple[str, str]
    rule: str
    why: str


def history_rows(session: Session, fired: Sequence[Transition], now: float) -> list[AlertRow]:
    """Alerts of the past and of now, by the transitions with which they fired."""
    ends = alerts.ends_of(session, [t.id for t in fired])
    heard = hearings(session, fired, ends, now)
    return [_row(t, ends.get(t.id), (), heard[t.id], now) for t in fired]


def number_firing(states: States) -> int:
    """How many alerts fire now in all."""
    return sum(map(_fires, (state for of_slo in states.values() for state in of_slo.values())))


def firing_rows(
    session: Session, settings: Settings, states: States, wanted: Filter, now: float
) -> list[AlertRow]:
    """What fires now, pages first, then the newest; with what keeps it quiet or frozen."""
    current = {
        (slo_id, rule): state
        for slo_id, of_slo in states.items()
        for rule, state in of_slo.items()
        if _fires(state) and wanted.fits(slo_id, state)
    }
    known = alerts.by_id(session, [s.alert for s in current.values() if s.alert is not None])
    shown = [t for t in known.values() if wanted.reads(t.slo, t.rule, t.reason)]
    fired = sorted(shown, key=lambda t: (t.severity != "page", -t.at))
    heard = hearings(session, fired, {}, now)
    quiet = _quiet(session, settings, {t.slo for t in fired}, now)
    return [
        _row(t, None, _marks(current.get((t.slo, t.rule)), quiet.get(t.slo), now), heard[t.id], now)
        for t in fired
    ]


def frozen_rows(states: States, wanted: Filter) -> list[Frozen]:
    """The rules that cannot decide now, by SLO."""
    return [
        Frozen(parts(slo_id), rule, state.frozen)
        for slo_id, of_slo in sorted(states.items())
        for rule, state in sorted(of_slo.items())
        if state.frozen and wanted.fits(slo_id, state) and wanted.reads(slo_id, rule, state.frozen)
    ]


def csv_rows(
    session: Session, fired: Sequence[Transition], now: float
) -> Iterable[tuple[object, ...]]:
    """The same history as values of a file, in the order of `CSV_HEAD`."""
    ends = alerts.ends_of(session, [t.id for t in fired])
    heard = hearings(session, fired, ends, now)
    for t in fired:
        end = ends.get(t.id)
        yield (
            t.id,
            rfc3339(t.at),
            None if end is None else rfc3339(end.at),
            None if end is None else end.at - t.at,
            t.slo,
            t.severity,
            t.rule,
            t.kind,
            t.reason,
            "" if end is None else end.reason,
            "yes" if t.late else "no",
            t.incident,
            heard[t.id].text(now),
        )


def _fires(state: AlertState) -> bool:
    return state.firing and state.alert is not None


def _quiet(
    session: Session, settings: Settings, slo_ids: Collection[str], now: float
) -> Mapping[str, Silence]:
    """The silence that mutes each of these SLOs now, the last to end, where there is one."""
    active = silences.active(session, now)
    if not active:
        return {}
    labels = {slo.id: dict(slo.labels) for slo in settings.slos}
    for slo_id in slo_ids - labels.keys():
        standing = standings.one(session, slo_id)
        labels[slo_id] = {} if standing is None else dict(standing.labels)
    return {i: s for s in active for i in slo_ids if s.mutes(i, labels[i], now)}


def _marks(state: AlertState | None, silence: Silence | None, now: float) -> tuple[str, ...]:
    marks = []
    if state is not None and state.frozen:
        marks.append(f"frozen: {state.frozen}")
    if state is not None and (state.muted_until or 0) > now:
        until = stamp(state.muted_until or 0, now)
        marks.append(f"muted until {until}: its incident was resolved by hand")
    if silence is not None:
        marks.append(f"silenced until {stamp(silence.end, now)} by {silence.who}: {silence.why}")
    return tuple(marks)


def _row(
    t: Transition,
    end: Transition | None,
    marks: tuple[str, ...],
    hearing: Hearing,
    now: float,
) -> AlertRow:
    late = ("late: found while catching up",) if t.late else ()
    return AlertRow(
        at=moment(t.at, now),
        slo=parts(t.slo),
        badge=SEVERITIES[t.severity],
        rule=t.rule,
        lasted=fmt.span((now if end is None else end.at) - t.at),
        fires=end is None,
        marks=late + marks,
        reason=t.reason,
        ended="" if end is None else end.reason,
        incident=t.incident,
        hearing=hearing,
    )

"""Publishing: the standings that a cycle leaves for lists, pages, /metrics and gates to read."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from slo import alerting, standings
from slo.alerting import Booked
from slo.domain.indicator import FirstOf
from slo.domain.lookup import Subject
from slo.domain.meter import Meter
from slo.domain.standing import FAULT, FROZEN, Note
from slo.store import alerts as alerts_store
from slo.store import incidents as incident_store
from slo.store import notes, slos
from slo.store import standings as stored
from slo.store.engine import reading, writing
from slo.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.context import Context
    from slo.declaring import Counted
    from slo.domain.alert import AlertState
    from slo.domain.booking import Booking
    from slo.domain.standing import Standing, StandingAlert
    from slo.prometheus.job import Fault

_log = logging.getLogger(__name__)
_OVERDUE = "nothing new could be booked"


def stand(session: Session, context: Context, counted: Sequence[Counted], now: float) -> None:
    """Write the standings of these SLOs as of their meters' last readings; decides no alerts."""
    computed = standings.compute(session, _subjects(session, context, counted, now))
    _put(session, computed, _undecided(session, [s for s, _ in computed]))


def stand_booked(
    session: Session,
    context: Context,
    counted: Sequence[Counted],
    found: Sequence[Booking],
    now: float,
) -> None:
    """Decide alerts over what was just booked, and write the SLOs' standings with them.

    Then tell receivers what fires and what is over, in the same transaction.
    """
    subjects = _subjects(session, context, counted, now)
    computed = {s.slo: (s, memo) for s, memo in standings.compute(session, subjects)}
    bookings = {b.meter: b for b in found}
    booked = [
        Booked(s.slo, s.meter, bookings[s.meter.id], s.lag, computed[s.slo.id][0])
        for s in subjects
        if s.meter.id in bookings
    ]
    states = alerting.decide_alerts(session, context.settings, booked, int(now))
    _put(session, list(computed.values()), states)
    alerting.tell(session, context.settings, booked, int(now))


def _subjects(
    session: Session, context: Context, counted: Sequence[Counted], now: float
) -> list[Subject]:
    meters = slos.running_meters(session)
    return [
        Subject(
            c.slo,
            c.indicator,
            meters[c.slo.id],
            int(now),
            int(context.source(c.slo.source).lag.total_seconds()),
        )
        for c in counted
        if c.slo.id in meters
    ]


def _put(
    session: Session,
    computed: Sequence[tuple[Standing, str | None]],
    states: Mapping[str, Mapping[str, AlertState]],
) -> None:
    """Write the standings with what fires, what is frozen, and the open incident."""
    incidents = incident_store.open_of(session, [s.slo for s, _ in computed])
    shown = []
    for standing, memo in computed:
        alerts = alerting.standing_alerts(states.get(standing.slo, {}))
        incident = incidents.get(standing.slo)
        shown.append(
            (
                replace(
                    standing,
                    alerts=alerts,
                    incident=None if incident is None else incident.id,
                    notes=(*standing.notes, *_frozen_notes(alerts)),
                ),
                memo,
            )
        )
    stored.put(session, shown)


def _undecided(session: Session, found: Sequence[Standing]) -> dict[str, dict[str, AlertState]]:
    """The states of SLOs of which nothing was booked now: what fires goes on, and stands still.

    Between two buckets nothing is due; only what is overdue is frozen.
    """
    overdue = {s.slo for s in found if s.data != "fresh"}
    states = alerts_store.states(session, [s.slo for s in found])
    return {
        slo_id: {
            # The rule for silence is decided by the source's own, without a booking.
            rule: replace(state, frozen=state.frozen or _OVERDUE)
            if slo_id in overdue and state.kind != "blind"
            else state
            for rule, state in of_slo.items()
        }
        for slo_id, of_slo in states.items()
    }


def _frozen_notes(alerts: Sequence[StandingAlert]) -> list[Note]:
    """One note for each reason why rules cannot decide."""
    rules: dict[str, list[str]] = defaultdict(list)
    for alert in alerts:
        if alert.frozen:
            rules[alert.frozen].append(alert.rule)
    return [
        Note(FROZEN, f"{', '.join(sorted(names))} cannot decide: {why}.")
        for why, names in sorted(rules.items())
    ]


def stand_still(
    context: Context, counted: Sequence[Counted], faults: Mapping[str, Fault], now: float
) -> None:
    """Write the standings of SLOs that were not booked: their data grow old, and why is noted.

    One that cannot be computed is found by halves, so that it stops no other.
    """
    if not counted:
        return
    try:
        _stand_together(context, counted, faults, now)
    except StoreError:
        raise
    except Exception:  # noqa: BLE001 -- logged with its trace once it is found.
        if len(counted) == 1:
            _log.exception("the standing of %s failed", counted[0].slo.id)
            return
        middle = len(counted) // 2
        for half in (counted[:middle], counted[middle:]):
            stand_still(context, half, faults, now)


def _stand_together(
    context: Context, counted: Sequence[Counted], faults: Mapping[str, Fault], now: float
) -> None:
    told = {
        c.meter.id: (int(now), (Note(FAULT, fault.message),))
        for c in counted
        if (fault := faults.get(c.slo.id) or faults.get(f"source {c.slo.source}")) is not None
    }
    with writing(context.engine) as session:
        notes.clear_all(session, [c.meter.id for c in counted], FAULT)
        notes.add(session, told)
        stand(session, context, counted, now)


def stand_unmetered(context: Context, faults: Mapping[str, Fault], now: float) -> None:
    """Write empty standings for SLOs that have no meter, so that pages tell why."""
    standing = []
    for slo in context.settings.slos:
        if slo.id not in faults:
            continue
        indicator = slo.indicator
        if isinstance(indicator, FirstOf):
            indicator = indicator.alternatives[0]
        subject = Subject(slo, indicator, Meter(0, slo.id, "", slo.bucket, ""), int(now))
        with reading(context.engine) as session:
            (empty, _), *_ = standings.compute(session, [subject])
        note = Note(FAULT, faults[slo.id].message, first=int(now), last=int(now))
        standing.append((replace(empty, notes=(note,)), None))
    if standing:
        with writing(context.engine) as session:
            stored.put(session, standing)

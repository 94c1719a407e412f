"""Past standings: the numbers of SLOs as of a past time, from what the store holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo import standings
from slo.domain.lookup import Subject
from slo.domain.meter import indicator_from_json
from slo.store import slos

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.meter import Meter
    from slo.domain.slo import SLO
    from slo.domain.standing import Standing


def standings_at(
    session: Session, settings: Settings, chosen: Collection[str], at: int, now: int
) -> list[Standing]:
    """The standings as of `at` of those SLOs that are declared and whose ledger holds it."""
    running = slos.running_meters(session)
    wanted = set(chosen)
    subjects = []
    for slo in settings.slos:
        meter = running.get(slo.id)
        if slo.id in wanted and meter is not None:
            subject = subject_at(session, settings, slo, meter, at, now)
            begun = subject.meter.booked_from
            if begun is not None and begun < at:
                subjects.append(subject)
    found = standings.compute(session, subjects, {s.slo.id: at for s in subjects})
    return [standing for standing, _ in found]


def subject_at(
    session: Session, settings: Settings, slo: SLO, running: Meter, at: int | None, now: int
) -> Subject:
    """The SLO and the meter that held `at`: no window mixes two, and the old ones stay readable."""
    meter = running
    if at is not None and (meter.booked_from is None or at <= meter.booked_from):
        older = [
            m
            for m in slos.meters_of(session, slo.id)
            if m.id != meter.id and m.booked_from is not None and m.booked_from < at
        ]
        meter = older[-1] if older else meter
    lag = next(int(s.lag.total_seconds()) for s in settings.sources if s.name == slo.source)
    return Subject(slo, indicator_from_json(meter.indicator), meter, now, lag)

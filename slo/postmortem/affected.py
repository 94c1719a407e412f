"""What the store knows of the SLOs of an incident: promise, indicator, contributors, burn."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from slo.domain.burn import burn_rate
from slo.domain.ledger import difference
from slo.domain.meter import indicator_from_json
from slo.domain.span import Span
from slo.store import contributors, readings, slos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from slo.domain.incident import Incident, IncidentSLO
    from slo.domain.indicator import Indicator
    from slo.domain.ledger import Contribution, Reading
    from slo.domain.meter import Meter
    from slo.store.slos import Revision

_log = logging.getLogger(__name__)

CONTRIBUTORS = 10
"""Label sets told per SLO."""
_QUIET = 900
"""Seconds shown before and after an incident, at least."""


@dataclass(frozen=True, slots=True)
class Burn:
    """One SLO's burn rate at the ends of stretches; None where there were no events."""

    slo: str
    points: tuple[tuple[int, float | None], ...]
    """In order: the end of each stretch in epoch seconds, and the burn rate over it."""
    start: int
    """Where the first stretch begins."""


@dataclass(frozen=True, slots=True)
class Affected:
    """What the store knows of one SLO of an incident."""

    slo: IncidentSLO
    revision: Revision | None
    indicator: Indicator | None
    bucket: int
    worst: tuple[Contribution, ...]
    burn: Burn | None


def shown_span(incident: Incident, now: int) -> Span:
    """The time of an incident with a quarter of it before and after, as far as time has come."""
    end = incident.resolved_at or now
    margin = max(_QUIET, (end - incident.started_at) // 4)
    return Span(incident.started_at - margin, min(end + margin, max(now, end)))


def affected(session: Session, incident: Incident, now: int) -> list[Affected]:
    """What the store knows of the incident's SLOs, those that lost most of their budget first."""
    ordered = sorted(incident.slos, key=lambda s: (-(s.budget_share or 0.0), -s.bad, s.slo))
    promised = slos.revision_at(session, [s.slo for s in ordered], incident.opened_at)
    return [_known(session, incident, s, promised.get(s.slo), now) for s in ordered]


def _known(
    session: Session, incident: Incident, slo: IncidentSLO, promised: Revision | None, now: int
) -> Affected:
    """What the ledger tells; what it tells wrongly is left out, and stops no incident."""
    try:
        return _affected(session, incident, slo, promised, now)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        _log.exception("the ledger of %s cannot be told in a postmortem", slo.slo)
        return Affected(slo, promised, None, 60, (), None)


def _affected(
    session: Session, incident: Incident, slo: IncidentSLO, promised: Revision | None, now: int
) -> Affected:
    meter = meter_at(slos.meters_of(session, slo.slo), incident.opened_at)
    if meter is None:
        return Affected(slo, promised, None, 60, (), None)
    end = incident.resolved_at or now
    shown = shown_span(incident, now)
    before = readings.readings_at(session, [(meter.id, shown.start)]).values()
    booked = [*before, *readings.between(session, meter.id, shown.start, shown.end)]
    return Affected(
        slo,
        promised,
        indicator_from_json(meter.indicator),
        meter.bucket,
        tuple(contributors.top(session, meter.id, incident.started_at, end, CONTRIBUTORS)),
        None if promised is None else _burn(slo.slo, booked, promised),
    )


def meter_at(known: Sequence[Meter], at: int) -> Meter | None:
    """The meter whose ledger holds the instant, else the newest one."""
    holding = [
        m
        for m in known
        if m.booked_from is not None and m.booked_to is not None
        if m.booked_from <= at <= m.booked_to
    ]
    return next(iter([*holding[::-1], *known[::-1]]), None)


def _burn(slo: str, booked: Sequence[Reading], promised: Revision) -> Burn | None:
    if len(booked) < 2:  # noqa: PLR2004 -- a stretch has two ends.
        return None
    points = tuple(
        (b.end, burn_rate(difference(a, b), promised.objective)) for a, b in pairwise(booked)
    )
    return Burn(slo, points, booked[0].end)

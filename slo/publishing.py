"""Publishing: the standings that a cycle leaves for lists, pages, /metrics and gates to read."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from slo import standings
from slo.domain.indicator import FirstOf
from slo.domain.lookup import Subject
from slo.domain.meter import Meter
from slo.domain.standing import FAULT, Note
from slo.store import notes, slos
from slo.store import standings as stored
from slo.store.engine import reading, writing
from slo.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.context import Context
    from slo.declaring import Counted
    from slo.prometheus.job import Fault

_log = logging.getLogger(__name__)


def stand(session: Session, context: Context, counted: Sequence[Counted], now: float) -> None:
    """Write the standings of these SLOs as of their meters' last readings."""
    meters = slos.running_meters(session)
    subjects = [
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
    stored.put(session, standings.compute(session, subjects))


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
    except Exception:  # noqa: BLE001 - logged with its trace once it is found.
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

"""Declaring: what slo.yaml says becomes SLOs, meters and revisions in the store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from slo.alerting import close_absent
from slo.domain.indicator import FirstOf
from slo.domain.meter import fingerprint, indicator_from_json
from slo.prometheus.errors import SourceError
from slo.prometheus.job import Fault
from slo.prometheus.resolve import Resolved, is_settled, resolve
from slo.store import slos, standings
from slo.store.engine import reading, writing
from slo.store.renames import RenameError
from slo.store.slos import Declared

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.context import Context
    from slo.domain.indicator import Indicator
    from slo.domain.meter import Meter
    from slo.domain.slo import SLO


_fingerprint = lru_cache(maxsize=100_000)(fingerprint)
"""An SLO is the same value in every cycle, and its fingerprint takes longer than finding it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """An SLO with its indicator resolved and the meter that counts it."""

    slo: SLO
    indicator: Indicator
    meter: Meter


@dataclass(frozen=True, slots=True)
class Declaration:
    """All SLOs that can be counted, and why the others cannot, by id."""

    counted: tuple[Counted, ...]
    faults: Mapping[str, Fault]


def declare(context: Context, now: int) -> Declaration:
    """Bring the store's SLOs, meters and revisions in line with the settings.

    Asks sources only for indicators that leave something open and have no meter yet.
    """
    declared: list[Declared] = []
    faults: dict[str, Fault] = {}
    with reading(context.engine) as session:
        known = {
            slo.id: {m.fingerprint: m.indicator for m in _meters_of(session, slo)}
            for slo in context.settings.slos
            if not is_settled(slo.indicator)
        }
    down: dict[str, Fault] = {}
    for slo in context.settings.slos:
        found = _resolved(context, slo, known.get(slo.id, {}), now, down)
        if isinstance(found, Fault):
            faults[slo.id] = found
        else:
            declared.append(found)
    while True:
        try:
            meters = _write(context, declared, faults, now)
            break
        except RenameError as error:
            # One SLO's wrong `was` must not stop the others.
            faults[error.slo] = Fault("rename", str(error))
            declared = [d for d in declared if d.slo.id != error.slo]
    counted = tuple(Counted(d.slo, d.indicator, meters[d.slo.id]) for d in declared)
    return Declaration(counted, faults)


def _write(
    context: Context, declared: Sequence[Declared], faults: Mapping[str, Fault], now: int
) -> dict[str, Meter]:
    """The meters that run; SLOs that are gone are paused, those that wait are known."""
    every = context.settings.slos
    # One that is to take over an older ledger (`was`) must not get a row of its own first, and
    # that ledger is not gone while it waits.
    waiting = [s for s in every if s.id in faults]
    kept = [s.id for s in every] + [s.was for s in waiting if s.was is not None]
    with writing(context.engine) as session:
        meters = slos.declare(session, declared, now)
        slos.know(session, [s for s in waiting if s.was is None], now)
        paused = slos.pause_absent(session, kept, now)
        close_absent(session, context.settings, paused, now)
        _show_paused(session, paused)
    return meters


def _show_paused(session: Session, slo_ids: Collection[str]) -> None:
    """No cycle writes the standings of SLOs that are gone, so what they show is told here."""
    found = (standings.one(session, slo_id) for slo_id in slo_ids)
    paused = [
        (replace(s, paused=True, data="none", alerts=(), incident=None), None)
        for s in found
        if s is not None
    ]
    standings.put(session, paused)


def _meters_of(session: Session, slo: SLO) -> list[Meter]:
    """The SLO's meters; before it is renamed they are under its former id."""
    return slos.meters_of(session, slo.id) or slos.meters_of(session, slo.was or slo.id)


def _resolved(
    context: Context, slo: SLO, known: Mapping[str, str], now: int, down: dict[str, Fault]
) -> Declared | Fault:
    """What an SLO counts; `down` keeps why a source failed, so that it is asked only once."""
    identity = _fingerprint(slo)
    if identity in known:
        # What it came to when its meter began stays: a meter counts one thing.
        indicator = indicator_from_json(known[identity])
        return Declared(_with_objective(slo, indicator), indicator, identity)
    if is_settled(slo.indicator) and not isinstance(slo.indicator, FirstOf):
        return Declared(slo, slo.indicator, identity)
    if slo.source in down:
        return down[slo.source]
    try:
        resolved = resolve(context.clients[slo.source], slo, now)
    except SourceError as error:
        fault = Fault(error.kind, str(error))
        if error.fails_over:
            down[slo.source] = fault
        return fault
    if not isinstance(resolved, Resolved):
        return resolved
    return Declared(_with_objective(slo, resolved.indicator), resolved.indicator, identity)


def _with_objective(slo: SLO, indicator: Indicator) -> SLO:
    """The SLO with the objective that its chosen alternative brings along."""
    if not isinstance(slo.indicator, FirstOf):
        return slo
    first = slo.indicator
    for alternative, objective in zip(first.alternatives, first.objectives, strict=True):
        if alternative == indicator and objective is not None:
            return replace(slo, objective=objective, policy=None)
    return slo


def running(context: Context) -> list[Counted]:
    """The SLOs of the settings that cycles count already; it writes nothing.

    Work beside the cycles asks for these: only a cycle declares, so settings that
    were replaced meanwhile never come back.
    """
    with reading(context.engine) as session:
        meters = slos.running_meters(session)
    found = []
    for slo in context.settings.slos:
        meter = meters.get(slo.id)
        if meter is None or meter.fingerprint != _fingerprint(slo):
            continue
        indicator = slo.indicator
        if isinstance(indicator, FirstOf) or not is_settled(indicator):
            indicator = indicator_from_json(meter.indicator)
        found.append(Counted(_with_objective(slo, indicator), indicator, meter))
    return found

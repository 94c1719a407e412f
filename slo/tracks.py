"""Tracks in bulk: the ledgers of many SLOs as far as their alert rules look back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.decision import windows_of
from slo.domain.exclusion import instants_needed, snapped
from slo.domain.span import Span
from slo.domain.track import Track
from slo.store import exclusions, readings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.ledger import Exclusion, Reading
    from slo.domain.meter import Meter
    from slo.domain.policy import Policy


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A meter whose policy decides at the `ends` of buckets within `span`."""

    meter: Meter
    policy: Policy
    span: Span
    ends: tuple[int, ...]

    @property
    def begun(self) -> int:
        """Where its ledger begins."""
        return self.span.start if self.meter.booked_from is None else self.meter.booked_from


def tracks_of(session: Session, looked_at: Sequence[LookedAt]) -> dict[str, Track]:
    """The ledger by SLO id, as far as its rules look back, from two bulk reads."""
    every = exclusions.of(session)
    needed: dict[str, tuple[set[int], list[Exclusion]]] = {}
    since: dict[int, int] = {}
    for one in looked_at:
        windows = {w for rule in one.policy.rules for w in windows_of(rule)}
        windows |= {0, one.meter.bucket}
        wide = Span(one.span.start - max(windows), one.span.end)
        slo = one.meter.slo
        applying = [e for e in every if e.covers(slo) and e.span.overlap(wide)]
        instants = {end - w for end in one.ends for w in windows}
        if applying:
            instants.update(instants_needed(wide, applying, one.meter.bucket))
        needed[slo] = {max(t, one.begun) for t in instants}, applying
        since[one.meter.id] = wide.start
    found = readings.readings_at(session, {o.meter.id: needed[o.meter.slo][0] for o in looked_at})
    carried = readings.carried_since(session, since)
    return {
        o.meter.slo: _track(o, *needed[o.meter.slo], found, carried.get(o.meter.id, ()))
        for o in looked_at
    }


def _track(
    one: LookedAt,
    instants: Collection[int],
    applying: Sequence[Exclusion],
    found: Mapping[tuple[int, int], Reading],
    carried: Sequence[tuple[int, int]],
) -> Track:
    begun = one.begun
    known = {t: found.get((one.meter.id, t)) for t in instants}
    known |= {r.end: r for r in known.values() if r is not None}

    def reading_at(instant: int) -> Reading | None:
        return known[max(instant, begun)]

    excluded = snapped(applying, reading_at, one.meter.bucket) if applying else ()
    return Track(one.meter.bucket, begun, reading_at, excluded, carried)

"""Meters: what an SLO counts, and how far it has been counted."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slo.domain.indicator import Indicator
    from slo.domain.slo import SLO


@dataclass(frozen=True, slots=True)
class Edge:
    """The last sample of a series that was booked, and what the next step needs to know.

    Times are epoch milliseconds. `seen` is the value of that sample; `held` is the
    highest value that was counted, above `seen` only while replicas disagree.
    """

    read: int
    """Which of the meter's reads the series belongs to."""
    series: str
    """Its labels as canonical JSON; `le` is written as a number."""
    at: int
    seen: float
    held: float
    roles: int
    """Bits of `counter.Role`: what the series counts towards."""
    start: int | None = None
    """The counter's start, if known."""
    intervals: tuple[int, ...] = ()
    """The last up to three distances between samples."""
    rises: tuple[float, ...] = ()
    """The last up to two steps."""
    gone: bool = False
    """The target left its source, which no longer expects samples of it."""


@dataclass(frozen=True, slots=True)
class Meter:
    """One meter of an SLO and the stretch of its ledger, in epoch seconds."""

    id: int
    slo: str
    fingerprint: str
    bucket: int
    indicator: str
    """Canonical JSON of the indicator that it counts."""
    watch_from: int | None = None
    """Where our watch over its series begins; None: nothing is booked yet."""
    booked_from: int | None = None
    booked_to: int | None = None
    backfill_to: int | None = None
    """How far back the ledger is to reach; None: no backfill is wanted."""


def canonical(value: Any) -> Any:
    """A JSON value of frozen dataclasses that is equal just when they are equal."""
    match value:
        case timedelta():
            return f"{value / timedelta(microseconds=1):.0f}us"
        case Decimal():
            return format(value.normalize(), "f")
        case tuple() | list():
            return [canonical(v) for v in value]
        case _ if dataclasses.is_dataclass(value):
            return {f.name: canonical(getattr(value, f.name)) for f in dataclasses.fields(value)}
        case _:
            return value


def indicator_json(indicator: Indicator) -> str:
    """The indicator as canonical JSON, as it is kept with its meter."""
    return json.dumps(canonical(indicator), sort_keys=True, ensure_ascii=False)


def fingerprint(slo: SLO, indicator: Indicator) -> str:
    """What identifies a meter: indicator, source, bucket and the rules that change its counts."""
    counted = [indicator_json(indicator), slo.source, slo.bucket, slo.births, slo.ignore_labels]
    return hashlib.sha256(json.dumps(counted).encode()).hexdigest()[:32]

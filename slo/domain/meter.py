"""Meters: what an SLO counts, and how far it has been counted."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from slo.domain.indicator import Events, Freshness, Latency, Mean, Query, Slices
from slo.domain.selector import Matcher, Selector

if TYPE_CHECKING:
    from collections.abc import Callable

    from slo.domain.indicator import FirstOf, Indicator
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


def indicator_json(indicator: Indicator | FirstOf) -> str:
    """The indicator as canonical JSON, as it is kept with its meter."""
    return json.dumps(canonical(indicator), sort_keys=True, ensure_ascii=False)


def fingerprint(slo: SLO) -> str:
    """What identifies a meter: what is declared to be counted, and the rules that change counts.

    The indicator goes in as declared: what a first-of or a rounded threshold came
    to is kept with the meter.
    """
    counted: list[Any] = [
        indicator_json(slo.indicator),
        slo.source,
        slo.bucket,
        slo.births,
        slo.ignore_labels,
    ]
    if slo.no_data == "bad":  # Only then: meters that began before there was a choice go on.
        counted.append("no_data: bad")
    return hashlib.sha256(json.dumps(counted).encode()).hexdigest()[:32]


def indicator_from_json(text: str) -> Indicator:
    """The indicator that `indicator_json` wrote."""
    raw = json.loads(text)
    kind = _KINDS[raw.pop("kind")]
    return kind(**{name: _READ.get(name, _same)(value) for name, value in raw.items()})


def _selector(raw: Any) -> Selector | str | None:
    """A selector where one was written; expressions are plain text."""
    if not isinstance(raw, dict):
        text: str | None = raw
        return text
    matchers = tuple(Matcher(m["label"], m["op"], m["value"]) for m in raw["matchers"])
    return Selector(raw["name"], matchers)


def _duration(raw: str) -> timedelta:
    return timedelta(microseconds=int(raw.removesuffix("us")))


def _decimal(raw: str | None) -> Decimal | None:
    return None if raw is None else Decimal(raw)


def _same(raw: Any) -> Any:
    return raw


_KINDS: dict[str, Callable[..., Indicator]] = {
    "events": Events,
    "latency": Latency,
    "mean": Mean,
    "slices": Slices,
    "freshness": Freshness,
    "query": Query,
}
_READ: dict[str, Callable[[Any], Any]] = {
    "total": _selector,
    "good": _selector,
    "bad": _selector,
    "histogram": _selector,
    "summary": _selector,
    "threshold": _duration,
    "max_age": _duration,
    "bound": _decimal,
    "at_least": _decimal,
    "at_most": _decimal,
}

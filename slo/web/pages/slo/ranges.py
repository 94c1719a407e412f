"""Ranges of time that an SLO's page can show: by name, or from one instant to another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.instant import InstantError, parse_instant
from slo.domain.span import Span, bucket_end, bucket_floor, utc
from slo.web import format as fmt
from slo.web.windows import short, window_name, window_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slo.domain.meter import Meter
    from slo.domain.standing import Standing

WINDOW, CUSTOM = "window", "custom"
_HOUR, _DAY = 3600, 86_400
NAMED = {
    "1h": _HOUR,
    "6h": 6 * _HOUR,
    "1d": _DAY,
    "7d": 7 * _DAY,
    "30d": 30 * _DAY,
    "90d": 90 * _DAY,
    "1y": 365 * _DAY,
}
_MONTH = range(25 * _DAY, 32 * _DAY)
"""Lengths of windows beside which 30 days would say the same again."""
_LITTLE = 4
"""A ledger shorter than one in so many parts of the window would be a sliver of its charts."""
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?")


@dataclass(frozen=True, slots=True)
class Tab:
    """One range that the page can show."""

    key: str
    label: str
    current: bool


@dataclass(frozen=True, slots=True)
class Range:
    """What the page shows: a range by name, or `custom`; `fault` says why another is not."""

    key: str
    shown: Span
    fault: str = ""

    @property
    def start(self) -> str:
        """The beginning as a field for date and time has it, in UTC."""
        return _local(self.shown.start)

    @property
    def end(self) -> str:
        """The end, likewise."""
        return _local(self.shown.end)

    def beside(self) -> list[tuple[str, Span]]:
        """Ranges next to this one: earlier, later, and twice as long."""
        half = max(1, self.shown.seconds // 2)
        moved = Span(self.shown.start - half, self.shown.end - half)
        ahead = Span(self.shown.start + half, self.shown.end + half)
        wide = Span(self.shown.start - half, self.shown.end + half)
        return [("earlier", moved), ("later", ahead), ("zoom out", wide)]


def range_of(standing: Standing, meter: Meter | None, asked: Mapping[str, str]) -> Range:
    """The range that `range`, or `from` and `to`, ask for; the window where they make no sense."""
    bucket = 60 if meter is None else meter.bucket
    if asked.get("from", "").strip() or asked.get("to", "").strip():
        try:
            return Range(CUSTOM, _custom(standing, meter, asked, bucket))
        except InstantError as error:
            return Range(WINDOW, standing.window, str(error))
    key = asked.get("range") or _usual(standing, meter)
    seconds = NAMED.get(key)
    if seconds is None or _is_window(standing, seconds):
        return Range(WINDOW, standing.window)
    return Range(key, _clipped(standing, meter, Span(standing.at - seconds, standing.at)))


def tabs(standing: Standing, key: str) -> list[Tab]:
    """The ranges from short to long, the SLO's own window among them."""
    length = standing.window.seconds
    if standing.window_kind == "calendar":
        length = window_of(standing).period_at(standing.at).seconds
    own = Tab(WINDOW, window_name(standing), key == WINDOW)
    found = [
        (seconds, Tab(name, short(name), key == name))
        for name, seconds in NAMED.items()
        if key == name or (seconds != length and not (name == "30d" and length in _MONTH))
    ]
    return [tab for _, tab in sorted([*found, (length, own)], key=lambda pair: pair[0])]


def _is_window(standing: Standing, seconds: int) -> bool:
    """Whether so long a range is the window itself; a calendar's begins where it begins."""
    return standing.window_kind == "rolling" and standing.window.seconds == seconds


def _usual(standing: Standing, meter: Meter | None) -> str:
    """The window; while the ledger holds little of it the shortest range that shows all of that."""
    window = standing.window.seconds
    begun = None if meter is None else meter.booked_from
    if begun is None or (standing.at - begun) * _LITTLE >= window:
        return WINDOW
    fitting = (key for key, seconds in NAMED.items() if standing.at - begun <= seconds < window)
    return next(fitting, WINDOW)


def parse_field(text: str) -> int:
    """The instant that a field for date and time holds, in UTC; or any other way to write one."""
    word = text.strip()
    return parse_instant(f"{word}Z" if _LOCAL.fullmatch(word) else word)


def _custom(standing: Standing, meter: Meter | None, asked: Mapping[str, str], bucket: int) -> Span:
    first, last = asked.get("from", "").strip(), asked.get("to", "").strip()
    end = parse_field(last) if last else standing.at
    start = parse_field(first) if first else min(end, standing.at) - standing.window.seconds
    if start >= end:
        told = f"{fmt.stamp(start)} is not before {fmt.stamp(end)} UTC"
        raise InstantError(f"{told}; choose a beginning before the end")
    if start >= standing.at:
        told = f"Nothing is booked after {fmt.stamp(standing.at)} UTC yet"
        raise InstantError(f"{told}; choose an earlier beginning")
    wanted = Span(bucket_floor(start, bucket), min(bucket_end(end, bucket), standing.at))
    begun = None if meter is None else meter.booked_from
    if begun is not None and wanted.end <= begun:
        told = f"The ledger begins at {fmt.stamp(begun)} {utc(begun).year} UTC"
        raise InstantError(f"{told}; choose a later end")
    return wanted if begun is None else Span(max(wanted.start, begun), wanted.end)


def _clipped(standing: Standing, meter: Meter | None, span: Span) -> Span:
    """Without the empty months before the ledger began, where more than the window is asked for."""
    whole = standing.window
    begun = None if meter is None else meter.booked_from
    if begun is None or span.start >= whole.start:
        return span
    return Span(min(max(span.start, begun), whole.start), span.end)


def _local(at: int) -> str:
    return utc(at).strftime("%Y-%m-%dT%H:%M")

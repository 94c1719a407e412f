"""Durations as people write them in slo.yaml and PromQL: `30d`, `200ms`, `1h30m`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
    "us": timedelta(microseconds=1),
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|us|w|d|h|m|s)")
_MICRO = ("\N{MICRO SIGN}s", "\N{GREEK SMALL LETTER MU}s")
_LONGEST = timedelta(days=36500)
"""A hundred years, so that no instant reckoned with it leaves the calendar."""


class DurationError(ValueError):
    """The text is no duration; the message says what one looks like."""


def parse_duration(text: str) -> timedelta:
    """The duration that `text` names, such as `30d`, `200ms` or `1h30m`; above zero."""
    compact = text.strip().replace(" ", "")
    for micro in _MICRO:
        compact = compact.replace(micro, "us")
    parts = _PART.findall(compact)
    if not parts or "".join(n + u for n, u in parts) != compact:
        raise DurationError(f"{text!r} is not a duration; write for example 30d, 5m, 10s or 200ms")
    try:
        total = sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta())
    except OverflowError:
        total = timedelta.max
    if total > _LONGEST:
        raise DurationError(f"{text[:40]!r} is too long; a duration is at most 100 years (36500d)")
    if total <= timedelta():
        raise DurationError(f"{text!r} must be longer than zero")
    return total


def format_duration(duration: timedelta) -> str:
    """The shortest text that `parse_duration` reads back as `duration`, largest unit first."""
    rest = round(duration / timedelta(microseconds=1))
    if rest <= 0:
        return "0s"
    parts = []
    for unit, size in _UNITS.items():
        if unit == "w":  # 28d reads better than 4w, and windows are spoken of in days.
            continue
        count, rest = divmod(rest, round(size / timedelta(microseconds=1)))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)

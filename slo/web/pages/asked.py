"""What an address asks a list for: words, one of several, a range of time, a page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from slo.domain.instant import InstantError, parse_ago
from slo.domain.span import utc
from slo.sent import LARGEST_ID

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_DAY = 86_400
_LONGEST = 200
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
ANY_TIME = "all"
PRESETS: dict[str, tuple[str, int | None]] = {
    "1d": ("last day", _DAY),
    "7d": ("last 7 days", 7 * _DAY),
    "30d": ("last 30 days", 30 * _DAY),
    "90d": ("last 90 days", 90 * _DAY),
    "1y": ("last year", 365 * _DAY),
    ANY_TIME: ("any time", None),
}


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From when until when, in epoch seconds; None where nothing bounds it.

    `key` is a preset, which `start` overrides; `start` and `end` are as fields of a form
    show them. What cannot be read bounds nothing, and `error` says so.
    """

    key: str
    since: int | None
    until: int | None
    start: str = ""
    end: str = ""
    error: str = ""

    @property
    def own(self) -> bool:
        """Whether times of one's own are asked for, not only a preset."""
        return bool(self.start or self.end)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked for: the values by name, empty where nothing is said."""

    values: Mapping[str, str]
    time: TimeRange
    before: int | None = None
    """The id with which the former page ended."""
    default: str = field(default="7d", compare=False)

    def get(self, name: str) -> str | None:
        """A value, None where nothing is said."""
        return self.values[name] or None

    @property
    def narrowed(self) -> bool:
        """Whether anything but the usual is asked for."""
        return any(self.values.values()) or self.time.own or self.time.key != self.default

    def query(self, before: int | None = None) -> str:
        """The same as the query of an address; `before` asks for the page that follows."""
        pairs = {name: value for name, value in self.values.items() if value}
        if self.time.key != self.default:
            pairs["range"] = self.time.key
        pairs |= {n: v for n, v in (("from", self.time.start), ("to", self.time.end)) if v}
        if before is not None:
            pairs["before"] = str(before)
        return urlencode(pairs)


def asked(
    args: Mapping[str, str],
    names: Collection[str],
    now: float,
    *,
    choices: Mapping[str, Collection[str]] | None = None,
    default: str = "7d",
) -> Asked:
    """What `args` ask for of these `names`; a value that is none of its `choices` is left out."""
    known = choices or {}
    values = {name: args.get(name, "").strip()[:_LONGEST] for name in names}
    for name, allowed in known.items():
        if values[name] not in allowed:
            values[name] = ""
    return Asked(values, time_range(args, int(now), default), _number(args.get("before")), default)


def time_range(args: Mapping[str, str], now: int, default: str = "7d") -> TimeRange:
    """The range that `range` (a preset) or `from`, and `to`, ask for."""
    key = args.get("range", default)
    key = key if key in PRESETS else default
    seconds = PRESETS[key][1]
    since = None if seconds is None else now - seconds
    texts = {name: args.get(name, "").strip()[:_LONGEST] for name in ("from", "to")}
    found: dict[str, int] = {}
    errors = []
    for name, text in texts.items():
        try:
            if text:
                found[name] = _instant(text, now)
        except InstantError as error:
            errors.append(f"{name}: {error}")
    start, end = found.get("from", since), found.get("to")
    if start is not None and end is not None and start >= end and not errors:
        errors.append("to: lies before the beginning; nothing can be shown")
    shown = {name: _local(found[name]) if name in found else text for name, text in texts.items()}
    return TimeRange(key, start, end, shown["from"], shown["to"], "; ".join(errors))


def _instant(text: str, now: int) -> int:
    """The instant of a text; what a field for a local time gives is in UTC here."""
    return parse_ago(f"{text}Z" if _LOCAL.fullmatch(text) else text, now)


def _local(at: int) -> str:
    """The instant as a field for a local time wants it."""
    moment = utc(at)
    return moment.strftime("%Y-%m-%dT%H:%M:%S" if moment.second else "%Y-%m-%dT%H:%M")


def _number(text: str | None) -> int | None:
    """The id of a row; None for what no row has."""
    if text is None or not (text.isascii() and text.isdecimal() and len(text) < 20):  # noqa: PLR2004 -- more digits than any id.
        return None
    number = int(text)
    return number if 0 < number < LARGEST_ID else None

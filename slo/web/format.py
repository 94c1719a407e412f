"""Numbers and times as people read them: thousands separators, units, a dash for nothing.

Units stand behind a narrow no-break space and a minus is a real minus, so that
figures line up and never wrap.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slo.domain.digits import significant, told_apart
from slo.domain.objective import format_percent
from slo.domain.span import utc

if TYPE_CHECKING:
    from decimal import Decimal

SPACE = "\u202f"
MINUS = "\u2212"
DASH = "\u2013"
_WHOLE = 10.0
"""Shares this large are told in whole per cent: beyond 1,000 %, decimals say nothing."""
_DAY = 86_400
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"))
_SPANS = (("d", _DAY), ("h", 3600), ("min", 60))


def many(number: int, word: str) -> str:
    """`1 service`, `1,000 services`."""
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def percent(share: float | None, decimals: int = 1, limit: Decimal | None = None) -> str:
    """A share in per cent; more decimals where it would else read as its limit, 0 % or 100 %."""
    if share is None or not math.isfinite(share):
        return DASH
    exact = share * 100
    least = 0 if abs(share) >= _WHOLE else decimals
    limits = (0.0, 100.0) if limit is None else (0.0, 100.0, float(limit * 100))
    return _signed(told_apart(exact, lambda n: f"{exact:z,.{n}f}", least, *limits)) + f"{SPACE}%"


def whole_percent(share: float) -> str:
    """A share in whole per cent."""
    return percent(share, 0)


def fine_percent(share: float | None) -> str:
    """A share in per cent with two decimals."""
    return percent(share, 2)


def short_percent(share: float) -> str:
    """A share of a rule, with three digits that mean something: `2 %`, `10 %`, `0.833 %`."""
    return f"{significant(share * 100, 3)}{SPACE}%"


def sli(share: float | None, objective: Decimal) -> str:
    """An SLI in per cent, with as many decimals as tell it from its objective and from 100 %."""
    if share is None or not math.isfinite(share):
        return DASH
    exact = share * 100
    least = max(1, math.ceil(-math.log10(float(1 - objective))))
    text = told_apart(exact, lambda n: f"{exact:.{n}f}", least, float(objective * 100), 100.0)
    return ("100" if float(text) == 100 else text) + f"{SPACE}%"  # noqa: PLR2004 -- 100 %.


def objective(share: Decimal) -> str:
    """An objective in per cent, exact."""
    return format_percent(share).removesuffix("%") + f"{SPACE}%"


def count(number: float | None) -> str:
    """Events, also by the minute: whole; below 100 with three digits that mean something."""
    if number is None or not math.isfinite(number):
        return DASH
    small = abs(number) < 100  # noqa: PLR2004 -- three digits.
    return _signed(significant(number, 3) if small else f"{number:,.0f}")


def amount(number: float) -> str:
    """Events that are reckoned with and need not be whole, such as a budget: finer than counts."""
    if number == round(number):
        return count(number)
    small = abs(number) < 100  # noqa: PLR2004 -- four digits, and one decimal at least.
    return _signed(significant(number, 4) if small else f"{number:,.1f}")


def short_count(number: float) -> str:
    """A round number for an axis: `1,500`, from a million on with its unit, `150 M`."""
    size, unit = next(((s, u) for s, u in _UNITS if abs(number) >= s), (1.0, ""))
    text = _signed(f"{number / size:,.6g}")
    return f"{text}{SPACE}{unit}" if unit else text


def burn(value: float | None, limit: Decimal | None = None) -> str:
    """A burn rate, `6.2x`; more decimals where it would else read as its limit."""
    if value is None or not math.isfinite(value):
        return DASH
    least = 1 if value < 100 else 0  # noqa: PLR2004 -- three digits.
    limits = () if limit is None else (float(limit),)
    return told_apart(value, lambda n: f"{value:,.{n}f}", least, *limits) + "x"


def times(factor: Decimal) -> str:
    """The factor of a rule, exact: `14.4x`, `6x`."""
    return f"{factor.normalize():f}x"


def span(seconds: float) -> str:
    """A length of time in its largest unit: `12 s`, `26 min`, `3 h`, `12 d`."""
    for unit, size in _SPANS:
        # Two of a unit at least: "90 min" says more than "1 h".
        if seconds >= 2 * size or seconds == size:
            return f"{seconds / size:.0f}{SPACE}{unit}"
    return f"{max(0, seconds):.0f}{SPACE}s"


def clock(at: float) -> str:
    """The time of day, `20:41`, in UTC."""
    return utc(at).strftime("%H:%M")


def day(at: float) -> str:
    """The day, `7 Nov`, in UTC."""
    moment = utc(at)
    return f"{moment.day}{SPACE}{moment:%b}"


def day_of_year(at: float) -> str:
    """The day with its year, `7 Nov 2026`, in UTC."""
    return f"{day(at)} {utc(at).year}"


def stamp(at: float) -> str:
    """Day and time, `7 Nov 20:41`, in UTC."""
    return f"{day(at)} {clock(at)}"


def coming(at: float, now: float) -> str:
    """A time to come: `today 20:41`, `Thursday 14:00`, or the day when it is far."""
    moment, today = utc(at), utc(now)
    if moment.date() == today.date():
        return f"today {moment:%H:%M}"
    if at - now < 6 * _DAY:
        return f"{moment:%A %H:%M}"
    if moment.year == today.year:
        return day(at)
    return f"{day(at)} {moment.year}"


def soon(at: float, now: float) -> str:
    """A time within days, short enough for a column: `today 20:41`, `Thu 14:00`."""
    moment = utc(at)
    return f"today {moment:%H:%M}" if moment.date() == utc(now).date() else f"{moment:%a %H:%M}"


def _signed(text: str) -> str:
    return text.replace("-", MINUS)

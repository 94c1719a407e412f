"""Windows of SLOs as pages name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.domain.duration import parse_duration
from slo.domain.window import CALENDAR_UNITS, CalendarWindow, RollingWindow
from slo.web import format as fmt

if TYPE_CHECKING:
    from slo.domain.standing import Standing
    from slo.domain.window import Window


def window_of(standing: Standing) -> Window:
    """The window that the standing's label names; `month (Europe/Berlin)` has a zone."""
    if standing.window_kind == "rolling":
        return RollingWindow(parse_duration(standing.window_label))
    name, _, zone = standing.window_label.partition(" (")
    unit = next(u for u in CALENDAR_UNITS if u == name)
    return CalendarWindow(unit, zone.removesuffix(")") or "UTC")


def window_name(standing: Standing) -> str:
    """The window's length as it is shown: `30 d`, `month (Europe/Berlin)`."""
    label = standing.window_label
    return short(label) if standing.window_kind == "rolling" else label


def short(label: str) -> str:
    """A duration such as `30d` with a space before its unit."""
    return f"{label[:-1]}{fmt.SPACE}{label[-1]}" if label[:-1].isdigit() else label

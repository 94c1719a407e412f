"""The view of one SLO's page: its ranges, numbers and definition as text."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from slo.domain.duration import format_duration, parse_duration
from slo.domain.exclusion import net_seconds
from slo.domain.meter import indicator_from_json
from slo.domain.span import Span, union
from slo.domain.window import CALENDAR_UNITS, CalendarWindow, RollingWindow
from slo.web import format as fmt
from slo.web import urgency

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slo.domain.incident import Incident
    from slo.domain.indicator import Indicator
    from slo.domain.meter import Meter
    from slo.domain.standing import Standing
    from slo.domain.window import Window


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the numbers on top; `bad` colours it."""

    label: str
    value: str
    detail: str
    bad: bool = False
    href: str = ""


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


def promise(standing: Standing) -> str:
    """What is promised, in a sentence: `99 % of requests under 200 ms, over a rolling 30 d`."""
    over = "a rolling" if standing.window_kind == "rolling" else "the calendar"
    share = fmt.objective(standing.objective)
    return f"{share} of {standing.indicator_text}, over {over} {window_name(standing)}"


def tiles(
    standing: Standing, now: float, begun: int | None = None, away: Iterable[Span] = ()
) -> list[Tile]:
    """The six numbers; the ledger begins at `begun`, and `away` does not count."""
    budget, bad = standing.budget, standing.state == "exhausted"
    unit = "slices" if standing.slices else "events"
    left = f"{fmt.count(budget.allowed - budget.spent)} of {fmt.count(budget.allowed)} {unit}"
    rates = dict(standing.burn_rates)
    slower = " \u00b7 ".join(
        f"{short(name)} {fmt.burn(rates[name])}" for name in ("6h", "3d") if name in rates
    )
    missing = fmt.DASH
    if standing.coverage is not None:
        window = standing.window
        held = Span(window.start if begun is None else max(window.start, begun), window.end)
        without = max(0.0, 1 - standing.coverage) * net_seconds(held, union(away))
        missing = f"{fmt.span(without)} without data" if without >= 1 else "no time without data"
    about = f"\u2248{fmt.SPACE}" if standing.estimated and standing.sli is not None else ""
    return [
        Tile(
            "SLI",
            about + fmt.sli(standing.sli, standing.objective),
            f"objective {fmt.objective(standing.objective)}",
        ),
        Tile(
            "Budget left",
            fmt.percent(budget.remaining),
            left + (", projected" if budget.projected else ""),
            bad,
        ),
        Tile(f"Bad {unit}", fmt.count(standing.bad), f"of {fmt.count(standing.total)}"),
        Tile(f"Burn rate, 1{fmt.SPACE}h", fmt.burn(rates.get("1h")), slower),
        Tile("Coverage", fmt.percent(standing.coverage, 2), missing),
        Tile("Budget gone", urgency.forecast(standing, now), _paces(standing, now), bad),
    ]


def incident_tile(incident: Incident, now: float) -> Tile:
    """The incident that the SLO is in now, with a link to it."""
    status = f"{incident.status}, {fmt.span(now - incident.started_at)}"
    href = f"/incidents/{incident.id}"
    return Tile("Incident", f"#{incident.id}", status, incident.status == "open", href)


def definition(standing: Standing, meter: Meter | None) -> list[tuple[str, str]]:
    """What is counted and judged, as pairs of name and text."""
    pairs = [
        ("SLO", standing.slo),
        ("Objective", fmt.objective(standing.objective)),
        ("Window", f"{standing.window_kind}, {window_name(standing)}"),
        ("Indicator", standing.indicator + (" (estimated)" if standing.estimated else "")),
    ]
    if meter is not None:
        pairs += indicator_pairs(indicator_from_json(meter.indicator))
        pairs.append(("Bucket", fmt.span(meter.bucket)))
        if meter.booked_from is not None and meter.booked_to is not None:
            booked = f"{fmt.stamp(meter.booked_from)} to {fmt.stamp(meter.booked_to)} UTC"
            pairs.append(("Ledger", booked))
    pairs += [(f"Label {name}", value) for name, value in standing.labels]
    return pairs


def _paces(standing: Standing, now: float) -> str:
    if standing.total <= 0:
        return "no events"
    gone = standing.exhausted_at
    if standing.state == "exhausted" and gone is not None and gone <= now:
        return f"{fmt.span(now - gone)} ago"
    return " \u00b7 ".join(
        f"by {short(f.basis)}: "
        + ("stays" if f.exhausted_at is None else _when(f.exhausted_at, now))
        for f in standing.forecasts
    )


def _when(at: int, now: float) -> str:
    return "spent" if at <= now else fmt.coming(at, now)


def indicator_pairs(indicator: Indicator) -> list[tuple[str, str]]:
    """What an indicator was given, as slo.yaml names it; what it was not given is left out."""
    values = ((f.name, getattr(indicator, f.name)) for f in dataclasses.fields(indicator))
    return [
        (name.replace("_", " "), _spoken(value))
        for name, value in values
        if name != "kind" and value is not None and value is not False
    ]


def _spoken(value: object) -> str:
    if isinstance(value, timedelta):
        return re.sub(r"(\d)([a-z]+)", rf"\1{fmt.SPACE}\2 ", format_duration(value)).strip()
    return str(value)


def short(label: str) -> str:
    """A duration such as `30d` with a space before its unit."""
    return f"{label[:-1]}{fmt.SPACE}{label[-1]}" if label[:-1].isdigit() else label

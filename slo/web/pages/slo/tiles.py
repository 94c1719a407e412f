"""The tiles on top of an SLO's page: its numbers, and its open incident."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.exclusion import net_seconds
from slo.domain.span import Span, union
from slo.web import format as fmt
from slo.web import urgency
from slo.web.windows import short

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slo.domain.incident import Incident
    from slo.domain.standing import Standing


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the numbers on top; `bad` colours it."""

    label: str
    value: str
    detail: str
    bad: bool = False
    href: str = ""


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
    taken = "" if incident.status == "open" else f"{incident.status}, "
    status = f"{taken}open for {fmt.span(now - incident.opened_at)}"
    href = f"/incidents/{incident.id}"
    return Tile("Incident", f"#{incident.id}", status, incident.status == "open", href)


def _paces(standing: Standing, now: float) -> str:
    if standing.total <= 0:
        return "no events"
    if standing.paused:
        return "not in slo.yaml"
    if standing.state == "new":
        return "too early to tell"
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

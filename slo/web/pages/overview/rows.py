"""Rows of the tables of SLOs: their texts, kept as HTML for as long as they stay true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import current_app
from markupsafe import Markup

from slo.web import format as fmt
from slo.web import urgency
from slo.web.charts import spark
from slo.web.links import web_link

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slo.domain.incident import Incident
    from slo.domain.standing import Standing
    from slo.web.badge import Badge

_MOST_KEPT = 40_000


@dataclass(frozen=True, slots=True)
class Row:
    """One SLO's line in the table; all numbers are text."""

    slo: str
    service: str
    name: str
    counts: str
    tone: str
    badges: tuple[Badge, ...]
    fires: Badge | None
    firing: str
    incident: int | None
    objective: str
    estimated: bool
    sli: str
    events: str
    remaining: str
    spent: bool
    meter: Markup
    burn: str
    spark: Markup
    forecast: str
    unsure: str
    whole: bool
    """Whether the service is named too, since the rows above may be of others."""


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one service, or with an empty service those of all."""

    service: str
    owners: str
    runbook: str
    rows: Markup


class RowCache:
    """Rendered rows, each kept while its standing and what it says of the clock stay the same.

    Most visits fall between two cycles; for a thousand SLOs this is most of the page.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, bool], tuple[Standing, tuple[object, ...], Markup]] = {}

    def render(
        self,
        standing: Standing,
        now: float,
        template: Callable[[Row], Markup],
        *,
        incident: int | None = None,
        whole: bool = False,
    ) -> Markup:
        """The row of a standing, by `template` if it is not kept."""
        key = (standing.slo, whole)
        clock = (urgency.forecast(standing, now), _events(standing, now), incident)
        kept = self._kept.get(key)
        if kept and kept[1] == clock and (kept[0] is standing or kept[0] == standing):
            return kept[2]
        if len(self._kept) >= _MOST_KEPT:  # Renamed and removed SLOs must not pile up.
            self._kept.clear()
        html = template(row_of(standing, now, incident=incident, whole=whole))
        self._kept[key] = (standing, clock, html)
        return html


def groups(
    found: Sequence[Standing], render: Callable[[Standing], Markup], *, grouped: bool = True
) -> list[Group]:
    """Rows by service; services and rows keep the order in which they come first."""
    if not grouped:
        return [Group("", "", "", Markup("").join(map(render, found)))] if found else []
    services: dict[str, list[Standing]] = {}
    for standing in found:
        services.setdefault(standing.service, []).append(standing)
    return [_group(service, members, render) for service, members in services.items()]


def row_of(
    standing: Standing, now: float, *, incident: int | None = None, whole: bool = False
) -> Row:
    """A standing's line in the table."""
    remaining = standing.budget.remaining
    badges = urgency.badges(standing)
    return Row(
        slo=standing.slo,
        service=standing.service,
        name=standing.name,
        counts=standing.indicator_text,
        tone=badges[0].key,
        badges=badges,
        fires=urgency.fires(standing),
        firing="\n".join(
            f"{a.rule} since {fmt.stamp(a.since or 0)} UTC" for a in urgency.firing(standing)
        ),
        incident=incident,
        objective=fmt.objective(standing.objective),
        estimated=standing.estimated and standing.sli is not None,
        sli=fmt.sli(standing.sli, standing.objective),
        events=_events(standing, now),
        remaining=fmt.percent(remaining),
        spent=remaining is not None and remaining <= 0,
        meter=spark.meter(remaining),
        burn=fmt.burn(urgency.burn_over(standing, "1h")),
        spark=spark.sparkline(standing.sparkline),
        forecast=urgency.forecast(standing, now),
        unsure=", ".join(urgency.doubts(standing)),
        whole=whole,
    )


def render_rows(
    cache: RowCache,
    template: Callable[[Row], Markup],
    incidents: Mapping[str, Incident],
    now: float,
    *,
    whole: bool = False,
) -> Callable[[Standing], Markup]:
    """How to draw one standing's row, with the open incident that it is in."""

    def render(standing: Standing) -> Markup:
        incident = incidents.get(standing.slo)
        number = None if incident is None else incident.id
        return cache.render(standing, now, template, incident=number, whole=whole)

    return render


def _group(
    service: str, members: Sequence[Standing], render: Callable[[Standing], Markup]
) -> Group:
    named = ", ".join(dict.fromkeys(s.owner for s in members if s.owner))
    runbook = next((link for s in members if (link := web_link(s.runbook))), "")
    return Group(service, named, runbook, Markup("").join(map(render, members)))


def _events(standing: Standing, now: float) -> str:
    if standing.total <= 0:
        if standing.data != "none":
            return "no events yet"
        if standing.last_data is None:
            return "no data yet"
        return f"no data for {fmt.span(now - standing.last_data)}"
    unit = " slices" if standing.slices else ""
    return f"{fmt.count(standing.bad)} of {fmt.count(standing.total)}{unit}"


def row_macro() -> Any:
    """The macro that draws a row."""
    template = current_app.jinja_env.get_template("slos.html")
    return template.module.row  # type: ignore[attr-defined] # A macro is no name that types know.

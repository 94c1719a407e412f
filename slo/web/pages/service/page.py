"""The page of a service: its SLOs, their budgets together, and what happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, render_template

from slo.store import annotations as kept_annotations
from slo.store import exclusions, incidents, postmortems, silences, standings
from slo.store.engine import reading
from slo.web import urgency
from slo.web.charts import composite, marking, marks, strips
from slo.web.heading import cycle_line
from slo.web.links import service_url
from slo.web.near import nearby_services
from slo.web.pages.incidents import rows as incident_rows
from slo.web.pages.overview import listing, rows
from slo.web.pages.overview.attention import attention
from slo.web.pages.service import view as telling
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from slo.domain.ledger import Exclusion
    from slo.domain.span import Span
    from slo.domain.standing import Standing
    from slo.web.charts.marks import Mark

blueprint = Blueprint("service_pages", __name__)

_MOST_INCIDENTS = 10


@blueprint.get("/service/<service>")
@needs("read")
def show_service(service: str) -> tuple[str, int] | str:
    """A service: the state of all its SLOs, and its last month."""
    site = current_site()
    now = site.clock()
    with reading(site.engine) as session:
        known = standings.all(session, now=now)
        cycle = cycle_line(session, now, known)
        members = sorted((s for s in known if s.service == service), key=urgency.by_urgency)
        if not members:
            near = nearby_services(service, (s.service for s in known))
            return render_template(
                "error.html",
                cycle=cycle,
                title="No such service",
                text=f"There is no service {service}.",
                near=[(service_url(one), one) for one in near],
            ), 404
        view = _view(session, service, members, now)
    return render_template("service.html", cycle=cycle, **view)


def _view(session: Session, name: str, members: Sequence[Standing], now: float) -> dict[str, Any]:
    """All that the page of a service shows."""
    site = current_site()
    settings = site.settings
    ids = {s.slo: s.name for s in sorted(members, key=lambda s: s.slo)}
    opened = incidents.open_of(session, ids)
    found = incidents.many(session, service=name, limit=_MOST_INCIDENTS)
    shown = composite.shown_span(members)
    away = [e for e in exclusions.of(session) if any(e.covers(slo) for slo in ids)]
    happened = _marks(session, name, away, shown)
    days = strips.strips(session, ids, now)
    row = rows.row_macro()
    written = postmortems.of_incidents(session, [i.id for i in found])
    over = settings.postmortems.required_over
    return {
        "service": name,
        "badges": telling.badges(members),
        "about": telling.about(members),
        "attention": attention(members, opened, now),
        "more": listing.Query(service=name, state="attention").url(),
        "tiles": telling.tiles(members, len({i.id for i in opened.values()}), days),
        "groups": rows.groups(members, rows.render_rows(site.rows, row, opened, now)),
        "columns": listing.columns(None),
        "chart_budgets": composite.render_budgets(session, members, away, happened),
        "legend": marks.legend(happened),
        "strips": days,
        "firing": telling.firing(members, now),
        "muted": telling.muted(silences.active(session, now), away, members, now),
        "incidents": [incident_rows.row(i, written.get(i.id), over, now) for i in found],
        "marks": happened[::-1],
    }


def _marks(session: Session, name: str, away: Sequence[Exclusion], shown: Span) -> list[Mark]:
    """What happened to the service within `shown`, in order of time."""
    opened = incidents.many(session, service=name, since=shown.start, until=shown.end + 1)
    found = [
        *marking.incident_marks(opened, shown),
        *(mark for e in away if (mark := marking.exclusion_mark(e, shown)) is not None),
        *(
            marking.annotation_mark(a)
            for a in kept_annotations.between(session, shown.start, shown.end, f"{name}/*")
        ),
    ]
    return sorted(found, key=lambda mark: mark.start)

"""The page of one SLO."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from slo.store import standings
from slo.store.engine import reading
from slo.web.heading import cycle_line
from slo.web.near import near_links, nearby
from slo.web.pages.slo.view import Asking, view_of
from slo.web.permission import needs
from slo.web.site import current_site

blueprint = Blueprint("slo_page", __name__)


@blueprint.get("/slo/<service>/<name>")
@needs("read")
def show_slo(service: str, name: str) -> tuple[str, int]:
    """One SLO: its numbers, charts, contributors, notes and definition."""
    site = current_site()
    now = site.clock()
    with reading(site.engine) as session:
        cycle = cycle_line(session, now)
        standing = standings.one(session, f"{service}/{name}", now=now)
        if standing is None:
            near = nearby(f"{service}/{name}", (s.slo for s in standings.all(session)))
            return render_template(
                "error.html",
                cycle=cycle,
                title="No such SLO",
                text=f"There is no SLO {service}/{name}.",
                near=near_links(near),
            ), 404
        asking = Asking(session, site.settings, standing, request.args, now)
        view = view_of(asking)
    status = 400 if view["range"].fault else 200
    return render_template("slo.html", cycle=cycle, **view), status

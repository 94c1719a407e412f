"""The JSON API, version 1: the same objects as `slo status --json`."""

from __future__ import annotations

from flask import Blueprint, Response, request

from slo.status import status_json
from slo.store import standings
from slo.store.engine import reading
from slo.web import urgency
from slo.web.operation import PREFIX, json_response
from slo.web.pages import nearby
from slo.web.permission import needs
from slo.web.site import current_site

blueprint = Blueprint("api", __name__, url_prefix=PREFIX)


@blueprint.get("/slos")
@needs("read")
def list_slos() -> Response:
    """All SLOs by id; `?service=` and `?state=` narrow the list."""
    site = current_site()
    service, state = request.args.get("service"), request.args.get("state")
    if state is not None and state not in urgency.BADGES:
        return json_response(
            {"error": f"state {state!r} is unknown; one of {', '.join(urgency.BADGES)}"}, 400
        )
    with reading(site.engine) as session:
        known = standings.all(session)
    found = [
        s
        for s in known
        if (service is None or s.service == service)
        and (state is None or state in {s.state, s.data} or (state == "paused" and s.paused))
    ]
    return json_response(status_json(site.clock(), sorted(found, key=lambda s: s.slo)))


@blueprint.get("/slos/<service>/<name>")
@needs("read")
def show_slo(service: str, name: str) -> Response:
    """One SLO, in the same shape; 404 names the ids that are alike."""
    site = current_site()
    slo_id = f"{service}/{name}"
    with reading(site.engine) as session:
        standing = standings.one(session, slo_id)
        if standing is None:
            near = nearby(slo_id, (s.slo for s in standings.all(session)))
            hint = f"; did you mean {' or '.join(near)}?" if near else f"; {PREFIX}/slos lists all"
            return json_response({"error": f"there is no SLO {slo_id}{hint}", "near": near}, 404)
    return json_response(status_json(site.clock(), [standing]))

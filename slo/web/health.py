"""For machines that watch this one: alive, ready, metrics."""

from __future__ import annotations

from flask import Blueprint, Response, request
from prometheus_client.exposition import choose_encoder

from slo.domain.span import rfc3339
from slo.store import cycles
from slo.store.engine import StoreError, reading
from slo.web.api.answering import json_response
from slo.web.away import told
from slo.web.permission import needs
from slo.web.site import current_site

blueprint = Blueprint("health", __name__)

READY_INTERVALS = 5
READY_SECONDS = 300


@blueprint.get("/healthz")
@needs("public")
def show_health() -> Response:
    """200 while the process answers; the store is not asked, so a restart is not its cure."""
    return json_response({"status": "alive"})


@blueprint.get("/readyz")
@needs("public")
def show_readiness() -> Response:
    """200 when the store answers and a cycle finished lately, else 503 and why."""
    site = current_site()
    allowed = max(READY_SECONDS, READY_INTERVALS * site.interval)
    try:
        with reading(site.engine) as session:
            last = cycles.last(session)
    except StoreError as error:
        reason = f"the store does not answer: {told(error)}"
        return json_response({"ready": False, "store": "down", "reason": reason}, 503)
    if last is None or last.finished is None:
        reason = "no cycle has finished yet"
        return json_response({"ready": False, "store": "ok", "cycle": None, "reason": reason}, 503)
    age = site.clock() - last.finished
    body = {"store": "ok", "cycle": rfc3339(last.finished), "age_seconds": round(age, 1)}
    if age > allowed:
        reason = f"the last cycle finished {age:.0f} s ago, more than {allowed} s"
        return json_response({"ready": False, **body, "reason": reason}, 503)
    return json_response({"ready": True, **body})


@blueprint.get("/metrics")
@needs("metrics")
def show_metrics() -> Response:
    """The registry in the text format that the scraper asks for."""
    encoder, content_type = choose_encoder(request.headers.get("Accept", ""))
    response = Response(encoder(current_site().registry), content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    return response

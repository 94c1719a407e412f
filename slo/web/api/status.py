"""The JSON API of the status page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from slo.domain.span import maybe_rfc3339, rfc3339
from slo.web.api.models.status import StatusAnswer
from slo.web.api.operation import PREFIX, operation
from slo.web.site import current_site

blueprint = Blueprint("api_status", __name__, url_prefix=PREFIX)


@operation(blueprint, "GET", "/status", permission="status", answer=StatusAnswer)
def show_status() -> dict[str, Any]:
    """Tells what the status page shows: services, their last 90 days, and incidents.

    Where slo.yaml makes the status page public, so is this. It holds no PromQL, no
    label, no name of a person and no link.
    """
    site = current_site()
    view = site.status.view(site.engine, site.settings, site.clock())
    services = [
        {
            "service": service.name,
            "state": service.badge.key,
            "slos": [
                {
                    "name": slo.name,
                    "state": slo.badge.key,
                    "objective": slo.promise,
                    "window": slo.window,
                    "sli": slo.share,
                }
                for slo in service.slos
            ],
            "days": [
                {"day": rfc3339(day.day), "state": day.state, "missed": list(day.missed)}
                for day in service.days
            ],
        }
        for service in view.services
    ]
    return {
        "at": rfc3339(view.at),
        "read_at": maybe_rfc3339(view.newest),
        "state": view.badge.key,
        "headline": view.headline,
        "services": services,
        "incidents": [
            {
                "title": one.title,
                "text": one.text,
                "started_at": rfc3339(one.start),
                "resolved_at": maybe_rfc3339(one.end),
            }
            for one in (*view.current, *view.past)
        ],
    }

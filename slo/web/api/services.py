"""The JSON API of services: what their SLOs say together."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from flask import Blueprint

from slo.domain.span import rfc3339
from slo.store import incidents, standings
from slo.store.engine import reading
from slo.web.api.cursor import cut
from slo.web.api.models.services import Service, ServiceQuery, Services
from slo.web.api.operation import PREFIX, operation
from slo.web.near import nearby
from slo.web.problem import ProblemError
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.standing import Standing

blueprint = Blueprint("api_services", __name__, url_prefix=PREFIX)


@operation(blueprint, "GET", "/services", permission="read", query=ServiceQuery, answer=Services)
def list_services(query: ServiceQuery) -> dict[str, Any]:
    """Lists the services and what their SLOs say together."""
    site = current_site()
    now = site.clock()
    by_service: dict[str, list[Standing]] = defaultdict(list)
    with reading(site.engine) as session:
        for standing in standings.all(session, now=now):
            by_service[standing.service].append(standing)
        shown, more = cut(sorted(by_service), query, (str,), lambda name: (name,))
        found = _services_json(session, {name: by_service[name] for name in shown})
    return {"at": rfc3339(now), "services": found, "next": more}


@operation(blueprint, "GET", "/services/<service>", permission="read", answer=Service)
def show_service(service: str) -> dict[str, Any]:
    """Gives one service; `GET /api/v1/slos?service=` lists its SLOs."""
    site = current_site()
    with reading(site.engine) as session:
        members = standings.of_service(session, service, now=site.clock())
        if not members:
            known = {s.service for s in standings.all(session)}
            near = nearby(service[:200], known)
            hint = f"did you mean {' or '.join(near)}?" if near else f"{PREFIX}/services lists all"
            raise ProblemError(404, f"there is no service {service[:200]}; {hint}", near=near)
        return _services_json(session, {service: members})[0]


def _services_json(
    session: Session, by_service: Mapping[str, Sequence[Standing]]
) -> list[dict[str, Any]]:
    opened: dict[str, set[int]] = defaultdict(set)
    for incident in incidents.open_of(session).values():
        opened[incident.service].add(incident.id)
    return [
        _service_json(name, members, opened[name]) for name, members in sorted(by_service.items())
    ]


def _service_json(
    name: str, members: Sequence[Standing], opened: Collection[int]
) -> dict[str, Any]:
    living = [s for s in members if not s.paused]
    known = [s for s in living if s.budget.remaining is not None]
    least = min(known, key=lambda s: s.budget.remaining or 0.0, default=None)
    return {
        "service": name,
        "owners": sorted({s.owner for s in members if s.owner}),
        "slos": len(members),
        "states": dict(Counter(s.state for s in living)),
        "without_data": sum(s.data == "none" for s in living),
        "paused": len(members) - len(living),
        "worst": None if least is None else least.slo,
        "remaining": None if least is None else least.budget.remaining,
        "firing": sum(alert.since is not None for s in living for alert in s.alerts),
        "incidents": sorted(opened),
    }

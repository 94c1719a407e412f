"""The JSON API of SLOs: the same objects as `slo status --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from slo.domain.span import rfc3339
from slo.domain.state import seen_at
from slo.past_standings import standings_at
from slo.status import status_json
from slo.store import standings
from slo.store.engine import reading
from slo.web.api.chosen import ensure_standing
from slo.web.api.cursor import cut
from slo.web.api.models.slos import SLOQuery, SLOs, StandingQuery
from slo.web.api.operation import PREFIX, operation
from slo.web.problem import refusal
from slo.web.search import holds, labels_of
from slo.web.site import current_site

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.domain.standing import Standing

blueprint = Blueprint("api_slos", __name__, url_prefix=PREFIX)


@operation(blueprint, "GET", "/slos", permission="read", query=SLOQuery, answer=SLOs)
def list_slos(query: SLOQuery) -> dict[str, Any]:
    """Lists SLOs by id, all of them unless a `limit` is given."""
    site = current_site()
    with reading(site.engine) as session:
        known = _known(session, query.at)
    found = sorted((s for s in known if _fits(query, s)), key=lambda s: s.slo)
    shown, more = cut(found, query, (str,), lambda s: (s.slo,))
    body = status_json(site.clock() if query.at is None else query.at, shown)
    return body if more is None else body | {"next": more}


@operation(
    blueprint,
    "GET",
    "/slos/<service>/<name>",
    permission="read",
    query=StandingQuery,
    answer=SLOs,
)
def show_slo(service: str, name: str, query: StandingQuery) -> dict[str, Any]:
    """Gives one SLO, in the same shape."""
    site = current_site()
    at = query.at
    with reading(site.engine) as session:
        standing = ensure_standing(session, service, name)
        if at is None:
            now = site.clock()
            return status_json(now, [seen_at(standing, now)])
        return status_json(at, [s for s in _known(session, at) if s.slo == standing.slo])


def _known(session: Session, at: int | None) -> list[Standing]:
    """The standings of now, or as of a past time those of declared SLOs."""
    site = current_site()
    if at is None:
        return standings.all(session, now=site.clock())
    settings, now = site.settings, int(site.clock())
    if at > now:
        raise refusal("query", "at", f"{rfc3339(at)} lies in the future; name a past time")
    return standings_at(session, settings, [slo.id for slo in settings.slos], at, now)


def _fits(query: SLOQuery, standing: Standing) -> bool:
    if query.service not in {None, standing.service} or query.owner not in {None, standing.owner}:
        return False
    if query.label is not None and query.label not in labels_of(standing):
        return False
    if query.q is not None and not holds(standing, query.q.casefold().split()):
        return False
    states = {standing.state, standing.data, "paused" if standing.paused else None}
    return query.state is None or query.state in states

"""The JSON API of gates, which say whether a change may go out now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response

from slo import gate as gates
from slo.gate import UnknownGateError, decision_json, override_json
from slo.store import gate_overrides
from slo.store.engine import reading, writing
from slo.web.api.answering import json_response
from slo.web.api.cursor import cut, make_cursor, page_of, read_cursor
from slo.web.api.models.gate import (
    GateAnswer,
    GateOverrideAnswer,
    GateOverrideChange,
    GateOverrideListAnswer,
    GateOverrideQuery,
    GateReleaseChange,
)
from slo.web.api.operation import PREFIX, operation
from slo.web.glance import glance
from slo.web.identity import who
from slo.web.problem import ProblemError
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel
    from sqlalchemy.orm import Session

    from slo.domain.gate import GateOverride

blueprint = Blueprint("api_gate", __name__, url_prefix=PREFIX)

_API = "api"
_STATUS = {"open": 200, "closed": 412, "unknown": 503}
"""What cannot be judged must not look open, and a script may ask for it again."""
_RETRY = "60"
_ALSO: Mapping[int, type[BaseModel] | str] = {
    404: "There is no such service or SLO.",
    412: GateAnswer,
    503: GateAnswer,
}


@operation(blueprint, "GET", "/gate/<service>", permission="gate", answer=GateAnswer, also=_ALSO)
def show_service_gate(service: str) -> Response:
    """The gate of a service: 200 open, 412 closed, 503 unknown."""
    return _answer(service)


@operation(
    blueprint, "GET", "/gate/<service>/<name>", permission="gate", answer=GateAnswer, also=_ALSO
)
def show_slo_gate(service: str, name: str) -> Response:
    """The gate of one SLO: 200 open, 412 closed, 503 unknown."""
    return _answer(f"{service}/{name}")


@operation(
    blueprint,
    "GET",
    "/gate-overrides",
    permission="read",
    query=GateOverrideQuery,
    answer=GateOverrideListAnswer,
)
def list_gate_overrides(query: GateOverrideQuery) -> dict[str, Any]:
    """The gates that are held open now, or all that ever were."""
    site = current_site()
    with reading(site.engine) as session:
        if query.all:
            shown, more = _former(session, query)
        else:
            held = gate_overrides.holding(session, site.clock())
            shown, more = cut(held, query, (int, int), lambda one: (one.until, one.id))
    return {"overrides": [override_json(one) for one in shown], "next": more}


@operation(
    blueprint,
    "POST",
    "/gate-overrides",
    permission="write",
    body=GateOverrideChange,
    answer=GateOverrideAnswer,
    status=201,
)
def open_gate(body: GateOverrideChange) -> dict[str, Any]:
    """Holds a gate open until a time, for a reason."""
    site = current_site()
    with writing(site.engine) as session:
        kept = gates.hold_open(
            session,
            site.settings,
            scope=body.scope,
            until=body.until,
            who=who(body.who, _API),
            why=body.why,
            now=int(site.clock()),
        )
    return override_json(kept)


@operation(
    blueprint,
    "POST",
    "/gate-overrides/<int:override_id>/end",
    permission="write",
    body=GateReleaseChange,
    answer=GateOverrideAnswer,
    also={404: "No such override holds a gate open."},
)
def release_gate(override_id: int, body: GateReleaseChange) -> dict[str, Any]:
    """Ends an override before its time: the gate is judged again."""
    site = current_site()
    with writing(site.engine) as session:
        ended = gates.release(
            session,
            override_id,
            who=who(body.who, _API),
            why=body.why,
            now=int(site.clock()),
        )
    return override_json(ended)


def _former(
    session: Session, query: GateOverrideQuery
) -> tuple[Sequence[GateOverride], str | None]:
    """The overrides that are over too, newest first."""
    position = read_cursor(query.cursor, int)
    before = None if position is None else position[0]
    shown, more = page_of(gate_overrides.latest(session, query.limit + 1, before), query.limit)
    return shown, make_cursor(shown[-1].id) if more else None


def _answer(scope: str) -> Response:
    site = current_site()
    now = site.clock()
    try:
        with glance() as session:
            decision = gates.ask(session, site.settings, scope, now)
    except UnknownGateError as error:
        raise ProblemError(404, str(error)) from None
    response = json_response(decision_json(scope, decision, now), _STATUS[decision.state])
    response.headers["Cache-Control"] = "no-store"
    if decision.state == "unknown":
        response.headers["Retry-After"] = _RETRY
    return response

"""The JSON API of who is there: the sessions of users, and the one who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from slo.access import users
from slo.domain.access import PERMISSIONS
from slo.domain.span import rfc3339
from slo.store import sessions
from slo.store.engine import reading, writing
from slo.web.api.cursor import cut
from slo.web.api.models.access import (
    IdentityAnswer,
    SessionAnswer,
    SessionListAnswer,
    SessionQuery,
)
from slo.web.api.operation import PREFIX, operation
from slo.web.identity import current_identity, has_bearer, who
from slo.web.permission import wrong_token
from slo.web.problem import ProblemError
from slo.web.site import current_site

if TYPE_CHECKING:
    from slo.store.sessions import Login

blueprint = Blueprint("api_sessions", __name__, url_prefix=PREFIX)

_API = "api"


@operation(
    blueprint,
    "GET",
    "/identity",
    permission="public",
    answer=IdentityAnswer,
    also={401: "The token is mistyped, expired or revoked."},
)
def show_identity() -> dict[str, Any]:
    """Tells who asks and what they may do, so that a program can try its token."""
    asks = current_identity()
    if asks.kind == "anonymous" and has_bearer():
        raise wrong_token()
    return {
        "name": asks.name,
        "kind": asks.kind,
        "permissions": [one for one in PERMISSIONS if asks.may(one)],
    }


@operation(
    blueprint,
    "GET",
    "/sessions",
    permission="admin",
    query=SessionQuery,
    answer=SessionListAnswer,
)
def list_sessions(query: SessionQuery) -> dict[str, Any]:
    """Lists who is logged in, and where."""
    site = current_site()
    with reading(site.engine) as session:
        found = sessions.running(session, site.clock())
    wanted = [one for one in found if query.user in {None, one.name}]
    # When they were seen last changes while the list is read on.
    shown, more = cut(sorted(wanted, key=_order), query, (int, str), _order)
    return {"sessions": [_session_json(one) for one in shown], "next": more}


@operation(
    blueprint,
    "DELETE",
    "/sessions/<session_id>",
    permission="admin",
    answer=SessionAnswer,
    also={404: "There is no such session, or it is over."},
)
def end_session(session_id: str) -> dict[str, Any]:
    """Logs somebody out of one place."""
    site = current_site()
    now = int(site.clock())
    with writing(site.engine) as session:
        found = [one for one in sessions.running(session, now) if one.public_id == session_id]
        if not found:
            text = f"there is no session {session_id[:80]}; {PREFIX}/sessions lists all"
            raise ProblemError(404, text)
        users.end_session(session, session_id, who=who(None, _API), now=now)
    return _session_json(found[0])


def _order(one: Login) -> tuple[int, str]:
    return -one.created_at, one.public_id


def _session_json(one: Login) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "user": one.name,
        "address": one.address,
        "agent": one.agent,
        "created_at": rfc3339(one.created_at),
        "seen_at": rfc3339(one.seen_at),
    }

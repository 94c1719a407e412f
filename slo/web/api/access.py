"""The JSON API of users, tokens and the audit; for admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from slo.access import tokens, users
from slo.access.tokens import token_json
from slo.access.users import user_json
from slo.domain.span import rfc3339
from slo.store import audit
from slo.store import tokens as kept_tokens
from slo.store import users as kept_users
from slo.store.audit import Wanted
from slo.store.engine import reading, writing
from slo.web.api.cursor import cut, make_cursor, page_of, read_cursor
from slo.web.api.models.access import (
    AuditAnswer,
    AuditQuery,
    NewTokenAnswer,
    RevokedAnswer,
    TokenAnswer,
    TokenBody,
    TokenListAnswer,
    TokenQuery,
    UserAnswer,
    UserBody,
    UserChange,
    UserListAnswer,
    UserQuery,
)
from slo.web.api.operation import PREFIX, operation
from slo.web.identity import current_identity, who
from slo.web.problem import ProblemError
from slo.web.site import current_site

if TYPE_CHECKING:
    from slo.store.audit import Entry

blueprint = Blueprint("api_access", __name__, url_prefix=PREFIX)

_API = "api"
_OPEN = {403: "Nobody logs in here, so nobody can say who may; `slo user add` makes the first."}
_UNKNOWN = {404: "There is no such user.", **_OPEN}


@operation(blueprint, "GET", "/users", permission="admin", query=UserQuery, answer=UserListAnswer)
def list_users(query: UserQuery) -> dict[str, Any]:
    """The users."""
    with reading(current_site().engine) as session:
        found = sorted(kept_users.all_users(session), key=lambda user: user.name)
    shown, more = cut(found, query, (str,), lambda user: (user.name,))
    return {"users": [user_json(user) for user in shown], "next": more}


@operation(
    blueprint,
    "POST",
    "/users",
    permission="admin",
    body=UserBody,
    answer=UserAnswer,
    status=201,
    also=_OPEN,
)
def add_user(body: UserBody) -> dict[str, Any]:
    """Adds a user who logs in by a password."""
    _ensure_known()
    site = current_site()
    password = users.new_password(body.name, body.password)
    with writing(site.engine) as session:
        made = users.add_user(
            session,
            body.name,
            body.role,
            password=password,
            who=who(None, _API),
            now=int(site.clock()),
        )
    return user_json(made)


@operation(
    blueprint,
    "PATCH",
    "/users/<name>",
    permission="admin",
    body=UserChange,
    answer=UserAnswer,
    also=_UNKNOWN,
)
def change_user(name: str, body: UserChange) -> dict[str, Any]:
    """Changes the role or the password of a user, disables or enables them."""
    _ensure_known()
    site = current_site()
    now, by = int(site.clock()), who(None, _API)
    provider = site.settings.site.oidc is not None
    if body.password is not None:
        password = users.new_password(name, body.password)
    with writing(site.engine) as session:
        users.ensure_user(session, name)
        if body.role is not None:
            users.set_role(session, name, body.role, who=by, now=now, provider=provider)
        if body.password is not None:
            users.set_password(session, name, password, who=by, now=now)
        if body.disabled is not None:
            if body.disabled:
                users.disable(session, name, who=by, now=now, provider=provider)
            else:
                users.enable(session, name, who=by, now=now)
        return user_json(users.ensure_user(session, name))


@operation(
    blueprint, "DELETE", "/users/<name>", permission="admin", answer=UserAnswer, also=_UNKNOWN
)
def remove_user(name: str) -> dict[str, Any]:
    """Removes a user for good, with sessions and tokens."""
    _ensure_known()
    site = current_site()
    with writing(site.engine) as session:
        gone = users.remove(
            session,
            name,
            who=who(None, _API),
            now=int(site.clock()),
            provider=site.settings.site.oidc is not None,
        )
    return user_json(gone)


@operation(
    blueprint,
    "POST",
    "/users/<name>/revoke",
    permission="admin",
    answer=RevokedAnswer,
    also=_UNKNOWN,
)
def revoke_sessions(name: str) -> dict[str, Any]:
    """Ends all sessions of a user."""
    _ensure_known()
    site = current_site()
    with writing(site.engine) as session:
        number = users.end_sessions(session, name, who=who(None, _API), now=int(site.clock()))
    return {"sessions": number}


@operation(
    blueprint, "GET", "/tokens", permission="admin", query=TokenQuery, answer=TokenListAnswer
)
def list_tokens(query: TokenQuery) -> dict[str, Any]:
    """The tokens that are not revoked."""
    with reading(current_site().engine) as session:
        found = kept_tokens.all_tokens(session)
    shown, more = cut(found, query, (int, str), lambda token: (-token.created_at, token.id))
    return {"tokens": [token_json(token) for token in shown], "next": more}


@operation(
    blueprint,
    "POST",
    "/tokens",
    permission="admin",
    body=TokenBody,
    answer=NewTokenAnswer,
    status=201,
    also=_UNKNOWN,
)
def add_token(body: TokenBody) -> dict[str, Any]:
    """Makes a token; the answer has its text, this once."""
    _ensure_known()
    site = current_site()
    with writing(site.engine) as session:
        made, text = tokens.add_token(
            session,
            body.name,
            body.scope,
            who=who(None, _API),
            now=int(site.clock()),
            days=body.days,
            owner=None if body.user is None else users.ensure_user(session, body.user),
        )
    return {**token_json(made), "token": text}


@operation(
    blueprint,
    "DELETE",
    "/tokens/<token_id>",
    permission="admin",
    answer=TokenAnswer,
    also={404: "There is no such token.", **_OPEN},
)
def revoke_token(token_id: str) -> dict[str, Any]:
    """Makes a token good for nothing, at once and for ever."""
    _ensure_known()
    site = current_site()
    with writing(site.engine) as session:
        gone = tokens.revoke(session, token_id, who=who(None, _API), now=int(site.clock()))
    return token_json(gone)


@operation(blueprint, "GET", "/audit", permission="admin", query=AuditQuery, answer=AuditAnswer)
def list_audit(query: AuditQuery) -> dict[str, Any]:
    """Who did what, when, and what it was before; newest first."""
    position = read_cursor(query.cursor, int)
    wanted = Wanted(
        who=query.who or "",
        action=query.action or "",
        subject=query.subject or "",
        since=query.start,
        until=query.to,
        before=None if position is None else position[0],
    )
    with reading(current_site().engine) as session:
        found, more = page_of(audit.found(session, wanted, query.limit + 1), query.limit)
    return {
        "entries": [_entry_json(entry) for entry in found],
        "next": make_cursor(found[-1].id) if more else None,
    }


def _ensure_known() -> None:
    """Refuses whom nobody knows: users made now would be let in when a login is asked for later."""
    if current_identity().kind == "open":
        raise ProblemError(403, _OPEN[403])


def _entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": rfc3339(entry.at),
        "who": entry.who,
        "action": entry.action,
        "subject": entry.subject,
        "detail": dict(entry.detail),
        "old": None if entry.old is None else dict(entry.old),
        "new": None if entry.new is None else dict(entry.new),
    }

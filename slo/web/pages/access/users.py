"""The page of users, their sessions, and tokens; for admins."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.exceptions import Forbidden, NotFound

from slo.access import tokens, users
from slo.access.tokens import SCOPE_NAMES, TokenMadeError
from slo.access.users import ROLES
from slo.domain.refusal import RefusedError
from slo.store import sessions
from slo.store import tokens as kept_tokens
from slo.store import users as kept_users
from slo.store.engine import reading, writing
from slo.web.heading import cycle_line
from slo.web.identity import current_identity, current_login, who
from slo.web.pages.access.making import DAYS, LABELS, key_field, make_token
from slo.web.pages.access.rows import session_row, token_row, user_row
from slo.web.pages.refused import in_words
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

blueprint = Blueprint("access_pages", __name__)

ACCESS = "/access"
ADD = f"{ACCESS}/users"
_LABELS = {"name": "Name", "role": "Role", "password": "Password"}


@blueprint.get(ACCESS)
@needs("admin")
def show_access() -> str:
    """Who can log in, who is, and which programs may do what."""
    return _page()


@blueprint.get(ADD)
@blueprint.get(f"{ADD}/<name>/<action>")
@blueprint.get(f"{ACCESS}/sessions/<public_id>/revoke")
@blueprint.get(f"{ACCESS}/tokens")
@blueprint.get(f"{ACCESS}/tokens/<token_id>/revoke")
@needs("admin")
def show_after_form(**_: str) -> Response:
    """The page again, where somebody asks for the address of the answer to a form."""
    return cast("Response", redirect(ACCESS, 303))


@blueprint.post(ADD)
@needs("admin")
def add_user() -> Response | tuple[str, int]:
    """A new user, with a password that they change at their account."""
    form = request.form

    def change(session: Session, name: str, now: int) -> None:
        users.add_user(
            session,
            form.get("name", ""),
            users.parse_role(form.get("role", "")),
            password=password,
            who=name,
            now=now,
        )

    try:
        password = users.new_password(form.get("name", ""), form.get("password", ""))
    except RefusedError as error:
        return _page(in_words(error, _LABELS)), 400
    return _changed(change)


@blueprint.post(f"{ACCESS}/users/<name>/<action>")
@needs("admin")
def change_user(name: str, action: str) -> Response | tuple[str, int]:
    """Another role or password, disabled, enabled, removed, or logged out everywhere."""
    form = request.form
    provider = current_site().settings.site.oidc is not None

    def change(session: Session, by: str, now: int) -> None:
        match action:
            case "role":
                role = users.parse_role(form.get("role", ""))
                users.set_role(session, name, role, who=by, now=now, provider=provider)
            case "password":
                users.set_password(session, name, password, who=by, now=now)
            case "disable":
                users.disable(session, name, who=by, now=now, provider=provider)
            case "enable":
                users.enable(session, name, who=by, now=now)
            case "remove":
                users.remove(session, name, who=by, now=now, provider=provider)
            case "revoke":
                users.end_sessions(session, name, who=by, now=now)
            case _:
                raise NotFound

    try:
        password = ""
        if action == "password":
            password = users.new_password(name, form.get("password", ""))
    except RefusedError as error:
        return _page(in_words(error, _LABELS)), 400
    return _changed(change)


@blueprint.post(f"{ACCESS}/sessions/<public_id>/revoke")
@needs("admin")
def end_session(public_id: str) -> Response | tuple[str, int]:
    """Somebody is logged out of one place."""
    return _changed(lambda session, by, now: users.end_session(session, public_id, who=by, now=now))


@blueprint.post(f"{ACCESS}/tokens")
@needs("admin")
def add_token() -> str | tuple[str, int]:
    """A service's token, shown this once."""
    _ensure_known()
    site = current_site()
    try:
        with writing(site.engine) as session:
            text = make_token(session, request.form, who(None, "page"), int(site.clock()))
    except TokenMadeError as error:
        return _page(str(error)), 409
    except RefusedError as error:
        return _page(in_words(error, LABELS)), 400
    return _page(made=text)


@blueprint.post(f"{ACCESS}/tokens/<token_id>/revoke")
@needs("admin")
def revoke_token(token_id: str) -> Response | tuple[str, int]:
    """A token is good for nothing any more."""

    def change(session: Session, by: str, now: int) -> None:
        tokens.revoke(session, token_id, who=by, now=now)

    return _changed(change)


def _changed(change: Callable[[Session, str, int], object]) -> Response | tuple[str, int]:
    _ensure_known()
    site = current_site()
    try:
        with writing(site.engine) as session:
            change(session, who(None, "page"), int(site.clock()))
    except RefusedError as error:
        return _page(in_words(error, _LABELS)), 400
    return cast("Response", redirect(ACCESS, 303))


def _ensure_known() -> None:
    """Refuses whom nobody knows: users made now would be let in when a login is asked for later."""
    if current_identity().kind == "open":
        raise Forbidden(
            "Nobody logs in here, so nobody can say who may. The first user is added where "
            "SLO Ledger runs: slo user add NAME --role admin"
        )


def _page(error: str = "", made: str = "") -> str:
    site = current_site()
    now = site.clock()
    login = current_login()
    with reading(site.engine) as session:
        running = sessions.running(session, now)
        number = Counter(s.user_id for s in running)
        return render_template(
            "access.html",
            cycle=cycle_line(session, now),
            error=error,
            typed=request.form if error and request.path == ADD else {},
            made=made,
            roles=ROLES,
            scopes=SCOPE_NAMES,
            days=DAYS,
            key_field=key_field(),
            users=[user_row(u, number[u.id], now, login) for u in kept_users.all_users(session)],
            tokens=[token_row(t, now) for t in kept_tokens.all_tokens(session)],
            sessions=[session_row(s, now, login) for s in running],
        )

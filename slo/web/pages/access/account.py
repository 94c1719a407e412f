"""One's own account: password, sessions and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.exceptions import Forbidden

from slo.access import logins, tokens, users
from slo.access.logins import LoginError
from slo.access.tokens import TokenMadeError
from slo.domain.refusal import RefusedError
from slo.store import sessions
from slo.store import tokens as kept_tokens
from slo.store import users as kept_users
from slo.store.engine import reading, writing
from slo.web import cookies
from slo.web.heading import cycle_line
from slo.web.identity import current_login
from slo.web.pages.access.login import caller
from slo.web.pages.access.making import DAYS, LABELS, key_field, make_token
from slo.web.pages.access.rows import session_row, token_row
from slo.web.pages.refused import in_words
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.domain.user import User
    from slo.store.sessions import Login

blueprint = Blueprint("account_pages", __name__)

ACCOUNT = "/account"


@blueprint.get(ACCOUNT)
@needs("user")
def show_account() -> str:
    """Who I am, where I am logged in, and what my tokens are."""
    return _page()


@blueprint.get(f"{ACCOUNT}/password")
@blueprint.get(f"{ACCOUNT}/sessions/<public_id>/revoke")
@blueprint.get(f"{ACCOUNT}/tokens")
@blueprint.get(f"{ACCOUNT}/tokens/<token_id>/revoke")
@needs("user")
def show_after_form(**_: str) -> Response:
    """The page again, where somebody asks for the address of the answer to a form."""
    return cast("Response", redirect(ACCOUNT, 303))


@blueprint.post(f"{ACCOUNT}/password")
@needs("user")
def change_password() -> Response | tuple[str, int]:
    """Another password; all sessions end, and this one goes on under a new id."""
    site = current_site()
    login = _login()
    now = int(site.clock())
    try:
        password = users.new_password(login.name, _typed_twice())
        # Whoever sits at an unlocked screen must not take the account over.
        secret = logins.log_in(
            site.engine, login.name, request.form.get("old", ""), caller(), site.clock()
        )
        with writing(site.engine) as session:
            users.set_password(
                session,
                login.name,
                password,
                who=login.name,
                now=now,
                but=logins.digest(secret),
            )
    except LoginError as error:
        told = str(error) if error.retry_after else "the old password is wrong"
        return _page(error=told), 429 if error.retry_after else 400
    except RefusedError as error:
        return _page(error=in_words(error, {"password": "New password"})), 400
    response = cast("Response", redirect(ACCOUNT, 303))
    cookies.give_session(response, secret)
    return response


@blueprint.post(f"{ACCOUNT}/sessions/<public_id>/revoke")
@needs("user")
def end_session(public_id: str) -> Response:
    """One of my sessions ends, or with `others` all but this one."""
    site = current_site()
    login = _login()
    now = int(site.clock())
    with writing(site.engine) as session:
        if public_id == "others":
            users.end_sessions(session, login.name, who=login.name, now=now, but=login.digest)
        else:
            owner = users.ensure_user(session, login.name)
            users.end_session(session, public_id, who=login.name, now=now, owner=owner)
    return cast("Response", redirect(ACCOUNT, 303))


@blueprint.post(f"{ACCOUNT}/tokens")
@needs("user")
def add_token() -> str | tuple[str, int]:
    """A token of mine, shown this once."""
    site = current_site()
    login = _login()
    try:
        with writing(site.engine) as session:
            owner = users.ensure_user(session, login.name)
            text = make_token(session, request.form, login.name, int(site.clock()), owner)
    except TokenMadeError as error:
        return _page(error=str(error)), 409
    except RefusedError as error:
        return _page(error=in_words(error, LABELS)), 400
    return _page(made=text)


@blueprint.post(f"{ACCOUNT}/tokens/<token_id>/revoke")
@needs("user")
def revoke_token(token_id: str) -> Response | tuple[str, int]:
    """A token of mine is good for nothing any more."""
    site = current_site()
    login = _login()
    try:
        with writing(site.engine) as session:
            tokens.revoke(
                session,
                token_id,
                who=login.name,
                now=int(site.clock()),
                owner=users.ensure_user(session, login.name),
            )
    except RefusedError as error:
        return _page(error=str(error)), 404
    return cast("Response", redirect(ACCOUNT, 303))


def _typed_twice() -> str:
    """The new password."""
    if request.form.get("new", "") != request.form.get("again", ""):
        raise RefusedError("password", "is not twice the same; type the new one again")
    return request.form.get("new", "")


def _login() -> Login:
    login = current_login()
    if login is None:
        raise Forbidden("Only somebody who is logged in has an account.")
    return login


def _page(error: str = "", made: str = "") -> str:
    site = current_site()
    now = site.clock()
    login = _login()
    with reading(site.engine) as session:
        user = _user(session, login)
        return render_template(
            "account.html",
            cycle=cycle_line(session, now),
            user=user,
            error=error,
            made=made,
            scopes=tokens.scopes_of(user.role),
            days=DAYS,
            key_field=key_field(),
            tokens=[token_row(t, now) for t in kept_tokens.all_tokens(session, user.id)],
            sessions=[session_row(s, now, login) for s in sessions.running(session, now, user.id)],
        )


def _user(session: Session, login: Login) -> User:
    user = kept_users.by_id(session, login.user_id)
    if user is None:
        raise Forbidden("You have just been removed.")
    return user

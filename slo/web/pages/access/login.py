"""Logging in by name and password, and logging out."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.exceptions import Forbidden

from slo.access import logins
from slo.access.logins import Caller, LoginError
from slo.access.mode import is_loopback_name
from slo.store import sessions, users
from slo.store.engine import reading, writing
from slo.web import cookies, csrf
from slo.web.identity import current_identity, current_login
from slo.web.permission import LOGIN, needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from slo.config.settings import Settings

blueprint = Blueprint("login_pages", __name__)

_LONGEST_NEXT = 2000


@blueprint.get(LOGIN)
@needs("public")
def show_login() -> Response:
    """The form, or where one was going for whom there is nothing to log in to."""
    to = local(request.args.get("next", ""))
    if current_identity().kind in {"open", "user"}:
        return cast("Response", redirect(to, 303))
    return form(to)


@blueprint.post(LOGIN)
@needs("public")
def log_in() -> Response:
    """A session for a name and its password."""
    site = current_site()
    to = local(request.form.get("next", ""))
    csrf.ensure_field(cookies.login_cookie())
    ensure_private(site.settings)
    name = request.form.get("name", "")[:200]
    try:
        secret = logins.log_in(
            site.engine, name, request.form.get("password", ""), caller(), site.clock()
        )
    except LoginError as error:
        return form(to, name, error)
    return entered(secret, to)


@blueprint.post("/logout")
@needs("public")
def log_out() -> Response:
    """The session ends, here and in the store."""
    login = current_login()
    if login is not None:
        with writing(current_site().engine) as session:
            sessions.end(session, login.digest)
    response = cast("Response", redirect(LOGIN, 303))
    cookies.take_session(response)
    return response


def caller() -> Caller:
    """Where the request comes from."""
    return Caller(request.remote_addr or "", request.headers.get("User-Agent", ""))


def entered(secret: str, to: str) -> Response:
    """On to a page with a new session; one that the browser had before ends."""
    login = current_login()
    if login is not None:
        with writing(current_site().engine) as session:
            sessions.end(session, login.digest)
    response = cast("Response", redirect(to, 303))
    cookies.give_session(response, secret)
    return response


def local(to: str) -> str:
    """Where to go after the login: a path of this site, and of no other."""
    plain = to.isprintable() and "\\" not in to and len(to) <= _LONGEST_NEXT
    # Checked before it is parsed: `//[` is no URL at all.
    if not plain or not to.startswith("/") or to.startswith("//"):
        return "/"
    return "/" if urlsplit(to).path.startswith((LOGIN, "/logout")) else to


def form(to: str, name: str = "", error: LoginError | None = None) -> Response:
    """The login page; `to` is where one goes from there, `error` why one is still here."""
    site = current_site()
    settings = site.settings
    with reading(site.engine) as session:
        anybody = users.exist(session)
    secret = cookies.login_cookie() or secrets.token_urlsafe(16)
    oidc = settings.site.oidc
    page = render_template(
        "login.html",
        cycle=None,
        csrf_login=csrf.field_for(secret),
        to=to,
        name=name,
        error="" if error is None else str(error),
        anybody=anybody,
        provider="" if oidc is None else urlsplit(oidc.issuer).hostname,
        oidc_url=f"{LOGIN}/oidc?{urlencode({'next': to})}",
    )
    status = 200 if error is None else 429 if error.retry_after else 403
    response = Response(page, status, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    if error is not None and error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    cookies.give_login(response, secret)
    return response


def ensure_private(settings: Settings) -> None:
    """Refuses a password that came in the clear to a site that is reached by TLS."""
    named = urlsplit(f"//{request.host}").hostname or ""
    if settings.url.startswith("https:") and not (request.is_secure or is_loopback_name(named)):
        raise Forbidden(
            f"This site is reached by {settings.url}, but this request came without TLS. If a "
            "proxy stands before it, slo.yaml has to say so: site.proxies: 1."
        )

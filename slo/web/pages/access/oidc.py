"""Logging in at the OpenID Connect provider: there, and back."""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, redirect, request
from werkzeug.exceptions import NotFound

from slo.access import logins
from slo.access.arriving import let_in, turn_out
from slo.access.logins import LoginError
from slo.access.oidc import CALLBACK, OidcError, Provider, new_secrets
from slo.store import oidc_logins
from slo.store.engine import writing
from slo.store.oidc_logins import Pending
from slo.web import cookies
from slo.web.pages.access.login import caller, ensure_private, entered, form, local
from slo.web.permission import needs
from slo.web.site import current_site
from slo.web.turns import turn

if TYPE_CHECKING:
    from slo.access.oidc import Person
    from slo.config.settings import Oidc

blueprint = Blueprint("oidc_pages", __name__)


@blueprint.get("/login/oidc")
@needs("public")
def begin_oidc() -> Response:
    """Sends the browser to the provider."""
    site = current_site()
    provider = _provider()
    ensure_private(site.settings)
    to = local(request.args.get("next", ""))
    state, nonce, verifier = new_secrets()
    browser = secrets.token_urlsafe(16)
    try:
        url = provider.begin(state, nonce, verifier)
    except OidcError as error:
        return form(to, error=LoginError(f"Logging in does not work now: {error}."))
    with turn(), writing(site.engine) as session:
        oidc_logins.put(
            session,
            Pending(
                logins.digest(state),
                logins.digest(browser),
                nonce,
                verifier,
                to,
                int(site.clock()),
            ),
        )
    response = cast("Response", redirect(url, 303))
    cookies.give_login(response, browser)
    return response


@blueprint.get(CALLBACK)
@needs("public")
def finish_oidc() -> Response:
    """The browser comes back from the provider, with a code that says who it is."""
    site = current_site()
    provider = _provider()
    digest = logins.digest(request.args.get("state", ""))
    with turn(), writing(site.engine) as session:
        pending = oidc_logins.take(session, digest, site.clock())
    browser = logins.digest(cookies.login_cookie())
    if pending is None or not secrets.compare_digest(pending.browser, browser):
        told = "This login was not begun in this browser, is too old, or was used before."
        return form("/", error=LoginError(f"{told} Begin again."))
    if "code" not in request.args:
        said = request.args.get("error", "nothing")[:100]
        return form(pending.next, error=LoginError(f"Logging in failed: the provider said {said}."))
    try:
        person = provider.finish(request.args["code"], pending, site.clock())
        return entered(_arrive(person), pending.next)
    except OidcError as error:
        return form(pending.next, error=LoginError(f"Logging in failed: {error}."))
    except LoginError as error:
        return form(pending.next, error=error)


def _arrive(person: Person) -> str:
    """The id of a new session; who is refused loses those of before."""
    site = current_site()
    now = int(site.clock())
    try:
        with turn(), writing(site.engine) as session:
            return let_in(session, person, caller(), now)
    except LoginError:
        with turn(), writing(site.engine) as session:
            turn_out(session, person, caller(), now)
        raise


def _provider() -> Provider:
    settings = current_site().settings
    if settings.site.oidc is None:
        raise NotFound
    return _provider_of(settings.site.oidc, f"{settings.url}{CALLBACK}")


@lru_cache(maxsize=4)
def _provider_of(oidc: Oidc, redirect_uri: str) -> Provider:
    """The same one for the same settings, since it keeps what the provider publishes."""
    return Provider(oidc, redirect_uri)

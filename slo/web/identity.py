"""The identity of a request: who asks, as the audit will name them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from flask import g, request

from slo.access import logins, tokens
from slo.access.mode import mode_of
from slo.domain.access import OPEN, ROLES, Identity, anonymous
from slo.domain.token import token_digest
from slo.store import sessions, users
from slo.store import tokens as kept_tokens
from slo.store.engine import StoreBusy, StoreError, writing_at_once
from slo.web.cookies import session_cookie
from slo.web.glance import glance
from slo.web.proxies import comes_from_here
from slo.web.site import Scraper, current_site

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from slo.store.sessions import Login

_log = logging.getLogger(__name__)

_KEY, _LOGIN = "slo_identity", "slo_login"
_NOTED_EVERY, _TRIED_EVERY = 60, 5
"""Seconds between two notes of when a session or a token was used, and between two tries."""
_MOST_TRIED = 1000
BEARER = "bearer "
METRICS = "health.show_metrics"
_MOST_SCRAPERS, _SCRAPER_SECONDS = 100, 3600
"""Who may read /metrics while the store is away: how many, and for how long after the last time."""
UNASKED = frozenset({"health.show_health", "health.show_readiness", "static"})
"""What everybody may see, whatever name or state the site has."""


def current_identity() -> Identity:
    """Who asks; `OPEN` where the site runs without login, nobody while that is not known yet."""
    return cast("Identity", g.get(_KEY) or anonymous())


def current_login() -> Login | None:
    """The session of the user who asks; None: it is no user."""
    return cast("Login | None", g.get(_LOGIN))


def who(said: str | None, otherwise: str) -> str:
    """The name for the audit: the login's own, else what the request says, else `otherwise`."""
    return current_identity().name or (said or "").strip() or otherwise


def may_know_inside() -> bool:
    """Whether who asks may know how the service is built: they read, or are at its machine."""
    return current_identity().may("read") or comes_from_here()


def has_bearer() -> bool:
    """Whether the request brings a token; browsers never do so by themselves."""
    return request.headers.get("Authorization", "").lower().startswith(BEARER)


def identify() -> None:
    """Finds out who asks, by one look into the store.

    Health and static files ask nobody, so they answer while the store does not.
    """
    if request.endpoint in UNASKED:
        setattr(g, _KEY, _anonymous())
        return
    try:
        setattr(g, _KEY, _identity())
    except StoreError:
        if request.endpoint not in {None, METRICS}:
            raise
        setattr(g, _KEY, _without_store())


def identify_as(identity: Identity) -> None:
    """Says who asks, where the service asks itself."""
    setattr(g, _KEY, identity)


def _identity() -> Identity:
    site = current_site()
    if has_bearer():
        return _of_token(_bearer())
    if mode_of(site.settings.site, users=False) == "open":
        return OPEN
    secret = session_cookie()
    login, mode = None, "login"
    with glance() as session:
        if secret:
            login = sessions.of_digest(session, logins.digest(secret), site.clock())
        if login is None:
            mode = mode_of(site.settings.site, users=users.exist(session))
    if login is not None:
        return _of_login(login)
    # Where nobody can log in, only this machine itself gets in.
    return OPEN if mode == "loopback" and comes_from_here() else _anonymous()


def _without_store() -> Identity:
    """Who asks for /metrics while the store, of which it has to tell, does not answer."""
    site = current_site()
    if has_bearer():
        now = int(site.clock())
        seen = site.scrapers.get(token_digest(_bearer()))
        # The store would say whether it is still good; so what was seen holds for a while only.
        if seen is None or seen.token.over(now) or now - seen.seen_at > _SCRAPER_SECONDS:
            return _anonymous()
        return seen.identity
    if site.settings.site.auth == "" and comes_from_here():
        return Identity("", "open", frozenset({"metrics"}))
    return _anonymous()


def _bearer() -> str:
    return request.headers["Authorization"][len(BEARER) :].strip()


def _of_token(text: str) -> Identity:
    site = current_site()
    now = int(site.clock())
    with glance() as session:
        found = tokens.known(session, text, now)
    if found is None:
        site.scrapers.pop(token_digest(text), None)
        return _anonymous()
    token, role = found
    if now - (token.used_at or 0) >= _NOTED_EVERY:
        _note(token.id, now, lambda session: kept_tokens.touch(session, token.id, now))
    name = f"token {token.name}" if token.owner is None else f"{token.owner} (token {token.name})"
    who_asks = Identity(name, "token", tokens.permissions(token, role))
    if request.endpoint == METRICS:
        _keep(Scraper(token, who_asks, now))
    return who_asks


def _keep(scraper: Scraper) -> None:
    """Remembers who reads /metrics, in place of whom it has not seen for the longest time."""
    kept = current_site().scrapers
    kept.pop(scraper.token.digest, None)
    for digest in list(kept)[: max(0, len(kept) + 1 - _MOST_SCRAPERS)]:
        kept.pop(digest, None)
    kept[scraper.token.digest] = scraper


def _of_login(login: Login) -> Identity:
    setattr(g, _LOGIN, login)
    now = int(current_site().clock())
    if now - login.seen_at >= _NOTED_EVERY:
        _note(login.digest, now, lambda session: sessions.touch(session, login, now))
    return Identity(login.name, "user", ROLES[login.role])


def _note(key: str, now: int, write: Callable[[Session], None]) -> None:
    """Notes a use, if the store lets it at once: nobody who reads waits for those who write.

    What was not noted is tried again soon, and not by each of many requests.
    """
    site = current_site()
    if now - site.tried.get(key, 0) < _TRIED_EVERY:
        return
    if len(site.tried) >= _MOST_TRIED:
        site.tried.clear()
    site.tried[key] = now
    try:
        with writing_at_once(site.engine) as session:
            write(session)
    except StoreBusy:
        _log.debug("when a login was used is noted later: the store is being written")
    except StoreError as error:
        # A full disk must not keep people from reading.
        _log.warning("when a login was used is not noted: %s", error)


def _anonymous() -> Identity:
    return anonymous(current_site().settings.site.public)

"""Cookies: the session's, and the one that a login begins with. Neither holds anything but an id.

Over TLS their names begin with `__Host-`, so that no other site of the domain can set them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from slo.store.sessions import LONGEST_SECONDS

if TYPE_CHECKING:
    from flask import Response

_SESSION, _LOGIN = "session", "login"
_LOGIN_SECONDS = 3600


def session_cookie() -> str:
    """The id of the session that the browser says it has; empty: none."""
    return request.cookies.get(_name(_SESSION), "")


def login_cookie() -> str:
    """What the browser was given when it opened the login page; empty: nothing."""
    return request.cookies.get(_name(_LOGIN), "")


def give_session(response: Response, secret: str) -> None:
    """Lets the browser keep the session, and forget how it logged in."""
    _set(response, _SESSION, secret, LONGEST_SECONDS)
    _set(response, _LOGIN, "", 0)


def give_login(response: Response, secret: str) -> None:
    """Marks the browser that opens the login page."""
    _set(response, _LOGIN, secret, _LOGIN_SECONDS)


def take_session(response: Response) -> None:
    """Lets the browser forget the session."""
    _set(response, _SESSION, "", 0)


def _name(plain: str) -> str:
    return f"__Host-{plain}" if request.is_secure else plain


def _set(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        _name(name),
        value,
        max_age=seconds,
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )

"""Permissions of routes: each says what it asks for, and one that says nothing is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlencode

from flask import current_app, redirect, request
from werkzeug.exceptions import Forbidden

from slo.web.identity import current_identity, has_bearer
from slo.web.origin import SAFE
from slo.web.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug import Response

    from slo.domain.access import Permission

V = TypeVar("V", bound="Callable[..., Any]")
_ATTRIBUTE = "slo_permission"
LOGIN = "/login"


class LoggedOutError(Forbidden):
    """Somebody sent a form whose session is over."""

    description = "Nothing was changed. Log in, go back to the page, and send it again."


def needs(permission: Permission) -> Callable[[V], V]:
    """A decorator that says what a view asks for; it stands right above the function."""

    def declare(view: V) -> V:
        setattr(view, _ATTRIBUTE, permission)
        return view

    return declare


def permission_of(view: Callable[..., Any]) -> Permission | None:
    """What a view asks for; None: it says nothing, so nobody may."""
    return cast("Permission | None", getattr(view, _ATTRIBUTE, None))


def ensure_permitted() -> Response | None:
    """Refuses a request for a view that the one who asks may not see.

    Who has not logged in is sent to the login page, and a program told to bring a token.
    """
    if request.endpoint is None or request.endpoint == "static":
        return None
    permission = permission_of(current_app.view_functions[request.endpoint])
    who = current_identity()
    if permission is not None and who.may(permission):
        return None
    if who.kind != "anonymous" or permission is None:
        raise Forbidden(_denied(permission))
    if has_bearer():
        raise wrong_token()
    if not _is_page():
        detail = "bring a token: Authorization: Bearer slo_...; `slo token add` makes one"
        raise ProblemError(401, detail, headers={"WWW-Authenticate": "Bearer"})
    if request.method not in SAFE:
        raise LoggedOutError
    there = request.full_path if request.query_string else request.path
    return redirect(f"{LOGIN}?{urlencode({'next': there})}", 303)


def wrong_token() -> ProblemError:
    """The problem of a token that lets nobody in."""
    detail = "the token is mistyped, expired or revoked, or its owner was disabled"
    return ProblemError(401, detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def _is_page() -> bool:
    """Whether people look at it; blueprints of pages are named so."""
    return (request.blueprint or "").endswith(("pages", "page"))


def _denied(permission: Permission | None) -> str:
    who = current_identity()
    if permission == "user" and who.kind == "open":
        return "Nobody logs in here, so nobody has an account."
    if who.kind == "token":
        return f"The scope of this token does not let it {_WORDS.get(permission, 'do this')}."
    return f"Your role does not let you {_WORDS.get(permission, 'do this')}."


_WORDS: dict[Permission | None, str] = {
    "status": "see the status page",
    "metrics": "read metrics",
    "read": "read this",
    "gate": "ask for gates",
    "annotate": "annotate",
    "write": "change this",
    "user": "have an account",
    "admin": "administer this",
}

"""Permissions of routes: each says what it asks for, and one that says nothing is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import current_app, request
from werkzeug.exceptions import Forbidden

from slo.web.identity import current_identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from slo.domain.access import Permission

V = TypeVar("V", bound="Callable[..., Any]")
_ATTRIBUTE = "slo_permission"


def needs(permission: Permission) -> Callable[[V], V]:
    """A decorator that says what a view asks for; it stands right above the function."""

    def declare(view: V) -> V:
        setattr(view, _ATTRIBUTE, permission)
        return view

    return declare


def permission_of(view: Callable[..., Any]) -> Permission | None:
    """What a view asks for; None: it says nothing, so nobody may."""
    return cast("Permission | None", getattr(view, _ATTRIBUTE, None))


def ensure_permitted() -> None:
    """Refuses a request for a view that the one who asks may not see."""
    if request.endpoint is None or request.endpoint == "static":
        return
    permission = permission_of(current_app.view_functions[request.endpoint])
    if permission is None or not current_identity().may(permission):
        raise Forbidden("You may not do this.")

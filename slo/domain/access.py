"""Access: who somebody is, and what they may do. Deny is the default everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Collection

Permission = Literal[
    "public", "status", "metrics", "read", "gate", "annotate", "write", "user", "admin"
]
"""What a route asks for.

`public` is everybody's: health, the login page, static files. `status` is the status
page, its badges and feed, which a setting makes public. `user` is a person's own account.
"""
Role = Literal["viewer", "editor", "admin"]
Scope = Literal["metrics", "gate", "annotate", "read", "write", "admin"]
"""What an API token may do: one narrow thing, or what the role of that reach may."""

PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
_READ: frozenset[Permission] = frozenset({"public", "status", "metrics", "read", "gate"})
_WRITE: frozenset[Permission] = _READ | {"annotate", "write"}

ROLES: dict[Role, frozenset[Permission]] = {
    "viewer": _READ | {"user"},
    "editor": _WRITE | {"user"},
    "admin": _WRITE | {"user", "admin"},
}
SCOPES: dict[Scope, frozenset[Permission]] = {
    "metrics": frozenset({"public", "metrics"}),
    "gate": frozenset({"public", "gate"}),
    "annotate": frozenset({"public", "annotate"}),
    "read": _READ,
    "write": _WRITE,
    "admin": _WRITE | {"admin"},
}

LONGEST_NAME = 250
"""Characters of the name under which somebody acts: a user's, and that of a token of theirs."""

IdentityKind = Literal["open", "anonymous", "user", "token"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: a user, a token, nobody in particular (`open`), or nobody known."""

    name: str
    kind: IdentityKind
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        """Whether the permission is given."""
        return permission in self.permissions


OPEN = Identity("", "open", frozenset(PERMISSIONS) - {"user"})
"""Everybody, where the site runs without login."""


def anonymous(public: Collection[Permission] = ()) -> Identity:
    """Somebody who has not logged in; `public` is what everybody may see beside the login page."""
    return Identity("", "anonymous", frozenset({"public", *public}))

"""Models of users, tokens and the audit."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from slo.domain.access import IdentityKind, Permission, Role, Scope
from slo.domain.token import DEFAULT_DAYS
from slo.web.api.models.base import NEXT, Ago, Answer, Body, ListQuery, Name, Time

_ROLE = "What they may do: see, act, or manage users too."


class UserAnswer(Answer):
    """Somebody who can log in."""

    name: str = Field(description="What they log in as.")
    role: Role | None = Field(
        description=f"{_ROLE} Null: the provider gave them none at the last login."
    )
    login: str = Field(description="`password`, or `oidc`: at the provider.")
    disabled: bool = Field(description="Whether they are not let in.")
    created_at: Time = Field(description="When it was made.")
    seen_at: Time | None = Field(description="When they were seen last; null: never.")


class UserQuery(ListQuery):
    """Which users to list."""


class UserListAnswer(Answer):
    """All users."""

    users: list[UserAnswer] = Field(description="The users, by name.")
    next: str | None = Field(description=NEXT)


class UserBody(Body):
    """A user to be added."""

    name: Name = Field(description="What they log in as.", examples=["ada"])
    role: Role = Field(description=_ROLE)
    password: str = Field(description="12 characters or more; they change it at their account.")


class UserChange(Body):
    """What changes of a user; what is left out stays."""

    role: Role | None = Field(default=None, description=_ROLE)
    password: str | None = Field(default=None, description="Another password.")
    disabled: bool | None = Field(default=None, description="Whether they are not let in.")


class RevokedAnswer(Answer):
    """How many sessions ended."""

    sessions: int = Field(description="The number of sessions that ended.")


class SessionQuery(ListQuery):
    """Which sessions to list."""

    user: Name | None = Field(default=None, description="Only those of one user.")


class SessionAnswer(Answer):
    """Somebody who is logged in at some place."""

    id: str = Field(description="What names it; it lets nobody in.")
    user: str = Field(description="Who is logged in.")
    address: str = Field(description="From where.")
    agent: str = Field(description="What their browser says of itself.")
    created_at: Time = Field(description="When they logged in.")
    seen_at: Time = Field(description="When they were seen last.")


class SessionListAnswer(Answer):
    """The sessions that are not over."""

    sessions: list[SessionAnswer] = Field(description="The sessions, the newest login first.")
    next: str | None = Field(description=NEXT)


class IdentityAnswer(Answer):
    """Who asks, and what they may do."""

    name: str = Field(description="As the audit names them; empty where nobody logs in.")
    kind: IdentityKind = Field(
        description="A `user`, a `token`, `open` where nobody has to log in, or `anonymous`."
    )
    permissions: list[Permission] = Field(description="What they may do.")


class TokenAnswer(Answer):
    """An API token, without its text, which nobody has any more."""

    id: str = Field(description="The second part of its text.")
    name: str = Field(description="What it is for.")
    scope: Scope = Field(description="What it may do.")
    owner: str | None = Field(description="The user whose it is; null: a service's.")
    created_by: str = Field(description="Who made it.")
    created_at: Time = Field(description="When it was made.")
    expires_at: Time | None = Field(description="When it expires; null: never.")
    used_at: Time | None = Field(description="When it was used last; null: never.")


class TokenQuery(ListQuery):
    """Which tokens to list."""


class TokenListAnswer(Answer):
    """The tokens that are not revoked."""

    tokens: list[TokenAnswer] = Field(description="The tokens, newest first.")
    next: str | None = Field(description=NEXT)


class TokenBody(Body):
    """A token to be made."""

    name: Name = Field(description="What it is for.", examples=["ci"])
    scope: Scope = Field(description="What it may do.")
    days: int | None = Field(
        default=DEFAULT_DAYS, description="When it expires; null: never, so say so."
    )
    user: Name | None = Field(
        default=None, description="Whose it is: it never may more; left out: a service's."
    )


class NewTokenAnswer(TokenAnswer):
    """A new token, with its text: here, and never again."""

    token: str = Field(description="What is sent as `Authorization: Bearer ...`.")


class AuditQuery(ListQuery):
    """Which entries of the audit."""

    who: str | None = Field(default=None, description="Only what one did.")
    action: str | None = Field(default=None, description="Only one kind of action.")
    subject: str | None = Field(
        default=None, description="Only what was done to subjects that begin so: `user/`."
    )
    start: Ago | None = Field(
        default=None, alias="from", description="Not before: a duration back from now, or a time."
    )
    to: Ago | None = Field(default=None, description="Before then.")


class AuditEntry(Answer):
    """One thing that was done."""

    id: int = Field(description="Its number; a later entry has a larger one.")
    at: Time = Field(description="When.")
    who: str = Field(description="A user, a token, or `slo.yaml`.")
    action: str = Field(description="What was done.")
    subject: str = Field(description="To what.")
    detail: dict[str, Any] = Field(description="What else there is to know.")
    old: dict[str, Any] | None = Field(description="What it was before; null: nothing.")
    new: dict[str, Any] | None = Field(description="What it is since; null: nothing.")


class AuditAnswer(Answer):
    """Entries of the audit."""

    entries: list[AuditEntry] = Field(description="The entries, newest first.")
    next: str | None = Field(description=NEXT)

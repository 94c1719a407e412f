"""Users, sessions and tokens as the pages show them, in texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.web.badge import Badge
from slo.web.moment import moment

if TYPE_CHECKING:
    from markupsafe import Markup

    from slo.domain.token import Token
    from slo.domain.user import User
    from slo.store.sessions import Login

ENABLED = Badge("healthy", "\u25cf", "may log in", "Is let in.")
DISABLED = Badge("none", "\u2016", "disabled", "Is not let in, and tokens of theirs rest.")
NO_ROLE = Badge(
    "none", "\u2016", "no role", "The provider gives them none, so tokens of theirs rest."
)
_BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")
_LONGEST_AGENT = 60


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user."""

    name: str
    role: str
    badge: Badge
    has_password: bool
    seen: Markup | str
    sessions: int
    myself: bool


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session; `current` is the one that asks."""

    id: str
    name: str
    place: str
    browser: str
    agent: str
    begun: Markup
    seen: Markup
    current: bool


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token."""

    id: str
    name: str
    scope: str
    owner: str
    made: Markup
    by: str
    expires: Markup | str
    expired: bool
    used: Markup | str


def user_row(user: User, sessions: int, now: float, login: Login | None) -> UserRow:
    """A user, with how many sessions run."""
    return UserRow(
        name=user.name,
        role=user.role or "none",
        badge=_badge(user),
        has_password=user.subject is None,
        seen="never" if user.seen_at is None else moment(user.seen_at, now),
        sessions=sessions,
        myself=login is not None and login.user_id == user.id,
    )


def session_row(login: Login, now: float, current: Login | None) -> SessionRow:
    """A session."""
    return SessionRow(
        id=login.public_id,
        name=login.name,
        place=login.address,
        browser=browser(login.agent),
        agent=login.agent,
        begun=moment(login.created_at, now),
        seen=moment(login.seen_at, now),
        current=current is not None and current.digest == login.digest,
    )


def token_row(token: Token, now: float) -> TokenRow:
    """A token."""
    return TokenRow(
        id=token.id,
        name=token.name,
        scope=token.scope,
        owner=token.owner or "",
        made=moment(token.created_at, now),
        by=token.created_by,
        expires="never" if token.expires_at is None else moment(token.expires_at, now),
        expired=bool(token.over(now)),
        used="never" if token.used_at is None else moment(token.used_at, now),
    )


def _badge(user: User) -> Badge:
    if user.disabled_at is not None:
        return DISABLED
    return ENABLED if user.role is not None else NO_ROLE


def browser(agent: str) -> str:
    """A browser by the name that people call it, or what it says of itself."""
    found = next((name for sign, name in _BROWSERS if sign in agent), "")
    system = next((name for name in _SYSTEMS if name in agent), "")
    if found:
        return f"{found} on {system}" if system else found
    return agent[:_LONGEST_AGENT] or "unknown"

"""Sessions of users in the store: who is logged in where. A session's id is not in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import delete, insert, select, update

from slo.store import schema
from slo.store.users import LET_IN

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from slo.domain.access import Role

_x, _u = schema.user_session, schema.user
IDLE_SECONDS = 8 * 3600
LONGEST_SECONDS = 7 * 86_400
PUBLIC_LENGTH = 16
"""Characters of a digest that name a session in lists."""


@dataclass(frozen=True, slots=True)
class Login:
    """One session and its user; instants in epoch seconds."""

    digest: str = field(repr=False)
    user_id: int
    name: str
    role: Role
    created_at: int
    seen_at: int
    expires_at: int
    address: str
    agent: str

    @property
    def public_id(self) -> str:
        """What names it in lists."""
        return self.digest[:PUBLIC_LENGTH]


def begin(
    session: Session, digest: str, user_id: int, at: int, *, address: str, agent: str
) -> None:
    """A new session of a user; sessions that are over go."""
    session.execute(delete(_x).where((_x.c.expires_at <= at) | (_x.c.seen_at <= at - IDLE_SECONDS)))
    row = {
        "digest": digest,
        "user_id": user_id,
        "created_at": at,
        "seen_at": at,
        "expires_at": at + LONGEST_SECONDS,
        "address": address,
        "agent": agent,
    }
    session.execute(insert(_x).values(row))


def of_digest(session: Session, digest: str, now: float) -> Login | None:
    """The session of this digest, if it is not over and its user may log in."""
    return next(iter(_found(session, now, _x.c.digest == digest)), None)


def running(session: Session, now: float, user_id: int | None = None) -> list[Login]:
    """The sessions that are not over, of one user or of all, the last seen first."""
    wanted = [] if user_id is None else [_x.c.user_id == user_id]
    return _found(session, now, *wanted)


def touch(session: Session, login: Login, at: int) -> None:
    """Notes that it was seen."""
    session.execute(
        update(_x).where(_x.c.digest == login.digest, _x.c.seen_at < at).values(seen_at=at)
    )
    session.execute(update(_u).where(_u.c.id == login.user_id).values(seen_at=at))


def end(session: Session, digest: str) -> None:
    """Ends one session."""
    session.execute(delete(_x).where(_x.c.digest == digest))


def end_named(session: Session, public_id: str, user_id: int | None = None) -> Login | None:
    """Ends the session of that public id (of that user), and gives it; None: there is none."""
    wanted = [_x.c.digest.startswith(public_id, autoescape=True)]
    if user_id is not None:
        wanted.append(_x.c.user_id == user_id)
    found = _found(session, 0, *wanted) if len(public_id) == PUBLIC_LENGTH else []
    for login in found:
        end(session, login.digest)
    return next(iter(found), None)


def end_all(session: Session, user_id: int, *, but: str = "") -> int:
    """Ends all sessions of a user but that of the digest `but`; gives how many."""
    gone = session.execute(
        delete(_x).where(_x.c.user_id == user_id, _x.c.digest != but).returning(_x.c.digest)
    )
    return len(gone.all())


def _found(session: Session, now: float, *wanted: ColumnElement[bool]) -> list[Login]:
    query = (
        select(
            _x.c.digest,
            _x.c.user_id,
            _u.c.name,
            _u.c.role,
            _x.c.created_at,
            _x.c.seen_at,
            _x.c.expires_at,
            _x.c.address,
            _x.c.agent,
        )
        .join(_u, _u.c.id == _x.c.user_id)
        .where(
            LET_IN,
            _x.c.expires_at > now,
            _x.c.seen_at > now - IDLE_SECONDS,
            *wanted,
        )
        .order_by(_x.c.seen_at.desc(), _x.c.digest)
    )
    return [_login(*row) for row in session.execute(query)]


def _login(digest: str, user_id: int, name: str, role: str, *rest: Any) -> Login:
    return Login(digest, user_id, name, cast("Role", role), *rest)

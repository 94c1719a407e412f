"""Users in the store, with their passwords' hashes. Every change is audited by who makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import and_, delete, insert, select, true, update

from slo.domain.user import User
from slo.store import dialect, schema
from slo.store.recall import recall

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from slo.domain.access import Role

_u = schema.user
_COLUMNS = (
    _u.c.id,
    _u.c.name,
    _u.c.role,
    _u.c.created_at,
    _u.c.password.is_not(None),
    _u.c.subject,
    _u.c.seen_at,
    _u.c.disabled_at,
)
NO_ROLE = ""
"""What is kept as the role of a user who has none."""
LET_IN = and_(_u.c.disabled_at.is_(None), _u.c.role != NO_ROLE)
"""Whether sessions and tokens of a user are good for anything."""
_ANY = select(_u.c.id).limit(1)
"""Made once: every request asks it, and making it costs more than the answer."""


def hold(session: Session) -> None:
    """Waits for other changes of users, so that what is read stays true until it is written."""
    dialect.lock(session, dialect.Lock.USERS)


def exist(session: Session) -> bool:
    """Whether there is a user at all."""

    def ask() -> bool:
        return session.connection().execute(_ANY).first() is not None

    return recall(session, "users", ask)


def all_users(session: Session) -> list[User]:
    """All users by name."""
    return _found(session)


def named(session: Session, name: str) -> User | None:
    """The user of this name."""
    return next(iter(_found(session, _u.c.name == name)), None)


def by_id(session: Session, user_id: int) -> User | None:
    """The user with this id."""
    return next(iter(_found(session, _u.c.id == user_id)), None)


def of_subject(session: Session, subject: str) -> User | None:
    """The user who comes by OpenID Connect as `subject`."""
    return next(iter(_found(session, _u.c.subject == subject)), None)


def admins(session: Session, *, provider: bool) -> set[int]:
    """The ids of the admins who can log in: with a password, or where there is a `provider`."""
    able = true() if provider else _u.c.subject.is_(None)
    return set(session.scalars(select(_u.c.id).where(_u.c.role == "admin", LET_IN, able)))


def password_of(session: Session, user_id: int) -> str | None:
    """The hash of the user's password; None: there is none."""
    return session.execute(select(_u.c.password).where(_u.c.id == user_id)).scalar()


def add(
    session: Session,
    name: str,
    role: Role,
    at: int,
    *,
    password: str | None = None,
    subject: str | None = None,
) -> User:
    """A new user; `password` is its hash."""
    row = {
        "name": name,
        "role": role,
        "password": password,
        "subject": subject,
        "created_at": at,
    }
    number: int = session.execute(insert(_u).values(row).returning(_u.c.id)).scalar_one()
    return User(number, name, role, at, has_password=password is not None, subject=subject)


def change(session: Session, user_id: int, **values: Any) -> None:
    """Writes columns of a user."""
    session.execute(update(_u).where(_u.c.id == user_id).values(**values))


def remove(session: Session, user_id: int) -> None:
    """Removes the row of a user who has no sessions and no tokens any more."""
    session.execute(delete(_u).where(_u.c.id == user_id))


def _found(session: Session, *wanted: ColumnElement[bool]) -> list[User]:
    query = select(*_COLUMNS).where(*wanted).order_by(_u.c.name)
    return [
        User(
            number,
            name,
            cast("Role | None", role or None),
            created_at,
            has_password=bool(has_password),
            subject=subject,
            seen_at=seen_at,
            disabled_at=disabled_at,
        )
        for (
            number, name, role, created_at, has_password, subject, seen_at, disabled_at,
        ) in session.execute(query)
    ]  # fmt: skip

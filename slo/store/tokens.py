"""API tokens in the store, by their id; the tokens themselves are not in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import bindparam, or_, select, update

from slo.domain.token import Token
from slo.store import schema
from slo.store.dialect import insert
from slo.store.users import LET_IN

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.orm import Session

    from slo.domain.access import Role, Scope

_t, _u = schema.token, schema.user
_ALL = (
    select(_t, _u.c.name.label("owner"), _u.c.role)
    .join(_u, _u.c.id == _t.c.user_id, isouter=True)
    .order_by(_t.c.created_at.desc(), _t.c.id)
)
_OF_ID = _ALL.where(_t.c.id == bindparam("token_id"), or_(_t.c.user_id.is_(None), LET_IN))
"""Made once: every request of a program asks it, and making it costs more than the answer."""


def add(session: Session, token: Token, user_id: int | None) -> bool:
    """Keeps a token of a user or of a service; false where one with its id is there already."""
    row = {
        "id": token.id,
        "name": token.name,
        "digest": token.digest,
        "scope": token.scope,
        "user_id": user_id,
        "created_by": token.created_by,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
    }
    fresh = insert(session, _t).values(row).on_conflict_do_nothing(index_elements=[_t.c.id])
    return session.execute(fresh.returning(_t.c.id)).scalar() is not None


def for_use(session: Session, token_id: str) -> tuple[Token, Role | None] | None:
    """The token of that id, and its owner's role; None: there is none, or it rests."""
    row = session.connection().execute(_OF_ID, {"token_id": token_id}).first()
    return None if row is None else (_token(row), cast("Role | None", row.role))


def one(session: Session, token_id: str) -> Token | None:
    """The token of that id."""
    return next((_token(row) for row in _rows(session, _t.c.id == token_id)), None)


def all_tokens(session: Session, user_id: int | None = None) -> list[Token]:
    """The tokens of a user, or all, newest first; those that were revoked are not among them."""
    wanted: list[ColumnElement[bool]] = [_t.c.revoked_at.is_(None)]
    if user_id is not None:
        wanted.append(_t.c.user_id == user_id)
    return [_token(row) for row in _rows(session, *wanted)]


def touch(session: Session, token_id: str, at: int) -> None:
    """Notes that it was used."""
    session.execute(update(_t).where(_t.c.id == token_id).values(used_at=at))


def revoke(session: Session, token_id: str, at: int) -> None:
    """It is good for nothing from `at` on."""
    session.execute(
        update(_t).where(_t.c.id == token_id, _t.c.revoked_at.is_(None)).values(revoked_at=at)
    )


def revoke_all(session: Session, user_id: int, at: int) -> None:
    """Revokes the tokens of a user who is about to be removed, and lets go of the user."""
    session.execute(
        update(_t).where(_t.c.user_id == user_id, _t.c.revoked_at.is_(None)).values(revoked_at=at)
    )
    session.execute(update(_t).where(_t.c.user_id == user_id).values(user_id=None))


def _rows(session: Session, *wanted: ColumnElement[bool]) -> list[Row[Any]]:
    return list(session.execute(_ALL.where(*wanted)))


def _token(row: Row[Any]) -> Token:
    return Token(
        row.id,
        row.name,
        cast("Scope", row.scope),
        row.created_by,
        row.created_at,
        row.expires_at,
        row.digest,
        row.owner,
        row.used_at,
        row.revoked_at,
    )

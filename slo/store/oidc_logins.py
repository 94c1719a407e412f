"""Logins that were sent to the OpenID Connect provider; each comes back once, or never."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from slo.store import schema

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_x = schema.oidc_login
LONGEST_SECONDS = 600
"""In which somebody has to have logged in at the provider."""
MOST = 10_000
"""Anybody can begin a login, so only so many are kept."""


@dataclass(frozen=True, slots=True)
class Pending:
    """One login under way; `digest` is of its state, `browser` of the cookie it began with."""

    digest: str
    browser: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    next: str
    at: int


def put(session: Session, pending: Pending) -> None:
    """Keeps it, and forgets those that took too long or are too many."""
    session.execute(delete(_x).where(_x.c.at <= pending.at - LONGEST_SECONDS))
    newest = select(_x.c.digest).order_by(_x.c.at.desc()).limit(MOST - 1)
    session.execute(delete(_x).where(_x.c.digest.not_in(newest)))
    row = {name: getattr(pending, name) for name in Pending.__slots__}
    session.execute(insert(_x).values(row))


def take(session: Session, digest: str, now: float) -> Pending | None:
    """The login of this state, which is gone then; None: there is none, or it took too long."""
    columns = [_x.c[name] for name in Pending.__slots__]
    row = session.execute(delete(_x).where(_x.c.digest == digest).returning(*columns)).first()
    if row is None or row.at <= now - LONGEST_SECONDS:
        return None
    return Pending(*row)

"""Failed logins in the store, by a key: an address, an account, or a place known to be good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from slo.domain.throttle import FORGOTTEN_AFTER, NONE, Failures
from slo.store import dialect, schema

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

_x = schema.throttle
_KNOWN_FOR = 30 * 86_400
"""Seconds for which a place is known after a login there; its rows have no failures."""


def hold(session: Session) -> None:
    """Waits for other tries, so that none of several at once goes uncounted."""
    dialect.lock(session, dialect.Lock.LOGINS)


def failures(session: Session, keys: Collection[str]) -> dict[str, Failures]:
    """The failures of each key, none where it is unknown."""
    rows = session.execute(select(_x).where(dialect.among(session, _x.c.key, keys)))
    return dict.fromkeys(keys, NONE) | {key: Failures(number, at) for key, number, at in rows}


def put(session: Session, key: str, found: Failures) -> None:
    """Keeps the failures of a key, and forgets those of others that no longer count."""
    now = found.at
    session.execute(
        delete(_x).where(
            ((_x.c.failures > 0) & (_x.c.at < now - FORGOTTEN_AFTER)) | (_x.c.at < now - _KNOWN_FOR)
        )
    )
    statement = dialect.insert(session, _x).values(key=key, failures=found.number, at=found.at)
    statement = statement.on_conflict_do_update(
        index_elements=[_x.c.key],
        set_={"failures": statement.excluded.failures, "at": statement.excluded.at},
    )
    session.execute(statement)


def forget(session: Session, key: str) -> None:
    """Forgets the failures of a key."""
    session.execute(delete(_x).where(_x.c.key == key))

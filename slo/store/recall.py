"""Answers kept while the store does not change: gates ask the same few things again and again.

SQLite tells by one number whether any other connection, of this process or another, has
committed since (`PRAGMA data_version`, sqlite.org/pragma.html). The number means something
only to the connection that read it, so each keeps its own answers; PostgreSQL has no such
number, and is asked each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

T = TypeVar("T")

_KEPT = "slo_kept"
RECALLING = "slo_recalling"
"""The connection's option that lets answers be kept; whoever sets it calls `look` first."""
_MOST_KEPT = 1000


def look(connection: Connection) -> None:
    """Drops what the connection has kept if the store has changed since."""
    version = connection.exec_driver_sql("PRAGMA data_version").scalar()
    if connection.info.get(_KEPT, (None,))[0] != version:
        connection.info[_KEPT] = (version, {})


def forget(connection: Connection) -> None:
    """Drops what the connection has kept: it is about to write, which its number will not tell."""
    connection.info.pop(_KEPT, None)


def recall(session: Session, key: Hashable, ask: Callable[[], T]) -> T:
    """What `ask` gives, or gave before if the store is still the same.

    The answer must stay right while the store is the same, and nobody may change it. Only
    sessions of `glancing` keep answers.
    """
    connection = session.connection()
    if not connection.get_execution_options().get(RECALLING, False):
        return ask()
    _, kept = connection.info[_KEPT]
    if key not in kept:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[key] = ask()
    return cast("T", kept[key])

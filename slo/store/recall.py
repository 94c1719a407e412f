"""Answers kept while the store does not change: gates ask the same few things again and again.

SQLite tells by one number whether any other connection, of this process or another, has
committed since (`PRAGMA data_version`, sqlite.org/pragma.html). The number means something
only to the connection that read it, so each keeps its own answers; PostgreSQL has no such
number, and is asked each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from sqlalchemy import Connection, Engine
    from sqlalchemy.orm import Session

T = TypeVar("T")

_KEPT = "slo_kept"
_RECALLED = "slo_recalled"
_MOST_KEPT = 1000


def recalled(engine: Engine) -> dict[str, Any]:
    """What makes a session recall, as its `info`: the answers that hold at this moment.

    One statement and no transaction; what is recalled then needs no session's connection.
    Whoever asks the store himself learns of this moment or of a later one, so an answer
    can be newer than the number it is kept under, but never older.
    """
    if engine.dialect.name != "sqlite":
        return {}
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        version = cursor.execute("PRAGMA data_version").fetchone()[0]
        cursor.close()
        if connection.info.get(_KEPT, (None,))[0] != version:
            connection.info[_KEPT] = (version, {})
        return {_RECALLED: connection.info[_KEPT][1]}
    finally:
        connection.close()


def forget(connection: Connection) -> None:
    """Drops what the connection has kept: it is about to write, which its number will not tell."""
    connection.info.pop(_KEPT, None)


def recall(session: Session, key: Hashable, ask: Callable[[], T]) -> T:
    """What `ask` gives, or gave before if the store is still the same.

    The answer must stay right while the store is the same, and nobody may change it. Only
    sessions of `glancing` keep answers.
    """
    kept = session.info.get(_RECALLED)
    if kept is None:
        return ask()
    try:
        return cast("T", kept[key])
    except KeyError:
        answer = ask()
    if len(kept) >= _MOST_KEPT:  # Other threads may read it; each has its own answer by now.
        kept.clear()
    kept[key] = answer
    return answer

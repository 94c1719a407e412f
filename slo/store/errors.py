"""The store's errors: a sentence for people, made from what a driver says."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL


class StoreError(Exception):
    """The store cannot do what was asked; the message says why and what helps."""


class StoreUnreachable(StoreError):  # noqa: N818 -- the names read as what happened; all are StoreErrors
    """There is no connection to the database, or it broke."""


class StoreBusy(StoreError):  # noqa: N818 -- the names read as what happened; all are StoreErrors
    """Another process held the database for too long; the same call may work later."""


class StoreFull(StoreError):  # noqa: N818 -- the names read as what happened; all are StoreErrors
    """The disk is full: nothing of the transaction was written, reads still work."""


class StoreRefused(StoreError):  # noqa: N818 -- the names read as what happened; all are StoreErrors
    """A statement is not lawful: what it writes is at fault, not the store."""


class StoreVersionError(StoreError):
    """The tables are of another version than this program."""


UPGRADE = "run `slo db upgrade`"

_FULL = (
    StoreFull,
    (
        "the disk of the database {where} is full ({said}): nothing new is booked until there is "
        "room; what is booked can still be read"
    ),
)
_BUSY = (StoreBusy, "another process holds the database {where} ({said}); try again")
_UNREACHABLE = (StoreUnreachable, "the database {where} cannot be reached: {said}")
_VERSION = (
    StoreVersionError,
    f"the database {{where}} has not the tables of this version ({{said}}); {UPGRADE}",
)
_RIGHTS = (
    StoreError,
    (
        "the database {where} cannot be written by this user ({said}); mend the rights of the file "
        "and of its folder"
    ),
)
_DAMAGED = (
    StoreError,
    (
        "{where} is not an SQLite database or is damaged ({said}); name another file or restore "
        "a backup"
    ),
)
_FOLDER = (
    StoreUnreachable,
    (
        "the database {where} cannot be opened ({said}); its folder must exist and be writable "
        "for this user"
    ),
)
_REFUSED = (StoreRefused, "the database {where} refused a statement: {said}")

_Sentence = tuple[type[StoreError], str]
# SQLite's codes: the low byte is the kind, the rest its detail.
_SQLITE: dict[int, _Sentence] = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR_WRITE: _FULL,
    sqlite3.SQLITE_IOERR_SHMSIZE: _FULL,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_CANTOPEN: _FOLDER,
    sqlite3.SQLITE_READONLY: _RIGHTS,
    sqlite3.SQLITE_PERM: _RIGHTS,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
}
# PostgreSQL's states, whole or the class that they begin with.
_POSTGRESQL: dict[str, _Sentence] = {
    "53100": _FULL,
    "42P01": _VERSION,
    "42703": _VERSION,
    "40001": _BUSY,
    "40P01": _BUSY,
    "55P03": _BUSY,
    "57014": _BUSY,
    "08": _UNREACHABLE,
    "28": _UNREACHABLE,
    "3D": _UNREACHABLE,
    "57P": _UNREACHABLE,
}


def place(url: URL) -> str:
    """How messages name the database: the file, or the URL without its password."""
    return url.database or "" if url.get_backend_name() == "sqlite" else url.render_as_string()


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Raises the `StoreError` that stands for a driver's error in the block."""
    try:
        yield
    except DBAPIError as error:
        raise _translate(error, url) from error
    except PoolTimeoutError as error:
        raise StoreBusy(f"no free connection to the database {place(url)}: {error}") from error
    except sqlite3.Error as error:  # What is asked past SQLAlchemy, as `recalled` does.
        raise from_sqlite(error, place(url)) from error


def _translate(error: DBAPIError, url: URL) -> StoreError:
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return from_sqlite(original, place(url))
    code = getattr(original, "sqlstate", None) or ""
    lost = error.connection_invalidated or not code
    other = _UNREACHABLE if lost and isinstance(error, OperationalError) else _REFUSED
    sentence = next((s for state, s in _POSTGRESQL.items() if code.startswith(state)), other)
    return _error(sentence, place(url), original)


def from_sqlite(error: sqlite3.Error, where: str) -> StoreError:
    """The `StoreError` that stands for SQLite's error in the file `where`."""
    code = getattr(error, "sqlite_errorcode", 0)
    old = str(error).startswith(("no such table", "no such column"))
    other = _VERSION if old else _REFUSED
    return _error(_SQLITE.get(code) or _SQLITE.get(code & 0xFF) or other, where, error)


def _error(sentence: _Sentence, where: str, said: object) -> StoreError:
    kind, text = sentence
    return kind(text.format(where=where, said=str(said).strip()))

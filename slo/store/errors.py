"""The store's errors: a sentence for people, made from what a driver says."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError
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


class StoreVersionError(StoreError):
    """The tables are of another version than this program."""


UPGRADE = "run `slo db upgrade`"

_SQLITE_FULL_IO = {
    getattr(sqlite3, name)
    for name in ("SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_FSYNC")
}
_PG_UNREACHABLE = ("08", "28", "3D", "57P")
_PG_BUSY = {"40001", "40P01", "55P03", "57014"}


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


def _translate(error: DBAPIError, url: URL) -> StoreError:
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return from_sqlite(original, place(url))
    code = getattr(original, "sqlstate", None) or ""
    where, said = place(url), str(original).strip()
    if code == "53100":
        return _full(where)
    if code in {"42P01", "42703"}:
        return _other_version(where, said)
    if code in _PG_BUSY:
        return StoreBusy(f"the database {where} is busy ({said}); try again")
    if error.connection_invalidated or code.startswith(_PG_UNREACHABLE):
        return _unreachable(where, said)
    if not code and type(original).__name__ == "OperationalError":
        return _unreachable(where, said)
    return StoreError(f"the database {where} refused a statement: {said}")


def from_sqlite(error: sqlite3.Error, where: str) -> StoreError:
    """The `StoreError` that stands for SQLite's error in the file `where`."""
    code, said = getattr(error, "sqlite_errorcode", 0), str(error)
    # The low byte is the kind, the rest its detail.
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return _full(where)
        case sqlite3.SQLITE_IOERR if code in _SQLITE_FULL_IO:
            return StoreFull(
                f"the database {where} cannot be written ({said}): its disk is full or broken; "
                "make room, nothing was lost"
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreBusy(f"another process holds the database {where} ({said}); try again")
        case sqlite3.SQLITE_CANTOPEN:
            return _unreachable(
                where, f"{said}; its folder must exist and be writable for this user"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreError(
                f"the database {where} cannot be written by this user ({said}); "
                "mend the rights of the file and of its folder"
            )
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return StoreError(
                f"{where} is not an SQLite database or is damaged ({said}); "
                "name another file or restore a backup"
            )
        case _ if said.startswith(("no such table", "no such column")):
            return _other_version(where, said)
        case _:
            return StoreError(f"the database {where} refused a statement: {said}")


def _full(where: str) -> StoreFull:
    return StoreFull(
        f"the disk of the database {where} is full: nothing new is booked until there is room; "
        "what is booked can still be read"
    )


def _unreachable(where: str, said: str) -> StoreUnreachable:
    return StoreUnreachable(f"the database {where} cannot be reached: {said}")


def _other_version(where: str, said: str) -> StoreVersionError:
    return StoreVersionError(
        f"the database {where} has not the tables of this version ({said}); {UPGRADE}"
    )

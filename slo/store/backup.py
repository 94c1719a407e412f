"""Backups of the ledger, the only copy of what Prometheus forgot."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from slo.store.errors import StoreError, from_sqlite, place

if TYPE_CHECKING:
    from sqlalchemy import Engine


def backup(engine: Engine, path: str | Path) -> None:
    """Writes a whole, consistent copy of an SQLite store to `path` while others write to it.

    The file appears at once and complete or not at all. Raises `StoreError` where
    `path` exists already, and for PostgreSQL, which has tools of its own.
    """
    if engine.dialect.name != "sqlite":
        raise StoreError(
            f"{place(engine.url)} is PostgreSQL's to back up; run for example "
            f"`pg_dump --format=custom --file={path} {engine.url.database}`"
        )
    source, target = Path(place(engine.url)), Path(path)
    if not source.is_file():
        raise StoreError(f"there is no database {source} to back up")
    if target.exists():
        raise StoreError(f"{target} exists already; name a file that does not")
    if not target.parent.is_dir():
        raise StoreError(f"there is no folder {target.parent} to write the backup to")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".slo-backup-") as folder:
        copy = Path(folder) / target.name
        _vacuum_into(source, copy)
        # It holds hashes of passwords, as the database does.
        shutil.copymode(source, copy)
        _sync(copy)
        try:
            # A link fails where a file has come up meanwhile; a rename would replace it.
            os.link(copy, target)
        except FileExistsError:
            raise StoreError(f"{target} exists already; name a file that does not") from None
        except OSError:  # Some file systems have no links.
            copy.rename(target)
    _sync(target.parent)


def _vacuum_into(source: Path, copy: Path) -> None:
    try:
        connection = sqlite3.connect(source, isolation_level=None)
        try:
            connection.execute("VACUUM INTO ?", (str(copy),))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise from_sqlite(error, f"{source} (backup to {copy.parent.parent})") from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

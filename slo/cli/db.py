"""`slo db`: the database's tables, and backups of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slo.cli.command import command as make
from slo.store import facts, migrations
from slo.store.backup import backup
from slo.store.engine import open_engine, writing
from slo.store.errors import StoreError, place

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from slo.config import Settings


@make("upgrade", "slo db upgrade --config prod.yaml")
def upgrade_command(settings: Settings) -> int:
    """Bring the database's tables up to this version, or make them.

    `slo serve` does the same at its start. Run again, it changes nothing. Back up
    before an upgrade: there is no way back.
    """
    engine = open_engine(settings.database_url)
    try:
        before = migrations.current(engine)
        after = migrations.upgrade(engine)
        where = place(engine.url)
    finally:
        engine.dispose()
    if before == after:
        click.echo(f"The database {where} is up to date (revision {after}).")
    else:
        came = "made" if before is None else f"upgraded from revision {before}"
        click.echo(f"The database {where} was {came}; it is at revision {after}.")
    return 0


@make("backup", "slo db backup slo-$(date +%F).db")
@click.argument("file", type=click.Path(path_type=Path))
def backup_command(settings: Settings, file: Path) -> int:
    """Write a whole, consistent copy of an SQLite database to FILE while others use it.

    FILE must not exist yet. It appears complete or not at all. The ledger outlives
    Prometheus's data, so it is the only copy of the past.
    """
    engine = open_engine(settings.database_url)
    try:
        backup(engine, file)
        _note(engine, file)
        click.echo(f"Backed up {place(engine.url)} to {file} ({file.stat().st_size:,} bytes).")
    finally:
        engine.dispose()
    return 0


def _note(engine: Engine, file: Path) -> None:
    """Leave for the page System when the backup was made; older tables have no place for it."""
    if migrations.current(engine) != migrations.head():
        return
    done = {"at": int(time.time()), "file": file.name, "bytes": file.stat().st_size}
    try:
        with writing(engine) as session:
            facts.put(session, "backup", done)
    except StoreError as error:
        # The backup is there all the same.
        click.echo(f"The page System does not show it: {error}", err=True)


@click.group("db")
def command() -> None:
    """Upgrade or back up the database."""


command.add_command(upgrade_command)
command.add_command(backup_command)

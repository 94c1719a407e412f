"""The store and the context that a command works in."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slo.context import open_context
from slo.store import migrations
from slo.store.engine import open_engine
from slo.store.errors import StoreError, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from slo.config import Settings
    from slo.context import Context


@contextmanager
def open_store(settings: Settings, *, create: bool = False) -> Iterator[Engine]:
    """The store, with tables of this version; `create` makes them where there are none at all.

    Raises `StoreError` with the remedy for tables of another version.
    """
    engine = open_engine(settings.database_url)
    try:
        if not create:
            _ensure_file(engine)
        if create and migrations.current(engine) is None:
            migrations.upgrade(engine)
        migrations.ensure_current(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def open_work(settings: Settings, engine: Engine) -> Iterator[Context]:
    """The context of cycles over a store."""
    try:
        opened = open_context(settings, engine)
        context = opened.__enter__()
    except ValueError as error:  # A header that cannot be sent.
        raise click.ClickException(str(error)) from None
    try:
        yield context
    finally:
        opened.__exit__(None, None, None)


def _ensure_file(engine: Engine) -> None:
    """Refuse an SQLite file that does not exist; connecting would make an empty one."""
    if engine.dialect.name == "sqlite" and not Path(place(engine.url)).is_file():
        raise StoreError(
            f"there is no database {place(engine.url)}; `slo serve` or `slo evaluate` makes it, "
            "or set database.url in slo.yaml (a relative path begins where slo is run)"
        )

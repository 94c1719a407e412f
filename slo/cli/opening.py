"""The store that a command works on."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from slo.store import migrations
from slo.store.engine import open_engine
from slo.store.errors import StoreError, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from slo.config import Settings


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


def _ensure_file(engine: Engine) -> None:
    """Refuse an SQLite file that does not exist; connecting would make an empty one."""
    if engine.dialect.name == "sqlite" and not Path(place(engine.url)).is_file():
        raise StoreError(
            f"there is no database {place(engine.url)}; `slo serve` or `slo evaluate` makes it, "
            "or set database.url in slo.yaml (a relative path begins where slo is run)"
        )

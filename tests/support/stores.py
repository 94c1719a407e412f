"""Empty stores on SQLite: migrated once for all tests of a process, and then copied."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from slo.store import migrations
from slo.store.engine import open_engine


@cache
def _template() -> bytes:
    """The file of an empty store of the newest version."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slo.db"
        engine = open_engine(f"sqlite:///{path}")
        migrations.upgrade(engine)
        engine.dispose()
        return path.read_bytes()


def empty_store(path):
    """The engine of a new, empty store of the newest version at this path."""
    assert not Path(path).exists()
    Path(path).write_bytes(_template())
    return open_engine(f"sqlite:///{path}")

"""Stores on both databases, and ledgers kept hour by hour."""

from __future__ import annotations

from tests.store.conftest import (
    engine,
    make,
    postgresql,
    postgresql_template,
    sqlite_engine,
    sqlite_template,
)

__all__ = ["engine", "make", "postgresql", "postgresql_template", "sqlite_engine"]
__all__ += ["sqlite_template"]

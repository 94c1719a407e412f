"""Stores on both databases, and worlds of SLOs whose alerts a test fires and resolves."""

from __future__ import annotations

import pytest

from tests.incidents.world import World
from tests.store.conftest import (
    engine,
    make,
    sqlite_engine,
)

__all__ = ["engine", "make", "sqlite_engine"]
__all__ += ["world"]


@pytest.fixture
def world(engine):
    """Three SLOs of two services, and a receiver of all."""
    return World(engine)

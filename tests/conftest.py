"""What tests of several folders begin with."""

from __future__ import annotations

import pytest

from tests.support.stores import empty_store


@pytest.fixture
def engine(tmp_path):
    """An empty store on SQLite."""
    engine = empty_store(tmp_path / "slo.db")
    yield engine
    engine.dispose()

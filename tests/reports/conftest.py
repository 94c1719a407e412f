"""Stores on both databases, and one of two months whose every number is known."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from slo.cli import main
from tests.reports import world
from tests.store.conftest import (
    engine,
    make,
    sqlite_engine,
)
from tests.support.stores import empty_store

__all__ = ["engine", "make", "sqlite_engine"]


@pytest.fixture(scope="session")
def two_months(tmp_path_factory):
    """The store of `world`; only to be read."""
    made = empty_store(tmp_path_factory.mktemp("reports") / "slo.db")
    world.build(made)
    yield made
    made.dispose()


@pytest.fixture
def run_report(two_months, monkeypatch, tmp_path):
    """Runs `slo report` on that store, as of `world.NOW`; gives what it prints."""
    config = tmp_path / "slo.yaml"
    config.write_text(
        "prometheus: {url: 'http://localhost:1'}\n"
        f"database: {{url: '{two_months.url}'}}\n"
        "SLO: {availability: 99%}\n"
    )
    monkeypatch.setattr("slo.cli.report.time.time", lambda: float(world.NOW))

    def run(*args, code=0):
        env = {"SLO_CONFIG": str(config)}
        result = CliRunner().invoke(main, ["report", *map(str, args)], env=env)
        assert result.exit_code == code, result.output
        return result.output

    return run

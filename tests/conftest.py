"""What tests of several folders begin with."""

from __future__ import annotations

import logging

import pytest

from slo.cli.logs import QUIET
from slo.store import migrations
from slo.store.engine import open_engine
from tests.support.compiled import compile_once
from tests.support.postgresql_server import new_database, postgresql_server, run_alone
from tests.support.stores import empty_store

_LEVELS = {name: logging.getLogger(name).level for name in (None, *QUIET)}

compile_once()


@pytest.fixture(autouse=True)
def logs_as_they_were():
    """Commands that run in this process say from which level on all of it logs.

    Fixtures of modules run them, too, so each test begins and ends with what was at first.
    """
    _set_back()
    yield
    _set_back()


def _set_back():
    for name, level in _LEVELS.items():
        logging.getLogger(name).setLevel(level)
    root = logging.getLogger()
    for handler in [h for h in root.handlers if type(h) is logging.StreamHandler]:
        root.removeHandler(handler)


@pytest.fixture
def engine(tmp_path):
    """An empty store on SQLite."""
    engine = empty_store(tmp_path / "slo.db")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory):
    """A PostgreSQL server, one for the tests of all folders; gives its admin engine."""
    with postgresql_server(tmp_path_factory.mktemp("run")) as admin:
        yield admin


@pytest.fixture(scope="session")
def postgresql_template(postgresql):
    """The name of a database of the newest version; a copy of it is cheaper than an upgrade."""
    run_alone(postgresql, "CREATE DATABASE slo_template")
    url = postgresql.url.set(database="slo_template")
    engine = open_engine(url.render_as_string(hide_password=False))
    migrations.upgrade(engine)
    engine.dispose()
    return "slo_template"


@pytest.fixture
def postgresql_store(postgresql, postgresql_template):
    """An empty store on PostgreSQL."""
    with new_database(postgresql, postgresql_template) as url:
        engine = open_engine(url)
        yield engine
        engine.dispose()

"""What tests of several folders begin with."""

from __future__ import annotations

import logging

import pytest

from slo.cli.logs import QUIET
from tests.support.stores import empty_store

_LEVELS = {name: logging.getLogger(name).level for name in (None, *QUIET)}


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

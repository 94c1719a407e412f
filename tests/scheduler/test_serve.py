"""What the service refuses before it begins."""

from __future__ import annotations

import gc
import sys

import pytest

from slo.config import parse
from slo.scheduler.serving import favour_answers, serve
from slo.store.errors import StoreVersionError


def test_serving_refuses_a_database_without_tables(tmp_path):
    settings = parse(
        f"database: {{url: 'sqlite:///{tmp_path / 'empty.db'}'}}\n"
        "services: {api: {slos: {a: {objective: 99%, slices: {query: up, at_least: 1}}}}}\n",
        "slo.yaml",
        {},
    )
    with pytest.raises(StoreVersionError, match="slo db upgrade"):
        serve(settings, host="127.0.0.1", port=1)


def test_those_who_ask_wait_little_for_the_collector_and_for_cycles():
    """What is there when it begins is looked at no more; the rest in short looks, seldom at all."""
    before, turn = gc.get_threshold(), sys.getswitchinterval()
    try:
        favour_answers()
        assert gc.get_freeze_count() > 10_000
        young, _, old = gc.get_threshold()
        assert young < 5 * before[0]
        assert old > 10 * before[2]
        assert sys.getswitchinterval() < turn
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
        sys.setswitchinterval(turn)

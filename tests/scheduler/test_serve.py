"""What the service refuses before it begins."""

from __future__ import annotations

import pytest

from slo.config import parse
from slo.scheduler.serving import serve
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

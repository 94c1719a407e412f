"""Stores, empty and full, and the site over them."""

from __future__ import annotations

import pytest

from tests.web.world import (
    book_latency,
    latency_standing,
    make_client,
    make_store,
    many_standings,
    put_standings,
)


@pytest.fixture
def engine(tmp_path):
    """An empty store."""
    engine = make_store(tmp_path / "slo.db")
    yield engine
    engine.dispose()


@pytest.fixture
def client(engine):
    """The site over an empty store."""
    return make_client(engine)


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A store with SLOs in every state, one of which has a booked month; only to be read."""
    engine = make_store(tmp_path_factory.mktemp("world") / "slo.db")
    found = [s for s in many_standings() if s.slo != "fraud-model/latency"]
    meters = put_standings(engine, [*found, latency_standing()])
    book_latency(engine, meters["fraud-model/latency"])
    yield engine
    engine.dispose()


@pytest.fixture
def site(world):
    """The site over the full store."""
    return make_client(world)

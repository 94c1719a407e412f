"""Stores, empty and full, and the site over them."""

from __future__ import annotations

import pytest

from tests.support.browser import launched
from tests.support.everything import everything
from tests.support.site import serving
from tests.support.stores import empty_store
from tests.web.incident_world import copy_of, write_files
from tests.web.status_world import make_status_world
from tests.web.world import (
    book_latency,
    latency_standing,
    make_client,
    many_standings,
    put_standings,
)


@pytest.fixture
def client(engine):
    """The site over an empty store."""
    return make_client(engine)


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A store with SLOs in every state, one of which has a booked month; only to be read."""
    engine = empty_store(tmp_path_factory.mktemp("world") / "slo.db")
    found = [s for s in many_standings() if s.slo != "fraud-model/latency"]
    meters = put_standings(engine, [*found, latency_standing()])
    book_latency(engine, meters["fraud-model/latency"])
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def bad_month(tmp_path_factory):
    """The store of the status page's tests; only to be read."""
    engine = empty_store(tmp_path_factory.mktemp("month") / "slo.db")
    make_status_world(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A store with something of everything, and who is logged in; only to be read."""
    with everything(tmp_path_factory.mktemp("rich")) as found:
        yield found


@pytest.fixture(scope="module")
def base(full):
    """The URL of the site over that store."""
    with serving(full.app()) as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    """A real Chromium."""
    with launched() as found:
        yield found


@pytest.fixture
def site(world):
    """The site over the full store."""
    return make_client(world)


@pytest.fixture(scope="session")
def incident_files(tmp_path_factory):
    """Stores with an incident, to be copied."""
    return write_files(tmp_path_factory.mktemp("incidents"))


@pytest.fixture
def burning(incident_files, tmp_path):
    """A feed whose SLO burns: its incident is open."""
    with copy_of(incident_files, "burning", tmp_path) as feed:
        yield feed


@pytest.fixture
def over(incident_files, tmp_path):
    """The same once it is over: the incident is resolved, and its postmortem drafted."""
    with copy_of(incident_files, "over", tmp_path) as feed:
        yield feed

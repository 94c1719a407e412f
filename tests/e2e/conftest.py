"""Real Prometheus servers, loaded once for all tests that only read them."""

from __future__ import annotations

import pytest

from tests.support import services
from tests.support.postgresql_server import new_database
from tests.support.prometheus_server import PrometheusServer


@pytest.fixture(scope="session")
def exact():
    """The services of `exact_services`; made once, since making them takes a while."""
    return services.exact_services()


@pytest.fixture(scope="session")
def restarting(exact):
    """The service whose process restarts again and again."""
    return next(service for service in exact if service.name == "restarting")


@pytest.fixture(scope="module")
def few(request, exact):
    """The services that a module of tests names in `NAMES`."""
    return [service for service in exact if service.name in request.module.NAMES]


@pytest.fixture(scope="session")
def estimated():
    return services.estimated()


@pytest.fixture(scope="session")
def loaded(tmp_path_factory, exact, estimated):
    """A Prometheus that holds the exact services and the estimated one."""
    metrics = services.metrics_of([*exact, estimated])
    folder = tmp_path_factory.mktemp("loaded")
    with PrometheusServer(folder, openmetrics=metrics, flags=[services.FOREVER]) as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path):
    return f"sqlite:///{tmp_path / 'slo.db'}"


@pytest.fixture
def postgresql_url(postgresql):
    """The URL of an empty database that no other test sees."""
    with new_database(postgresql) as url:
        yield url

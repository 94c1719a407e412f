"""A fresh store for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from slo.domain.booking import Booking
from slo.domain.indicator import Events
from slo.domain.ledger import Increment
from slo.domain.meter import Edge, fingerprint
from slo.domain.selector import Matcher, Selector
from slo.domain.slo import SLO
from slo.domain.span import Span
from slo.domain.window import RollingWindow
from slo.store import slos
from slo.store.engine import writing
from tests.support.postgresql_server import new_database
from tests.support.stores import empty_store

T0 = 1_700_000_040 // 3600 * 3600


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    """The URL of an empty database that no other test sees."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'slo.db'}"
        return
    with new_database(request.getfixturevalue("postgresql")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request):
    """A store of the newest version that no other test sees."""
    name = {"sqlite": "sqlite_engine", "postgresql": "postgresql_store"}[request.param]
    return request.getfixturevalue(name)


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

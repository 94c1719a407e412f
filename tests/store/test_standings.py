from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.span import Span
from slo.domain.standing import Budget, Forecast, Note, SparkPoint, Standing
from slo.store import slos, standings
from slo.store.engine import reading, writing
from slo.store.standing_json import dump_standing, load_standing

FULL = Standing(
    slo="svc/one",
    service="svc",
    name="one",
    objective=Decimal("0.9990"),
    indicator="events",
    indicator_text="requests that did not fail, ä",
    estimated=False,
    slices=True,
    window_kind="rolling",
    window_label="30d",
    window=Span(10, 20),
    at=20,
    good=2.0**53,
    bad=0.1 + 0.2,
    total=1e300,
    sli=None,
    budget=Budget(1.5, 2.0, -0.3333333333333333, projected=True),
    burn_rates=(("5m", None), ("1h", 0.4)),
    coverage=1.0,
    state="exhausted",
    data="late",
    exhausted_at=17,
    forecasts=(Forecast("6h", 99), Forecast("3d", None)),
    notes=(Note("skew", "x", 1.0, 1, 2), Note("estimated", "y")),
    sparkline=(SparkPoint(1, None), SparkPoint(2, 0.1)),
    owner="o",
    description="d",
    runbook="r",
    labels=(("a", "b"), ("c", "d")),
    paused=True,
    last_data=19,
)
BARE = replace(
    FULL, forecasts=(), notes=(), sparkline=(), labels=(), burn_rates=(), last_data=None, at=30
)


@pytest.fixture
def declared(engine, make):
    with writing(engine) as session:
        slos.declare(session, [make.declared("svc/one"), make.declared("svc/two")], make.T0)


def stored(engine):
    with reading(engine) as session:
        return standings.all(session)


@pytest.mark.parametrize("standing", [FULL, BARE])
def test_a_standing_reads_back_exactly(standing):
    again = load_standing(dump_standing(standing))
    assert again == standing
    assert repr(again) == repr(standing)


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(min_value=0, max_value=1, allow_nan=False),
    st.text(st.characters(codec="utf-8")),
)
def test_any_number_and_text_of_a_standing_reads_back_exactly(number, objective, text):
    standing = replace(FULL, good=number, objective=objective, description=text)
    again = load_standing(dump_standing(standing))
    assert (repr(again.good), str(again.objective)) == (repr(number), str(objective))
    assert again.description == text


def test_a_standing_of_another_version_is_read_as_far_as_it_goes():
    body = json.loads(dump_standing(BARE))
    del body["sparkline"], body["last_data"]
    assert load_standing(json.dumps({**body, "new": {"a": 1}})) == BARE


@pytest.mark.usefixtures("declared")
def test_a_later_standing_replaces_the_former(engine):
    for standing in (FULL, BARE):
        with writing(engine) as session:
            standings.put(session, [(standing, None)])
    assert stored(engine) == [BARE]
    with reading(engine) as session:
        assert standings.one(session, "svc/one") == BARE
        assert standings.one(session, "svc/two") is None


@pytest.mark.usefixtures("declared")
def test_standings_come_by_service_and_name(engine):
    two = replace(FULL, slo="svc/two", name="two")
    with writing(engine) as session:
        standings.put(session, [(two, None), (FULL, None)])
    assert stored(engine) == [FULL, two]
    with reading(engine) as session:
        bare = standings.all(session, sparklines=False)
    assert bare == [replace(FULL, sparkline=()), replace(two, sparkline=())]


@pytest.mark.usefixtures("declared")
def test_a_grid_stays_until_another_is_given(engine):
    expected = {}
    for grid, after in (("[1]", "[1]"), (None, "[1]"), ("[2]", "[2]")):
        with writing(engine) as session:
            standings.put(session, [(FULL, grid)])
        expected["svc/one"] = after
        with reading(engine) as session:
            assert standings.grids(session, ["svc/one", "svc/two", "svc/none"]) == expected


@pytest.mark.usefixtures("declared")
def test_a_standing_of_an_unknown_slo_is_left_out(engine):
    with writing(engine) as session:
        standings.put(session, [(replace(FULL, slo="svc/none"), None), (FULL, None)])
    assert stored(engine) == [FULL]


@pytest.mark.usefixtures("declared")
def test_a_renamed_slo_has_no_standing_of_its_old_name(engine, make):
    with writing(engine) as session:
        standings.put(session, [(FULL, "[1]")])
        slos.declare(session, [make.declared("svc/uno", was="svc/one")], make.T0 + 60)
    assert stored(engine) == []

"""The JSON contract that `slo status --json` and the API share."""

from __future__ import annotations

import dataclasses
import json
import math
from decimal import Decimal

import pytest

from slo.domain.span import Span
from slo.domain.standing import Budget, Note
from slo.status import dumps, standing_json, status_json
from tests.web.world import AT, DAY, make_standing, many_standings

CONTRACT = {
    "slo": "fraud-model/availability",
    "objective": 0.999,
    "indicator": "events",
    "estimated": False,
    "window": {"kind": "rolling", "length": "30d", "start": "...", "end": "..."},
    "events": {"good": 51812551, "bad": 29670, "total": 51842221},
    "sli": 0.99943,
    "budget": {"allowed": 51842.2, "spent": 29670, "remaining": 0.4277},
    "burn_rates": {"5m": 0.2, "1h": 0.4, "6h": 0.4, "3d": 0.5},
    "coverage": 0.9997,
    "state": "healthy",
    "data": "fresh",
    "projected": False,
    "notes": [],
    "exhausted_at": None,
    "alerts": [],
    "incident": None,
}
"""The example of the interface's description."""


def holds(contract, found, path="slo"):
    """Every key of the contract is there, with a value of the same JSON type."""
    for key, wanted in contract.items():
        assert key in found, f"{path}.{key} is missing"
        if isinstance(wanted, dict):
            holds(wanted, found[key], f"{path}.{key}")
        elif wanted is not None:
            kinds = (int, float) if type(wanted) in {int, float} else type(wanted)
            assert isinstance(found[key], kinds), f"{path}.{key} is {found[key]!r}"


def test_every_key_of_the_contract_is_there():
    status = json.loads(dumps(status_json(AT + 12, [make_standing()])))
    assert set(status) >= {"at", "slos"}
    assert status["at"] == "2026-11-20T20:21:12Z"
    holds(CONTRACT, status["slos"][0])


def test_the_values_are_those_of_the_standing():
    found = standing_json(make_standing())
    assert found["slo"] == "fraud-model/availability"
    assert found["objective"] == 0.999
    assert found["window"] == {
        "kind": "rolling",
        "length": "30d",
        "start": "2026-10-21T20:21:00Z",
        "end": "2026-11-20T20:21:00Z",
    }
    assert found["events"]["good"] + found["events"]["bad"] == found["events"]["total"]
    assert found["budget"]["remaining"] == pytest.approx(0.4277, abs=1e-4)
    assert found["burn_rates"]["1h"] == 0.4


def test_a_calendar_window_names_its_unit_and_zone():
    standing = make_standing(window_kind="calendar", window_label="month (Europe/Berlin)")
    assert standing_json(standing)["window"] | {"start": "", "end": ""} == {
        "kind": "calendar",
        "length": "month",
        "zone": "Europe/Berlin",
        "start": "",
        "end": "",
    }
    plain = make_standing(window_kind="calendar", window_label="quarter")
    assert standing_json(plain)["window"]["length"] == "quarter"
    assert standing_json(plain)["window"]["zone"] == "UTC"


def test_numbers_that_do_not_exist_are_null_and_never_nan():
    standing = dataclasses.replace(
        make_standing(),
        good=math.nan,
        sli=math.nan,
        coverage=math.inf,
        budget=Budget(math.nan, math.inf, -math.inf),
        burn_rates=(("5m", math.nan), ("1h", None)),
        notes=(Note("skew", "replicas disagree", math.nan),),
    )
    text = dumps(status_json(AT, [standing])).decode()
    assert "NaN" not in text
    assert "Infinity" not in text
    found = json.loads(text)["slos"][0]
    assert found["events"]["good"] is None
    assert found["sli"] is found["coverage"] is None
    assert found["budget"] == {"allowed": None, "spent": None, "remaining": None}
    assert found["burn_rates"] == {"5m": None, "1h": None}
    assert found["notes"][0]["amount"] is None
    nulls = json.dumps(standing_json(standing), allow_nan=False)
    assert json.loads(nulls) == found


def test_whole_counts_are_integers_and_estimates_keep_their_fraction():
    found = standing_json(make_standing(good=10.0, bad=2.5, total=12.5))
    assert found["events"] == {"good": 10, "bad": 2.5, "total": 12.5}
    assert isinstance(found["events"]["good"], int)


def test_notes_and_instants_are_told():
    note = Note("birth-uncounted", "a series was born", 12.0, AT - DAY, AT)
    found = standing_json(make_standing(notes=(note,), exhausted_at=AT + DAY))
    assert found["notes"] == [
        {
            "kind": "birth-uncounted",
            "text": "a series was born",
            "amount": 12.0,
            "first": "2026-11-19T20:21:00Z",
            "last": "2026-11-20T20:21:00Z",
        }
    ]
    assert found["exhausted_at"] == "2026-11-21T20:21:00Z"


def test_the_objective_of_a_decimal_is_a_plain_number():
    found = standing_json(make_standing(objective=Decimal("0.99990")))
    assert dumps(found).decode().count('"objective":0.9999,') == 1


def test_standings_of_every_state_are_json():
    found = json.loads(dumps(status_json(AT, many_standings())))
    assert len(found["slos"]) == len(many_standings())


def test_a_window_before_the_ledger_is_told_as_it_is():
    assert standing_json(make_standing(window=Span(0, 60)))["window"]["start"] == (
        "1970-01-01T00:00:00Z"
    )

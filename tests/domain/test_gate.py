from __future__ import annotations

import dataclasses

import pytest

from slo.domain.gate import GateOverride, GateRules, decide, decide_slo
from slo.domain.standing import StandingAlert
from tests.web.world import AT, make_standing

NOW = AT + 60
USUAL = GateRules(("exhausted", "page"), 600)
SLO = "fraud-model/availability"


def alert(severity="page", since=AT - 120):
    return StandingAlert("page-1h", "burn", severity, since, "burned 15x; pages at 14.4x")


def held(until=NOW + 60, scope=SLO, **fields):
    return GateOverride(7, scope, until, "mia", "the fix goes out", AT, **fields)


def gate(standing=None, rules=USUAL, overrides=(), now=NOW, **changes):
    standing = make_standing(SLO, **changes) if standing is None else standing
    return decide_slo(SLO, standing, rules, now, overrides)


def rules(*closes_on):
    return GateRules(closes_on, 600)


def test_a_healthy_slo_is_open_and_says_nothing():
    assert gate().state == "open"
    assert (gate().reasons, gate().notes) == ((), ())


@pytest.mark.parametrize("state", ["new", "healthy", "caution", "restricted", "exhausted"])
@pytest.mark.parametrize("bound", ["caution", "restricted", "exhausted"])
def test_a_budget_closes_at_the_state_that_was_set_and_at_worse_ones(state, bound):
    order = ["new", "healthy", "caution", "restricted", "exhausted"]
    closes = order.index(state) >= order.index(bound)
    found = gate(rules=rules(bound), state=state)
    assert found.state == ("closed" if closes else "open")
    assert bool(found.reasons) is closes


def test_the_reason_tells_what_is_left_of_the_budget():
    (reason,) = gate(state="exhausted", left=-0.2).reasons
    assert reason == "the error budget is spent: -20% is left"


@pytest.mark.parametrize(
    ("closes_on", "severity", "state"),
    [
        ("page", "page", "closed"),
        ("page", "ticket", "open"),
        ("ticket", "ticket", "closed"),
        ("ticket", "page", "closed"),
        ("exhausted", "page", "open"),
    ],
)
def test_alerts_close_by_their_severity(closes_on, severity, state):
    assert gate(rules=rules(closes_on), alerts=(alert(severity),)).state == state


def test_a_frozen_rule_closes_nothing():
    assert gate(alerts=(alert(since=None),)).state == "open"


def test_an_open_incident_closes_only_where_that_was_set():
    assert gate(incident=4).state == "open"
    found = gate(rules=rules("incident"), incident=4)
    assert (found.state, found.reasons) == ("closed", ("incident 4 is open",))


def test_a_new_slo_is_open_though_it_has_no_data_but_a_page_closes_it():
    found = gate(state="new", data="none")
    assert found.state == "open"
    assert "too early to judge" in found.notes[0]
    assert gate(state="new", alerts=(alert(),)).state == "closed"


@pytest.mark.parametrize(("age", "state"), [(600, "open"), (601, "unknown")])
def test_readings_that_are_too_old_are_unknown_whatever_they_said(age, state):
    assert gate(now=AT + age).state == state
    spent = gate(now=AT + age, state="exhausted")
    assert spent.state == ("closed" if state == "open" else "unknown")


def test_without_standing_or_data_it_is_unknown_and_says_why():
    assert decide_slo(SLO, None, USUAL, NOW).reasons == ("no cycle has judged it yet",)
    found = gate(data="none", last_data=AT - 3600)
    assert found.state == "unknown"
    assert found.reasons == ("no data since 2026-11-20T19:21:00Z",)


def test_what_closes_wins_over_missing_data_which_is_told_beside_it():
    found = gate(data="none", state="exhausted")
    assert found.state == "closed"
    assert found.notes[0].startswith("no data")


def test_an_override_opens_and_the_reasons_stay():
    found = gate(state="exhausted", overrides=[held()])
    assert (found.state, found.override) == ("open", held())
    assert found.reasons


@pytest.mark.parametrize(
    "override",
    [
        held(until=NOW),
        held(ended_at=NOW),
        held(scope="fraud-model/latency"),
        held(scope="fraud/*"),
    ],
)
def test_an_override_that_is_over_or_of_another_slo_opens_nothing(override):
    assert gate(state="exhausted", overrides=[override]).state == "closed"


def test_of_several_overrides_the_one_that_holds_longest_is_told():
    longer = dataclasses.replace(held(until=NOW + 90, scope="fraud-model/*"), id=8)
    assert gate(state="exhausted", overrides=[longer, held()]).override == longer


def test_a_paused_slo_and_one_that_nothing_closes_have_no_say():
    paused = gate(paused=True, data="none", state="exhausted")
    assert (paused.state, paused.counts) == ("open", False)
    left_out = gate(rules=rules(), state="exhausted")
    assert (left_out.state, left_out.counts) == ("open", False)
    whole = decide([paused, left_out, gate()])
    assert (whole.state, whole.reasons) == ("open", ())
    assert decide([paused, left_out]).state == "unknown"
    assert decide([]).state == "unknown"


def test_a_service_is_closed_if_any_is_closed_and_unknown_if_any_is_and_none_closed():
    closed, unknown, fine = gate(state="exhausted"), gate(data="none"), gate()
    assert decide([fine, unknown, closed]).state == "closed"
    assert decide([fine, unknown]).state == "unknown"
    assert decide([fine, fine]).state == "open"
    reasons = decide([unknown, closed]).reasons
    assert "spent" in reasons[0]
    assert "no data" in reasons[1]
    assert all(reason.startswith(f"{SLO}: ") for reason in reasons)


def test_a_service_held_open_tells_each_override_once():
    whole = held(scope="fraud-model/*")
    found = decide([gate(state="exhausted", overrides=[whole]), gate(overrides=[whole])])
    assert (found.state, found.overrides) == ("open", (whole,))

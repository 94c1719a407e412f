from __future__ import annotations

from decimal import Decimal

import pytest

from slo.domain.alert import Transition
from slo.domain.incident_rules import (
    Candidate,
    Place,
    Step,
    evidence_step,
    first_burning,
    higher,
    last_burning,
    place,
    rule_text,
    title_of,
)
from slo.domain.policy import AbsenceRule, BudgetRule, BurnRule, FloorRule


def steps(*burns):
    return [Step((n + 1) * 300, burn) for n, burn in enumerate(burns)]


def test_an_alert_goes_into_its_own_open_incident_before_all_others():
    assert place(1000, Candidate(1, 0), None, [Candidate(2, 990)]) == Place("join", 1)


def test_the_freshest_incident_of_the_service_is_shared():
    near = [Candidate(2, 800), Candidate(3, 900), Candidate(4, 100)]
    assert place(1000, None, Candidate(1, 0, 950), near) == Place("join", 3)


@pytest.mark.parametrize(
    ("resolved", "found"),
    [(100, Place("reopen", 1)), (99, Place("open")), (5000, Place("reopen", 1))],
)
def test_the_last_incident_reopens_within_fifteen_minutes(resolved, found):
    assert place(1000, None, Candidate(1, 0, resolved), []) == found


def test_an_incident_that_another_slo_reopened_takes_it_back():
    assert place(9000, None, Candidate(1, 0), []) == Place("join", 1)


def test_a_burn_begins_with_the_first_step_of_the_last_run():
    assert first_burning(steps(5.0, 0.5, 1.0, 3.0, 9.0), 300).end == 900


def test_steps_without_events_neither_burn_nor_end_a_burn():
    assert first_burning(steps(0.0, 2.0, None, 3.0, None), 300).end == 600


def test_a_burn_that_paused_within_the_short_window_is_found():
    assert first_burning(steps(0.0, 2.0, 2.0, 0.0, 0.0), 1800).end == 600
    assert first_burning(steps(0.0, 2.0, 2.0, 0.0, 0.0), 300) is None


def test_the_last_step_that_burns_is_found():
    assert last_burning(steps(2.0, 1.0, 0.9, None)).end == 600
    assert last_burning(steps(0.0, None)) is None


def test_a_page_is_higher_than_a_ticket_and_all_than_nothing():
    assert higher("page", "ticket")
    assert higher("ticket", None)
    assert not higher("ticket", "page")
    assert not higher("page", "page")


@pytest.mark.parametrize("seconds", [300, 3600, 21_600, 86_400, 259_200])
def test_at_most_a_hundred_readings_are_evidence(seconds):
    step = evidence_step(seconds)
    assert step % 300 == 0
    assert seconds / step <= 100


@pytest.mark.parametrize(
    ("kind", "rate", "title"),
    [
        ("burn", 14.92, "svc/one burns its error budget 14.9x too fast"),
        ("burn", 1000.0, "svc/one burns its error budget 1,000x too fast"),
        ("burn", None, "svc/one burns its error budget"),
        ("floor", None, "svc/one lies below its floor"),
        ("dead", None, "svc/one: every target is down"),
        ("gone", None, "svc/one: its series are gone with their targets"),
    ],
)
def test_titles(kind, rate, title):
    t = Transition(
        "svc/one",
        "x",
        kind,
        "page",
        "fires",
        0,
        0,
        late=False,
        reason="",
        numbers=(("long_burn", rate),),
    )
    assert title_of(t) == title


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (
            BurnRule("page-1h", "page", Decimal("14.4"), 3600, 300, 2),
            "page-1h pages at a burn rate of 14.4x over both 1h and 5m, from 2 bad on",
        ),
        (
            FloorRule("floor", "page", Decimal("0.9")),
            "floor pages below 90% good over 1h, beyond chance",
        ),
        (
            BudgetRule("budget-50", "ticket", Decimal("0.5")),
            "budget-50 tickets once 50% of the error budget is spent",
        ),
        (AbsenceRule("dead", "page", 300), "dead pages when there were no data for 5m"),
    ],
)
def test_rules_in_words(rule, text):
    assert rule_text(rule) == text

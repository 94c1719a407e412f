from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from slo.domain.policy import (
    LADDER,
    AbsenceRule,
    BudgetRule,
    BurnRule,
    FloorRule,
    Policy,
    absence_rules,
    budget_share,
    default_policy,
    impossible,
    windows_text,
)
from slo.domain.policy_json import dump_policy

DAY = 86_400
OBJECTIVES = ["0.999", "0.99", "0.95", "0.8", "0.6", "0.5", "0.3", "0.99999"]


def names(objective):
    return [rule.name for rule in default_policy(Decimal(objective)).rules]


def test_the_tiers_spend_what_the_workbook_says():
    shares = {rule.name: budget_share(rule, 30 * DAY) for rule in LADDER}
    assert shares == {
        "page-1h": Decimal("0.02"),
        "page-6h": Decimal("0.05"),
        "ticket-1d": Decimal("0.1"),
        "ticket-3d": Decimal("0.1"),
    }


def test_a_high_objective_gets_four_tiers_and_no_floor():
    found = names("0.999")
    assert found[:4] == ["page-1h", "page-6h", "ticket-1d", "ticket-3d"]
    assert "floor" not in found
    assert found[-3:] == ["dead", "gone", "blind"]


def test_accuracy_gets_its_own_ladder_and_a_floor_judged_by_confidence():
    policy = default_policy(Decimal("0.95"))
    page, ticket, floor = policy.rules[:3]
    assert (page.factor, page.long, page.severity) == (Decimal(3), 6 * 3600, "page")
    assert (ticket.factor, ticket.long, ticket.severity) == (Decimal("1.5"), 3 * DAY, "ticket")
    assert page.confident
    assert ticket.confident
    assert isinstance(floor, FloorRule)
    assert floor.least == Decimal("0.90")


def test_a_tier_over_half_of_the_most_that_can_burn_is_dropped_with_a_sentence():
    policy = default_policy(Decimal("0.8"))
    assert "page-6h" not in [rule.name for rule in policy.rules]
    (sentence,) = policy.dropped
    assert "page-6h is left out: at 3x it is over half of 5x" in sentence
    assert "80 % can burn" in sentence


@pytest.mark.parametrize(
    ("objective", "ladder", "dropped"),
    [
        ("0.999", ["page-1h", "page-6h", "ticket-1d", "ticket-3d"], []),
        ("0.99", ["page-1h", "page-6h", "ticket-1d", "ticket-3d"], []),
        ("0.95", ["page-6h", "ticket-3d", "floor"], []),
        (
            "0.8",
            ["ticket-3d", "floor"],
            ["page-6h is left out: at 3x it is over half of 5x, the most that 80 %"],
        ),
        (
            "0.6",
            ["floor"],
            [
                "page-6h is left out: at 3x it is over half of 2.5x, the most that 60 %",
                "ticket-3d is left out: at 1.5x it is over half of 2.5x, the most that 60 %",
            ],
        ),
        ("0.5", [], None),
    ],
)
def test_each_objective_gets_the_tiers_that_it_can_burn(objective, ladder, dropped):
    policy = default_policy(Decimal(objective))
    assert [r.name for r in policy.rules if r.kind in {"burn", "floor"}] == ladder
    if dropped is not None:
        told = [text.replace("an objective of ", "") for text in policy.dropped]
        assert told == [f"{text} can burn" for text in dropped]
    assert [r.name for r in policy.rules if r.kind == "budget"] == [
        "budget-50",
        "budget-75",
        "budget-90",
        "budget-100",
    ]


def test_a_floor_that_lies_at_nothing_is_impossible():
    rule = FloorRule("floor", "page", Decimal(0))
    assert impossible(rule, Decimal("0.5")) == ("can never fire: the indicator is never below 0")


def test_a_factor_at_the_most_that_can_burn_is_possible():
    rule = BurnRule("own", "page", Decimal(20), 3600, 300)
    assert impossible(rule, Decimal("0.95")) is None
    assert impossible(replace(rule, factor=Decimal("20.01")), Decimal("0.95")) is not None


def test_windows_are_told_as_people_write_them():
    assert [windows_text(rule) for rule in LADDER] == [
        "1h and 5m",
        "6h and 30m",
        "1d and 2h",
        "3d and 6h",
    ]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_no_default_rule_is_impossible(objective):
    assert [
        impossible(r, Decimal(objective)) for r in default_policy(Decimal(objective)).rules
    ] == [None] * len(default_policy(Decimal(objective)).rules)


def test_a_rule_that_can_never_fire_is_told_with_its_arithmetic():
    rule = BurnRule("page-1h", "page", Decimal("14.4"), 3600, 300)
    assert impossible(rule, Decimal("0.9")) == (
        "can never fire: with an objective of 0.9 the burn rate is at most"
        " 1 / (1 - 0.9) = 10, and page-1h asks for 14.4"
    )
    assert impossible(rule, Decimal("0.99")) is None


@pytest.mark.parametrize(
    ("no_data", "dead"), [("page", "page"), ("ticket", "ticket"), ("bad", None), ("ignore", None)]
)
def test_no_data_chooses_who_hears_of_dead_targets(no_data, dead):
    rules = {rule.name: rule.severity for rule in absence_rules(no_data)}
    assert rules.get("dead") == dead
    assert rules.get("gone") == ("ticket" if dead else None)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_json_tells_all_of_each_policy(objective):
    policy = default_policy(Decimal(objective))
    told = json.loads(dump_policy(policy))["rules"]
    assert Policy(tuple(map(rule_of, told))) == replace(policy, dropped=())


def rule_of(fields):
    kind = {"burn": BurnRule, "floor": FloorRule, "budget": BudgetRule}.get(fields.pop("kind"))
    decimals = {name: Decimal(fields[name]) for name in {"factor", "least", "spent"} & set(fields)}
    return (kind or AbsenceRule)(**fields | decimals)

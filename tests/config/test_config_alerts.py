from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from slo.config import ConfigError, parse
from slo.domain.policy import (
    AbsenceRule,
    BudgetRule,
    BurnRule,
    FloorRule,
    default_policy,
)

HERE = "§"
D = Decimal


def slo(text, id_="api/x"):
    return next(s for s in parse(text, "slo.yaml", {}).slos if s.id == id_)


def with_alerts(own="", top="", service="", objective="99.9%", more=""):
    """A file with one SLO, `api/x`, and these flow texts of alerts on each level."""
    lines = [f"alerts: {top}"] if top else []
    lines += ["services:", "  api:"]
    lines += [f"    alerts: {service}"] if service else []
    lines += ["    slos:", "      x:", f"        objective: {objective}"]
    lines += ["        events: {bad: b, total: t}"]
    lines += [f"        alerts: {own}"] if own else []
    lines += [f"        {more}"] if more else []
    return "\n".join(lines) + "\n"


def rules(*args, **kwargs):
    found = slo(with_alerts(*args, **kwargs))
    return {rule.name: rule for rule in found.alert_policy.rules}


def ensure_fault(text, *messages):
    before, _, after = text.partition(HERE)
    with pytest.raises(ConfigError) as caught:
        parse(before + after, "slo.yaml", {})
    (fault,) = caught.value.faults
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert (fault.line, fault.column) == place, fault
    for message in messages:
        assert message in str(fault)
    return fault


def test_without_alerts_the_policy_is_the_default_one():
    assert slo(with_alerts()).policy is None
    assert slo(with_alerts("{page-1h: on}")).policy is None
    assert slo(with_alerts("{page-1h: {factor: 14.40}}")).policy is None


@pytest.mark.parametrize("word", ["off", "false", "'off'", "Off"])
def test_off_takes_a_rule_away(word):
    default = default_policy(D("0.999"))
    found = slo(with_alerts(f"{{page-1h: {word}}}")).policy
    assert found.rules == tuple(rule for rule in default.rules if rule.name != "page-1h")


def test_a_change_keeps_what_it_does_not_name():
    found = rules("{page-1h: {min_bad_events: 10}, page-6h: {factor: 5x, severity: ticket}}")
    assert found["page-1h"] == BurnRule("page-1h", "page", D("14.4"), 3600, 300, 10)
    assert found["page-6h"] == BurnRule("page-6h", "ticket", D(5), 21600, 1800, 2)


def test_the_nearest_layer_wins_key_by_key():
    found = rules(
        own="{page-1h: {factor: 10}}",
        service="{page-1h: {factor: 12, severity: ticket}, page-6h: off}",
        top="{page-1h: {min_bad_events: 5}, page-6h: {factor: 5}}",
    )
    assert found["page-1h"] == BurnRule("page-1h", "ticket", D(10), 3600, 300, 5)
    assert "page-6h" not in found


def test_a_rule_that_a_wider_layer_took_away_comes_back():
    assert rules("{page-1h: on}", top="{page-1h: off}")["page-1h"].factor == D("14.4")
    assert rules("{page-1h: {factor: 9}}", top="{page-1h: off}")["page-1h"].factor == 9


def test_a_name_of_its_own_declares_a_rule():
    text = "{half-day: {factor: 2, long: 12h, short: 1h, severity: page}}"
    new = BurnRule("half-day", "page", D(2), 43200, 3600, 2)
    assert rules(text)["half-day"] == new
    assert rules(top=text, own="{half-day: {factor: 3}}")["half-day"].factor == 3
    assert rules(text, objective="95%")["half-day"] == replace(new, confident=True)
    ticket = "{own: {factor: 2, long: 12h, short: 1h, severity: ticket}}"
    assert rules(ticket)["own"].min_bad_events == 1


def test_budget_shares_replace_the_default_ones():
    spent = [r for r in rules("{budget: [90%, 50, 100%, 99.5%]}").values() if r.kind == "budget"]
    assert spent == [
        BudgetRule("budget-50", "ticket", D("0.5")),
        BudgetRule("budget-90", "ticket", D("0.9")),
        BudgetRule("budget-99.5", "ticket", D("0.995")),
        BudgetRule("budget-100", "ticket", D(1)),
    ]
    assert not [r for r in rules("{budget: off}").values() if r.kind == "budget"]
    assert (
        len([r for r in rules("{budget: on}", top="{budget: off}").values() if r.kind == "budget"])
        == 4
    )


def test_a_floor_can_be_changed_and_declared():
    assert rules("{floor: off}", objective="95%").keys() & {"floor"} == set()
    assert rules("{floor: {over: 2h}}", objective="95%")["floor"].span == 7200
    text = "{floor: {least: 99%, over: 30m, min_bad_events: 5, severity: ticket}}"
    assert rules(text)["floor"] == FloorRule("floor", "ticket", D("0.99"), 1800, 5)


def test_absence_rules_can_be_changed():
    found = rules("{dead: {after: 3m}, gone: {severity: page}, blind: off}")
    assert found["dead"] == AbsenceRule("dead", "page", 180)
    assert found["gone"] == AbsenceRule("gone", "page", 600)
    assert "blind" not in found


def test_no_data_of_the_nearest_layer_decides_the_absence_rules():
    text = with_alerts(more="no_data: ignore", top="{dead: {after: 3m}}")
    found = slo(f"no_data: ticket\n{text}")
    assert found.no_data == "ignore"
    assert not [r for r in found.alert_policy.rules if isinstance(r, AbsenceRule)]
    own = rules("{dead: {after: 3m}}", more="no_data: ignore")
    assert own["dead"] == AbsenceRule("dead", "page", 180)
    top = slo("no_data: ticket\n" + with_alerts(top="{dead: {after: 3m}}"))
    assert top.alert_policy.rule("dead") == AbsenceRule("dead", "ticket", 180)


def test_a_wider_change_concerns_only_slos_that_have_the_rule():
    top = "{page-1h: {factor: 12, long: 2h, short: 5m, severity: page}, ticket-1d: off}"
    assert slo(with_alerts(top=top, objective="95%")).policy is None


def test_a_dropped_tier_comes_back_when_the_slo_asks_for_it():
    assert "page-6h" not in rules(objective="80%")
    found = slo(with_alerts("{page-6h: {min_bad_events: 9}}", objective="80%")).policy
    assert found.rule("page-6h") == BurnRule(
        "page-6h", "page", D(3), 21600, 1800, 9, confident=True
    )
    assert found.dropped == ()
    assert slo(with_alerts(top="{page-6h: {min_bad_events: 9}}", objective="80%")).policy is None
    assert rules(top="{page-6h: {factor: 4}}", objective="80%")["page-6h"].factor == 4
    assert slo(with_alerts("{page-6h: off}", objective="80%")).policy.dropped == ()


def test_alerts_hold_for_the_short_form_too():
    text = "alerts: {page-6h: off}\nservices: {a: {alerts: {page-1h: off}, SLO: {latency: 1s}}}\n"
    found = slo(text + "SLO: {availability: 99.9%}\n", "default/availability")
    assert found.policy.rule("page-6h") is None
    assert found.policy.rule("page-1h") is not None
    both = slo(text, "a/latency").policy
    assert (both.rule("page-6h"), both.rule("page-1h")) == (None, None)


def test_an_alternative_with_another_objective_is_told_to_have_the_default_alerts():
    text = "alerts: {page-6h: off}\nSLO: {accuracy: 95%, availability: 99.9%}\n"
    (warning,) = parse(text, "slo.yaml", {}).warnings
    assert warning.startswith("default/accuracy: alerts changes nothing where Prometheus has only")
    assert parse(f"metrics: {{accuracy: model_accuracy}}\n{text}", "slo.yaml", {}).warnings == ()


@pytest.mark.parametrize(
    ("own", "messages"),
    [
        ("{§pgae-1h: off}", ["alerts.pgae-1h: is no default rule of this SLO", "`page-1h`?"]),
        ("{§mine: {factor: 2, long: 1h}}", ["there are: page-1h", "also needs short, severity"]),
        ("{§mine: {factor: 2}}", ["ticket-3d, dead, gone, blind, budget; a rule of your own"]),
        ("{§floor: {over: 2h}}", ["needs least, such as 90%"]),
        ("{page-1h: §never}", ["alerts.page-1h: must be off, on, or what changes"]),
        ("{§page-1h: [off]}", ["must be off, on, or what changes, as in {factor: 6}"]),
        ("{§page-1h: {}}", ["is empty; write what changes"]),
        ("{page-1h: §~}", ["must be off, on"]),
        ("{page-1h: {§faktor: 2}}", ["did you mean `factor`?"]),
        ("{page-1h: {factor: §0}}", ["must be larger than zero"]),
        ("{page-1h: {factor: §much}}", ["is not a plain decimal number"]),
        ("{page-1h: {severity: §paeg}}", ["did you mean `page`?"]),
        ("{page-1h: {min_bad_events: §0}}", ["is not a count from 1 on"]),
        ("{page-1h: {long: §61m30s}}", ["must be a multiple of the interval, 1m"]),
        ("{page-1h: {short: §1h}}", ["short must be shorter than long"]),
        ("{page-1h: {long: §5m}}", ["short must be shorter than long"]),
        ("{page-1h: {long: §31d}}", ["must not be longer than the SLO's window, 30d"]),
        ("{§page-1h: {factor: 1001}}", ["at most 1 / (1 - 0.999) = ", "page-1h asks for 1001"]),
        (
            "{§mine: {factor: 6, long: 6h, short: 30m, severity: page}}",
            ["means the same as page-6h"],
        ),
        ("{dead: {after: §30s}}", ["must not be shorter than the interval"]),
        ("{floor: {least: §99.9%}}", ["must lie below the objective, 99.9%"]),
        ("{floor: {least: 99%, over: §40d}}", ["must not be longer than the SLO's window"]),
        ("{budget: [50%, §0.5]}", ["budget.1: '0.5' stands there already"]),
        ("{budget: [§120%]}", ["is not a share of the budget above 0% and up to 100%"]),
        ("{§budget: []}", ["must be off, or shares of the budget spent"]),
        ("{§budget-50: off}", ["is set by budget"]),
        ("{§a b: off}", ["is not a name for a rule"]),
        ("§[]", ["alerts: must be a mapping of rules"]),
    ],
)
def test_faults_of_an_slo_s_alerts(own, messages):
    text = with_alerts(own) if own[0] != HERE else with_alerts("[]").replace("alerts", "§alerts")
    fault = ensure_fault(text, *messages)
    assert fault.where == "api/x"


def test_an_impossible_rule_of_a_wider_layer_is_told_once():
    text = """\
alerts:
  §fast: {factor: 25, long: 1h, short: 5m, severity: page}
services:
  api:
    objective: 95%
    slos:
      x: {events: {bad: b, total: t}}
      y: {events: {bad: b, total: t}}
      z: {objective: 99%, events: {bad: b, total: t}}
      off: {alerts: {fast: off}, events: {bad: b, total: t}}
"""
    ensure_fault(text, "1 / (1 - 0.95) = ", "fast asks for 25", "(of api/x and 1 more)")


def test_a_fault_elsewhere_hides_no_alert_that_never_fires():
    text = with_alerts("{page-1h: {factor: 5000}}", more="owner: no")
    with pytest.raises(ConfigError) as caught:
        parse(text, "slo.yaml", {})
    assert len(caught.value.faults) == 2


def test_a_window_that_calendars_give_has_its_usual_length():
    text = with_alerts("{ticket-3d: {long: 8d}}", more="window: month")
    assert slo(text).policy.rule("ticket-3d").long == 8 * 86400
    ensure_fault(text.replace("8d", "§8d").replace("month", "week"), "the SLO's window, 7d")


SLICES = "services: {api: {slos: {x: {objective: 99%, slices: {query: q, at_least: 1}}}}}\n"


def test_bad_is_for_slices_and_allowed_where_freshness_does_so_by_itself():
    assert slo(f"no_data: bad\n{SLICES}").no_data == "bad"
    fresh = SLICES.replace(
        "slices: {query: q, at_least: 1}", "freshness: {timestamp: t, max_age: 1h}"
    )
    assert slo(f"no_data: bad\n{fresh}").no_data == "bad"
    gauge = "no_data: bad\nmetrics: {accuracy: model_accuracy}\nSLO: {accuracy: 95%}\n"
    assert slo(gauge, "default/accuracy").no_data == "bad"


@pytest.mark.parametrize(
    "text",
    [
        with_alerts(more="no_data: §bad"),
        "no_data: §bad\nSLO: {availability: 99%}\n",
        "no_data: §bad\nSLO: {accuracy: 99%}\n",
    ],
)
def test_bad_is_refused_where_events_are_counted(text):
    ensure_fault(text, "no data are no events: write page, ticket or ignore")


def test_an_unknown_no_data_is_told_where_it_stands():
    ensure_fault(with_alerts(more="no_data: §pge"), "did you mean `page`?")


def test_the_page_tells_the_default_rules():
    page = (Path(__file__).parents[2] / "docs" / "slo-yaml.md").read_text()
    for rule in default_policy(D("0.999")).rules:
        if isinstance(rule, BurnRule):
            assert f"| `{rule.name}` | {rule.severity} |" in page
            assert f"{rule.factor}" in page

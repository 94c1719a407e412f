from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from slo.config import ConfigError, parse
from slo.config.policies import Judged
from slo.config.policy_file import load_policy_file, parse_policy
from slo.domain.policy import (
    ACCURACY_LADDER,
    LADDER,
    budget_share,
    default_policy,
    windows_text,
)

JUDGED = Judged(Decimal("0.999"), timedelta(days=30), timedelta(minutes=1))


def read(text, env=None, judged=JUDGED):
    return parse_policy(text, "policy.yaml", env or {}, judged)


def faults(text, judged=JUDGED):
    with pytest.raises(ConfigError) as caught:
        read(text, judged=judged)
    return [str(fault) for fault in caught.value.faults]


def test_it_changes_the_default_rules_as_slo_yaml_does():
    policy = read(
        "alerts:\n  page-1h: {factor: 10}\n  ticket-3d: off\n  budget: [90%]\n"
        "  own: {factor: 2, long: 12h, short: 1h, severity: ticket}\nno_data: ticket\n"
    )
    rules = {rule.name: rule for rule in policy.rules}
    assert rules["page-1h"].factor == Decimal(10)
    assert "ticket-3d" not in rules
    assert [name for name in rules if name.startswith("budget")] == ["budget-90"]
    assert rules["own"].long == 12 * 3600
    assert rules["dead"].severity == "ticket"


def test_changes_that_change_nothing_are_the_default():
    assert read("alerts: {page-1h: on}\n") == default_policy(JUDGED.objective)


def test_variables_are_filled_in():
    policy = read('alerts: {page-1h: {factor: "${FACTOR}"}}\n', {"FACTOR": "9"})
    assert policy.rule("page-1h").factor == Decimal(9)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "policy.yaml:1:1: is empty; write alerts, as in alerts: {page-1h: {factor: 10}}"),
        ("page-1h: {factor: 10}\n", "policy.yaml:1:1: page-1h: unknown key"),
        ("alerts: {page-1h: {factor: ten}}\n", "policy.yaml:1:28: alerts: page-1h.factor: 'ten'"),
        ("alerts: {nothing: off}\n", "policy.yaml:1:10: alerts: nothing: is no default rule"),
        ("alerts:\n  page-1h: {factor: 2000}\n", "can never fire: with an objective of 0.999"),
        ("alerts: {page-1h: off}\nno_data: maybe\n", "policy.yaml:2:10: no_data: 'maybe'"),
        ("alerts: [", "is not YAML"),
        ("alerts: {page-1h: {factor: '${GONE}'}}\n", "the environment variable GONE is not set"),
    ],
)
def test_faults_are_told_with_their_place(text, told):
    assert any(told in fault for fault in faults(text)), faults(text)


def test_a_file_that_cannot_be_read_says_what_belongs_there(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read: No such file.*alerts as in slo.yaml"):
        load_policy_file(tmp_path / "none.yaml", {}, JUDGED)
    (tmp_path / "bytes.yaml").write_bytes(b"alerts: \xff\n")
    with pytest.raises(ConfigError, match="it is not UTF-8"):
        load_policy_file(tmp_path / "bytes.yaml", {}, JUDGED)
    (tmp_path / "good.yaml").write_text("alerts: {page-1h: off}\n")
    assert load_policy_file(tmp_path / "good.yaml", {}, JUDGED).rule("page-1h") is None


def examples():
    """The YAML of docs/alerts.md: a slo.yaml, and a policy file."""
    text = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    return re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)


def test_the_examples_of_the_page_are_read_without_faults():
    whole, policy_file = examples()
    shop = {slo.name: slo for slo in parse(whole, "slo.yaml", {}).slos}
    rules = {rule.name: rule for rule in shop["availability"].alert_policy.rules}
    assert rules["fast"].long == 15 * 60
    assert "ticket-3d" in rules
    assert "blind" not in rules
    assert shop["accuracy"].alert_policy.rule("floor").least == Decimal("0.85")
    assert read(policy_file).rule("page-1h").factor == Decimal(10)


def test_the_tables_of_the_page_are_the_default_policies():
    text = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| (\w+) \| ([0-9.]+)x \| (\w+) \| (\w+) \|", text, re.MULTILINE
    )
    told = [(name, severity, Decimal(x), f"{a} and {b}") for name, severity, x, a, b in rows]
    rules = [*LADDER, *ACCURACY_LADDER]
    assert told == [(r.name, r.severity, r.factor, windows_text(r)) for r in rules]
    shares = re.findall(r"^\| `[a-z0-9-]+` \|.* ([0-9.]+) % \|$", text, re.MULTILINE)
    assert [Decimal(s) / 100 for s in shares] == [budget_share(r, 30 * 86_400) for r in rules]

"""Where bad events came from, label by label."""

from __future__ import annotations

import json

from slo.domain.ledger import OTHER, Contribution
from slo.web.pages.breakdown import shares


def of(bad, **labels):
    return Contribution(0, json.dumps(labels), bad, 2 * bad)


def told(*contributions):
    return [(one.label, one.value) for one in shares(contributions)]


def test_a_value_that_all_sets_carry_is_left_out():
    assert told(of(5.0, env="prod", code="500"), of(3.0, env="prod", code="503")) == [
        ("code", "500"),
        ("code", "503"),
    ]


def test_the_rest_that_is_summed_up_counts_as_no_set():
    rest = Contribution(0, OTHER, 1.0, 900.0)
    sets = of(5.0, env="prod", code="500"), of(3.0, env="prod", code="503"), rest
    assert told(*sets) == [("code", "500"), ("code", "503")]


def test_where_nothing_differs_all_values_are_told():
    rest = Contribution(0, OTHER, 1.0, 900.0)
    assert told(of(5.0, env="prod"), rest) == [("env", "prod")]

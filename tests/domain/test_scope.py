from __future__ import annotations

import pytest

from slo.domain.ledger import Exclusion
from slo.domain.scope import ScopeError, in_scope, parse_scope
from slo.domain.silence import Silence
from slo.domain.span import Span

KNOWN = ["fraud-model/latency", "fraud-model/accuracy", "search/latency"]


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("*", "*"),
        ("search", "search/*"),
        ("search/*", "search/*"),
        (" fraud-model/latency ", "fraud-model/latency"),
    ],
)
def test_a_scope_is_all_a_service_or_an_slo(text, scope):
    assert parse_scope(text, KNOWN) == scope


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fraud", "did you mean fraud-model"),
        ("serach", "did you mean search"),
        ("latency", "did you mean fraud-model/latency or search/latency?"),
        ("fraud-model/latncy", "did you mean fraud-model/latency"),
        ("zzzz/*", "there are fraud-model/accuracy, fraud-model/latency, search/latency, or [*]"),
        ("", "there is no service or SLO ''"),
        ("*/latency", "did you mean"),
    ],
)
def test_an_unknown_scope_names_what_is_near(text, told):
    with pytest.raises(ScopeError, match=told):
        parse_scope(text, KNOWN)


def test_long_lists_are_cut_and_empty_ones_told():
    with pytest.raises(ScopeError, match="and 40 more, or"):
        parse_scope("qqqqqqqqqqqqq", [f"svc/{n}" for n in range(50)])
    with pytest.raises(ScopeError, match="none is declared"):
        parse_scope("svc", [])


@pytest.mark.parametrize("scope", ["*", "search/*", "search/latency", "fraud-model/*", "sear/*"])
@pytest.mark.parametrize("slo", KNOWN)
def test_silences_and_exclusions_cover_what_is_in_scope(scope, slo):
    inside = in_scope(scope, slo)
    assert Exclusion(1, scope, Span(0, 1), "other", "a", "b").covers(slo) is inside
    assert Silence(1, scope, 0, 10, "a", "b").mutes(slo, {}, 5) is inside

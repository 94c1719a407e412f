from __future__ import annotations

import promql_parser
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.selector import Matcher, Selector

matchers = st.builds(
    Matcher,
    st.sampled_from(["job", "code", "model", "le"]),
    st.sampled_from(["=", "!="]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)


def test_a_selector_reads_as_promql():
    selector = Selector("http_requests_total", (Matcher("code", "=~", "5.."),))
    assert str(selector) == 'http_requests_total{code=~"5.."}'
    assert str(Selector("up")) == "up"
    assert str(Selector(None, (Matcher("job", "=", "a"),))) == '{job="a"}'


@given(matchers)
def test_prometheus_reads_any_value_as_it_is(matcher):
    parsed = promql_parser.parse(str(Selector("m", (matcher,))))
    (found,) = parsed.matchers.matchers
    assert (found.name, found.value) == (matcher.label, matcher.value)


@given(st.lists(matchers, max_size=4), st.lists(matchers, max_size=4))
def test_the_order_of_adding_matchers_makes_no_difference(one, other):
    selector = Selector("m")
    assert selector.with_matchers(*one, *other) == selector.with_matchers(*other).with_matchers(
        *one
    )


@given(st.lists(matchers, max_size=4), st.lists(matchers, max_size=4))
def test_further_matchers_narrow(one, other):
    wide = Selector("m").with_matchers(*one)
    assert wide.with_matchers(*other).narrows(wide)


def test_other_metrics_and_fewer_matchers_do_not_narrow():
    a, b = Matcher("job", "=", "a"), Matcher("code", "=", "200")
    assert not Selector("m", (a,)).narrows(Selector("n", (a,)))
    assert not Selector("m", (a,)).narrows(Selector("m", (b, a)))
    assert Selector("m", (a,)).with_name("n") == Selector("n", (a,))

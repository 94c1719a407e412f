from hypothesis import given, settings
from hypothesis import strategies as st

from slo.domain.selector import Matcher, Selector
from slo.domain.source import Source
from slo.prometheus.client import PrometheusClient
from slo.prometheus.selectors import quote, share
from tests.support.fake_source import matches
from tests.support.prometheus_server import OpenMetrics, PrometheusServer

VALUES = ("", "a", "b", "a|b", ".*", 'say "hi"', "\\d", "é☃", "a\nb", "$^(x)[y]{1}?+")
labels = st.sampled_from(("job", "code", "path"))
matchers = st.builds(
    Matcher, labels, st.sampled_from(("=", "=", "=", "!=")), st.sampled_from(VALUES)
)
selectors = st.builds(
    lambda name, ms: Selector(name, tuple(sorted(set(ms)))),
    st.sampled_from(("x_total", "y_total")),
    st.lists(matchers, max_size=3),
)
series = st.fixed_dictionaries(
    {"__name__": st.sampled_from(("x_total", "y_total", "z_total"))},
    optional={k: st.sampled_from(VALUES[1:]) for k in ("job", "code", "path")},
)


class TestShare:
    @given(st.lists(selectors, max_size=12), st.lists(series, max_size=12))
    def test_each_series_goes_to_just_the_selectors_that_select_it(self, asked, there):
        requests = share(asked)
        members = [m for r in requests for m in r.members.values()]
        assert sorted(members, key=str) == sorted(set(asked), key=str)
        for one in there:
            got = {
                r.member_of(one) for r in requests if matches(r.selector, one)
            } - {None}  # fmt: skip
            assert got == {s for s in asked if matches(s, one)}

    @given(st.lists(selectors, max_size=12))
    def test_every_request_has_a_name_or_a_matcher_that_refuses_the_empty_value(self, asked):
        for request in share(asked):
            names = [m for m in request.selector.matchers if m.label == "__name__"]
            assert request.selector.name or names

    def test_selectors_that_differ_in_one_value_share_one_request(self):
        asked = [Selector("x_total", (Matcher("job", "=", v),)) for v in VALUES]
        (request,) = share(asked)
        assert set(request.members.values()) == set(asked)

    def test_selectors_that_differ_in_two_labels_do_not(self):
        one = Selector("x_total", (Matcher("code", "=", "1"), Matcher("job", "=", "a")))
        two = Selector("x_total", (Matcher("code", "=", "2"), Matcher("job", "=", "b")))
        assert len(share([one, two])) == 2

    def test_the_same_selector_twice_is_asked_once(self):
        one = Selector("x_total")
        assert [r.selector for r in share([one, Selector("x_total")])] == [one]

    def test_halves_hold_the_same_members(self):
        asked = [Selector("x_total", (Matcher("job", "=", str(n)),)) for n in range(5)]
        (request,) = share(asked)
        halves = request.halves()
        assert sorted(s for h in halves for s in h.members.values()) == sorted(asked)
        assert all(not h.halves() or len(h.members) > 1 for h in halves)


def test_a_real_prometheus_takes_every_shared_request_and_tells_the_same(tmp_path):
    text = OpenMetrics()
    at = 1_790_000_000
    there = [{"job": value} for value in VALUES[1:] if "\n" not in value] + [{}]
    for number, one in enumerate(there):
        inside = str(Selector(None, tuple(Matcher(k, "=", v) for k, v in one.items())))
        text.add(f"x_total{inside}", [(at, number)])
        text.add(f"y_total{inside}", [(at, number)])
    asked = [Selector(n, (Matcher("job", "=", v),)) for n in ("x_total", "y_total") for v in VALUES]
    asked += [Selector("x_total", (Matcher("job", "!=", v),)) for v in VALUES]
    body = "# TYPE x counter\n# TYPE y counter\n" + text.text()
    with PrometheusServer(
        tmp_path, openmetrics=body, flags=["--storage.tsdb.retention.time=50y"]
    ) as server, PrometheusClient(Source("main", (server.url,))) as client:  # fmt: skip
        for request in share(asked):
            found = client.instant(f"{request.selector}[90s]", at + 1).series
            expected = [
                {"__name__": n} | one
                for n in ("x_total", "y_total") for one in there
                if matches(request.selector, {"__name__": n} | one)
            ]  # fmt: skip
            assert sorted(map(str, (sorted(s.labels.items()) for s in found))) == sorted(
                str(sorted(e.items())) for e in expected
            )
            assert all(request.member_of(s.labels) is not None for s in found)


@given(st.text(max_size=8))
@settings(max_examples=50)
def test_a_quoted_value_has_no_special_character_left(text):
    assert quote(text).replace("\\", "") == text.replace("\\", "")

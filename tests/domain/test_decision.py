"""Decisions over made ledgers; a ledger is a list of (bad, total, covered share, carried)."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.domain.confidence import wilson
from slo.domain.decision import decide, frozen_because
from slo.domain.ledger import Reading
from slo.domain.policy import AbsenceRule, BudgetRule, BurnRule, FloorRule
from slo.domain.span import Span
from slo.domain.track import Track

MINUTE = 60
OBJECTIVE = Decimal("0.999")
PAGE = BurnRule("page", "page", Decimal("14.4"), 600, 120, 2)
GOOD = (0, 1000)


def track(*buckets, excluded=()):
    rows = [(*b, *(1.0, 0)[len(b) - 2 :]) for b in buckets]
    ends = [MINUTE * n for n in range(len(rows) + 1)]
    sums = list(
        accumulate(
            rows,
            lambda a, b: (a[0] + b[1] - b[0], a[1] + b[1], a[2] + b[2] * MINUTE),
            initial=(0.0, 0.0, 0.0),
        )
    )
    readings = [Reading(end, *total) for end, total in zip(ends, sums, strict=True)]
    carried = [(ends[n + 1], row[3]) for n, row in enumerate(rows) if row[3]]
    return Track(
        MINUTE,
        0,
        lambda t: readings[max(0, bisect_right(ends, t) - 1)],
        excluded,
        carried,
    )


def at_end(rule, *buckets, state=None, objective=OBJECTIVE, excluded=(), **facts):
    moment = track(*buckets, excluded=excluded).moment(len(buckets) * MINUTE, objective, **facts)
    return decide(rule, moment, state)


def live(rule, buckets, objective=OBJECTIVE, excluded=()):
    """The verdicts of each bucket, decided one after the other."""
    seen, state, found = track(*buckets, excluded=excluded), None, []
    for number in range(1, len(buckets) + 1):
        decision = decide(rule, seen.moment(number * MINUTE, objective), state)
        state = decision.state
        found.append(decision.verdict)
    return found


FIRING = at_end(PAGE, *[(100, 1000)] * 10).state


def test_it_fires_at_the_factor_exactly_and_not_below():
    assert at_end(PAGE, *[(144, 10_000)] * 10).verdict == "fires"
    assert at_end(PAGE, *[(144, 10_001)] * 10).verdict == "quiet"
    assert at_end(PAGE, *[(1445, 100_000)] * 10).verdict == "fires"
    assert at_end(PAGE, *[(1439, 100_000)] * 10).verdict == "quiet"


def test_both_windows_must_burn():
    assert at_end(PAGE, *[(100, 1000)] * 8, GOOD, GOOD).verdict == "quiet"
    assert at_end(PAGE, *[GOOD] * 9, (40, 1000)).verdict == "quiet"


def test_the_reason_says_both_burn_rates_and_the_threshold():
    reason = at_end(PAGE, *[(15, 1000)] * 10).reason
    assert reason == "burned 15x over 10m and 15x over 2m; pages at 14.4x"


def test_a_reason_tells_a_number_from_the_threshold_that_it_does_not_reach():
    burned = at_end(PAGE, *[(14_399, 1_000_000)] * 10)
    assert burned.verdict == "quiet"
    assert burned.reason == "burned 14.399x over 10m and 14.399x over 2m; pages at 14.4x"
    floor = FloorRule("floor", "page", Decimal("0.9"), span=300)
    assert at_end(floor, *[(100_004, 1_000_000)] * 5).reason.startswith("89.9996% good over 5m;")
    budget = BudgetRule("budget-12", "ticket", Decimal("0.12345"))
    spent = at_end(budget, GOOD, spent=0.12344996).reason
    assert spent == "12.34% of the error budget is spent; tickets at 12.345%"
    half = BudgetRule("budget-50", "ticket", Decimal("0.5"))
    spent = at_end(half, GOOD, spent=0.499996).reason
    assert spent == "49.9996% of the error budget is spent; tickets at 50%"


def test_a_reason_has_no_power_of_ten():
    reason = at_end(PAGE, *[(1000, 1000)] * 10, objective=Decimal("0.99999")).reason
    assert reason == "burned 100,000x over 10m and 100,000x over 2m; pages at 14.4x"


def test_too_few_bad_events_are_inconclusive_and_fire_nothing():
    decision = at_end(PAGE, *[(0, 1)] * 9, (1, 1))
    assert decision.verdict == "inconclusive"
    assert "1 bad of the 2 that it takes" in decision.reason
    assert not decision.state.firing


def test_it_resolves_once_the_short_window_stayed_below_for_its_own_length():
    verdicts = live(PAGE, [(100, 1000)] * 3 + [GOOD] * 8)
    assert verdicts[:3] == ["fires", "firing", "firing"]
    # The last bad bucket leaves the short window with bucket 5; it stays below until 7.
    assert verdicts[3:] == [
        "firing",
        "firing",
        "firing",
        "resolves",
        "quiet",
        "quiet",
        "quiet",
        "quiet",
    ]


def test_a_relapse_within_the_calm_starts_the_calm_anew():
    verdicts = live(PAGE, [(100, 1000)] * 3 + [GOOD] * 2 + [(900, 1000)] + [GOOD] * 5)
    assert verdicts.index("resolves") == 9


def test_silence_of_events_is_calm_and_no_data_is_not():
    quiet = live(PAGE, [(100, 1000)] * 3 + [(0, 0)] * 6)
    assert "resolves" in quiet
    uncovered = live(PAGE, [(100, 1000)] * 3 + [(0, 0, 0.0)] * 30)
    assert set(uncovered[3:]) == {"frozen"}


@pytest.mark.parametrize("state", [None, FIRING])
def test_a_frozen_rule_neither_fires_nor_resolves_and_says_why(state):
    decision = at_end(PAGE, *[(100, 1000)] * 9, (100, 1000, 0.0), state=state)
    assert decision.verdict == "frozen"
    assert decision.reason == "frozen: the newest bucket has no data"
    assert decision.state.firing == (state is not None)


def test_it_is_frozen_while_less_than_four_fifths_of_the_short_window_are_covered():
    rule = replace(PAGE, short=300)
    verdicts = [
        at_end(rule, *[GOOD] * 5, *[(0, 0, 0.0)] * missing, *[(100, 1000)] * (5 - missing)).verdict
        for missing in (0, 1, 2)
    ]
    assert verdicts == ["fires", "fires", "frozen"]


def test_what_the_long_window_lacks_freezes_nothing():
    assert at_end(PAGE, *[(0, 0, 0.0)] * 8, *[(100, 1000)] * 2).verdict == "fires"


def test_a_carried_step_freezes_windows_that_are_shorter_and_fills_those_that_are_longer():
    gap = [*[GOOD] * 20, *[(0, 0, 0.0)] * 7, (700, 8000, 1.0, 480)]
    assert at_end(replace(PAGE, long=1200, short=300), *gap).reason == (
        "frozen: a step of 8m across a gap lies in the last 5m"
    )
    assert at_end(replace(PAGE, long=1200, short=600), *gap).verdict == "fires"


def test_a_carried_step_freezes_no_longer_than_it_lies_in_the_window():
    gap = [*[GOOD] * 20, *[(0, 0, 0.0)] * 7, (0, 8000, 1.0, 480)]
    rule = replace(PAGE, short=300)
    assert at_end(rule, *gap, *[GOOD] * 4).verdict == "frozen"
    # The long window of ten minutes holds the step of eight.
    assert at_end(rule, *gap, *[GOOD] * 5).verdict == "quiet"


def test_an_excluded_newest_bucket_decides_nothing():
    buckets = [(100, 1000)] * 10
    decision = at_end(PAGE, *buckets, excluded=[Span(9 * MINUTE, 10 * MINUTE)])
    assert decision.reason == "frozen: the newest bucket is excluded"


def test_excluded_spans_are_taken_out_of_both_windows():
    buckets = [*[GOOD] * 10, *[(500, 1000)] * 5, *[GOOD] * 1]
    away = [Span(10 * MINUTE, 15 * MINUTE)]
    assert at_end(PAGE, *buckets, excluded=away).verdict == "quiet"


def test_a_confident_rule_waits_until_chance_is_excluded():
    rule = BurnRule("page", "page", Decimal(3), 600, 120, 2, confident=True)
    few = at_end(rule, *[(0, 1)] * 8, (1, 1), (1, 1), objective=Decimal("0.95"))
    assert few.verdict == "inconclusive"
    assert "too few to be sure" in few.reason
    many = at_end(rule, *[(200, 1000)] * 10, objective=Decimal("0.95"))
    assert many.verdict == "fires"


def test_a_floor_fires_by_its_bound_and_resolves_above_it():
    rule = FloorRule("floor", "page", Decimal("0.9"), span=300)
    assert at_end(rule, *[(20, 100)] * 5).verdict == "fires"
    assert at_end(rule, *[(2, 15)] * 5).verdict == "inconclusive"
    assert at_end(rule, *[(5, 100)] * 5).verdict == "quiet"
    verdicts = live(rule, [(30, 100)] * 5 + [(0, 100)] * 15)
    assert verdicts.count("resolves") == 1


def test_budget_alerts_fire_at_their_share_and_resolve_two_points_below():
    rule = BudgetRule("budget-50", "ticket", Decimal("0.5"))
    fired = at_end(rule, GOOD, spent=0.5)
    assert fired.verdict == "fires"
    assert fired.reason == "50% of the error budget is spent; tickets at 50%"
    assert at_end(rule, GOOD, spent=0.49, state=fired.state).verdict == "firing"
    assert at_end(rule, GOOD, spent=0.47, state=fired.state).verdict == "resolves"
    assert at_end(rule, GOOD, spent=None, state=fired.state).verdict == "firing"
    assert at_end(rule, GOOD, spent=None).verdict == "quiet"


@given(died=st.integers(0, 59), lag=st.integers(0, 30), after=st.sampled_from([120, 300, 600]))
def test_dead_targets_page_before_the_time_is_over_and_not_a_bucket_too_early(died, lag, after):
    rule = AbsenceRule("dead", "page", after)
    buckets = [(0, 0, 0.0)] * 12
    seen, state = track(*buckets), None
    for number in range(1, 13):
        at = number * MINUTE
        moment = seen.moment(at, OBJECTIVE, absence=("dead", died), lag=lag)
        decision = decide(rule, moment, state)
        state = decision.state
        if decision.verdict == "fires":
            assert at + lag <= died + after
            assert at + MINUTE + lag > died + after
            return
    raise AssertionError("it never fired")


def test_an_absence_is_over_with_the_first_covered_bucket_and_not_before():
    rule = AbsenceRule("dead", "page", 300)
    fired = at_end(rule, *[(0, 0, 0.0)] * 5, absence=("dead", 0))
    assert fired.verdict == "fires"
    assert at_end(rule, *[(0, 0, 0.0)] * 6, state=fired.state).verdict == "firing"
    assert at_end(rule, *[(0, 0, 0.0)] * 5, GOOD, state=fired.state).verdict == "resolves"


def test_an_absence_counts_from_its_first_sign():
    rule = AbsenceRule("gone", "ticket", 300)
    state = at_end(rule, (0, 0, 0.0), absence=("gone", 0)).state
    # Later cycles may know only of the span that they read.
    assert at_end(rule, *[(0, 0, 0.0)] * 5, absence=("gone", 240), state=state).verdict == "fires"


BUCKETS = st.lists(
    st.tuples(
        st.integers(0, 50),
        st.integers(50, 100),
        st.sampled_from([1.0, 1.0, 1.0, 0.5, 0.0]),
        st.sampled_from([0, 0, 0, 360]),
    ),
    min_size=1,
    max_size=40,
)
RULES = [PAGE, replace(PAGE, short=300, long=900), FloorRule("f", "page", Decimal("0.8"), 300)]


@settings(max_examples=150)
@given(BUCKETS, st.sampled_from(RULES))
def test_verdicts_follow_each_other_lawfully(buckets, rule):
    firing = False
    seen, state = track(*buckets), None
    for number in range(1, len(buckets) + 1):
        moment = seen.moment(number * MINUTE, OBJECTIVE)
        decision = decide(rule, moment, state)
        if decision.verdict == "fires":
            assert not firing
            firing = True
        elif decision.verdict == "resolves":
            assert firing
            firing = False
        short = rule.short if isinstance(rule, BurnRule) else rule.span
        long = rule.long if isinstance(rule, BurnRule) else rule.span
        assert (decision.verdict == "frozen") == bool(frozen_because(moment, short, long))
        assert decision.state.firing == firing
        assert decision.reason
        state = decision.state


STREAM = st.lists(
    st.tuples(
        st.tuples(
            st.sampled_from([0, 0, 143, 144, 145, 600]), st.sampled_from([0, 9999, 10_000, 10_001])
        ),
        st.integers(1, 8),
    ),
    min_size=1,
    max_size=8,
).map(lambda runs: [(min(bad, total), total) for (bad, total), n in runs for _ in range(n)])


def shares(buckets, number, minutes):
    """Bad and total events of the last minutes, as whole numbers."""
    inside = buckets[max(0, number - minutes) : number]
    return sum(bad for bad, _ in inside), sum(total for _, total in inside)


@settings(max_examples=200)
@given(STREAM)
def test_it_fires_when_both_windows_reach_the_factor_and_ends_after_the_short_one_was_calm(
    buckets,
):
    """The same told in whole numbers: 14.4x of 0.1 % are 144 of 10,000."""
    expected, firing, calm_since = [], False, None
    for number in range(1, len(buckets) + 1):
        long, short = shares(buckets, number, 10), shares(buckets, number, 2)
        short_burns = short[1] > 0 and short[0] * 10_000 >= short[1] * 144
        long_burns = long[1] > 0 and long[0] * 10_000 >= long[1] * 144
        if not firing:
            firing, calm_since = long_burns and short_burns and long[0] >= 2, None
            expected.append("fires" if firing else "quiet")
        elif short_burns:
            calm_since = None
            expected.append("firing")
        else:
            calm_since = number if calm_since is None else calm_since
            firing = number - calm_since < 2
            expected.append("firing" if firing else "resolves")
    assert live(PAGE, buckets) == expected


def test_a_frozen_moment_starts_the_calm_anew():
    calm = [(100, 1000)] * 10 + [GOOD] * 3
    assert live(PAGE, [*calm, GOOD])[-1] == "resolves"
    assert live(PAGE, [*calm, (0, 0, 0.0), GOOD, GOOD])[-3:] == ["frozen", "frozen", "firing"]


def test_a_frozen_rule_goes_on_by_itself_once_there_are_data():
    verdicts = live(PAGE, [(100, 1000)] * 10 + [(0, 0, 0.0)] * 5 + [GOOD] * 5)
    assert verdicts[10:] == ["frozen"] * 6 + ["firing"] * 2 + ["resolves"] + ["quiet"]


def test_floor_and_budget_rules_take_the_severity_that_the_policy_has_now():
    rule = FloorRule("floor", "page", Decimal("0.9"), span=300)
    fired = at_end(rule, *[(20, 100)] * 5).state
    softer = at_end(replace(rule, severity="ticket"), *[(20, 100)] * 6, state=fired)
    assert (softer.verdict, softer.state.severity) == ("firing", "ticket")
    assert softer.reason == "80% good over 5m; tickets below 90%"


def test_a_floor_without_events_is_quiet_and_says_so():
    decision = at_end(FloorRule("floor", "page", Decimal("0.9"), span=300), *[(0, 0)] * 5)
    assert decision.verdict == "quiet"
    assert decision.reason == "without events good over 5m; pages below 90%"


def test_a_budget_fires_again_after_it_resolved():
    rule = BudgetRule("budget-50", "ticket", Decimal("0.5"))
    state, verdicts = None, []
    for spent in (0.49, 0.5, 0.481, 0.479, 0.49, 0.51):
        decision = at_end(rule, GOOD, spent=spent, state=state)
        state = decision.state
        verdicts.append(decision.verdict)
    assert verdicts == ["quiet", "fires", "firing", "resolves", "quiet", "fires"]


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_wilson_bounds_hold_the_share_and_narrow_with_more_events(part, total):
    part = min(part, total)
    low, high = wilson(part, total)
    assert 0 <= low <= part / total <= high + 1e-12 <= 1 + 1e-12
    wide = high - low
    low, high = wilson(part * 10, total * 10)
    assert high - low < wide


def test_wilson_without_events_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


def test_wilson_gives_the_published_figures():
    # Newcombe (1998), 81 of 263: 0.2553 to 0.3662.
    assert [round(bound, 4) for bound in wilson(81, 263)] == [0.2553, 0.3662]

"""Rulings: they say what the last decision said, and change nothing."""

from __future__ import annotations

import pytest

from slo import incidents as acting
from slo.domain.absence import Absence
from slo.domain.ledger import Correction, Exclusion
from slo.domain.span import Span
from slo.rulings import rulings
from slo.store import corrections, exclusions, slos, standings
from slo.store.engine import reading, writing
from slo.web.pages.slo.policy_table import rule_rows
from tests.support.feed import MINUTE, START, Feed, yaml_of

SLO = "shop/availability"
MONTH = 30 * 86_400


@pytest.fixture
def feed(engine):
    return Feed(engine)


def found(feed):
    (slo,) = feed.context.settings.slos
    with reading(feed.engine) as session:
        meter = slos.meter_of(session, SLO)
        return rulings(session, standings.one(session, SLO), meter, slo.alert_policy)


def says(feed):
    """What the table says of each rule, by its name."""
    return {row.rule: row.says for row in rule_rows(found(feed), MONTH, feed.at + 16)}


def agree(feed):
    """That the rulings leave every state as the cycle left it."""
    states = feed.states().get(SLO, {})
    for ruling in found(feed):
        left = states.get(ruling.rule.name)
        now = ruling.state
        assert now.firing == (left is not None and left.firing), ruling
        assert now.since == (left.since if left else None), ruling
        assert now.frozen == (left.frozen if left else ""), ruling
        assert now.calm_since == (left.calm_since if left else None), ruling
    return states


def test_they_agree_with_the_cycle_from_quiet_through_firing_and_calm(feed):
    feed.quiet(70)
    assert agree(feed) == {}
    seen = set()
    for minute in range(24):
        feed.book((60 if minute < 8 else 0, 100))
        seen |= {(name, s.firing, s.calm_since is not None) for name, s in agree(feed).items()}
    assert ("page-1h", True, False) in seen
    assert ("page-1h", True, True) in seen
    assert feed.changes("page-1h")[-1][0] == "resolves"


def test_they_agree_while_data_are_missing_and_name_why_a_rule_is_frozen(feed):
    feed.quiet(60)
    for bucket in ((0, 0, 0.0), (0, 0, 0.0), (0, 500, 1.0, 420), (0, 100), (0, 100)):
        feed.book(bucket)
        agree(feed)
    assert says(feed)["page-1h"] == "frozen: a step of 7m across a gap lies in the last 5m"


def test_they_agree_under_exclusions_and_corrections(feed):
    feed.quiet(60)
    feed.run(6, bad=60)
    with writing(feed.engine) as session:
        away = Span(feed.at - 4 * MINUTE, feed.at + 3 * MINUTE)
        exclusions.add(session, Exclusion(0, "shop/*", away, "maintenance", "mia", "a move", START))
        corrections.add(session, Correction(SLO, START + 600, 0, 900, "mia", "late", "k", feed.at))
    for _ in range(6):
        feed.book((30, 100))
        agree(feed)


def test_the_numbers_are_those_that_the_transition_kept(feed):
    feed.quiet(60)
    while not feed.history():
        feed.book((60, 100))
    (fired,) = [t for t in feed.history() if t.rule == feed.history()[0].rule]
    ruling = next(r for r in found(feed) if r.rule.name == fired.rule)
    assert dict(ruling.decision.numbers) == dict(fired.numbers)


def test_budget_rules_see_the_budget_where_late_truth_lies_in_excluded_time(feed):
    feed.quiet(25 * 60, total=10)
    away = Span(START, START + 60 * MINUTE)
    with writing(feed.engine) as session:
        exclusions.add(session, Exclusion(0, SLO, away, "maintenance", "mia", "a move", feed.at))
        late = Correction(SLO, START + 30 * MINUTE, -60, 0, "mia", "late", "k", feed.at)
        corrections.add(session, late)
    feed.book((410, 420))
    agree(feed)
    with reading(feed.engine) as session:
        remaining = standings.one(session, SLO).budget.remaining
    seen = {ruling.moment.spent for ruling in found(feed)}
    assert seen == {1 - remaining}


def test_the_table_tells_a_number_from_the_threshold_that_it_does_not_reach(feed):
    feed.run(60, bad=1438, total=100_000)
    rows = {row.rule: row for row in rule_rows(found(feed), MONTH, feed.at + 16)}
    page = rows["page-1h"]
    assert (page.threshold, page.now_long, page.now_short) == ("14.4x", "14.38x", "14.38x")
    assert page.says == "no"


def test_the_table_tells_the_share_of_a_tier_without_powers_of_ten(feed):
    feed.quiet(60)
    hour, year = (
        {r.rule: r for r in rule_rows(found(feed), s, feed.at)} for s in (3600, 31_536_000)
    )
    assert hour["page-1h"].tier.replace("\u202f", " ") == "1,440 % of the budget in 1 h"
    assert year["ticket-3d"].spends.replace("\u202f", " ") == "budget in 365 d"


def test_they_write_nothing(feed):
    feed.quiet(60)
    feed.run(6, bad=60)
    before = feed.states(), feed.history()
    found(feed)
    assert (feed.states(), feed.history()) == before


def test_before_the_first_bucket_there_are_none(feed):
    (slo,) = feed.context.settings.slos
    with reading(feed.engine) as session:
        meter = slos.meter_of(session, SLO)
        assert meter.booked_to is None
        assert rulings(session, None, meter, slo.alert_policy) == []


def test_absence_is_told_by_the_state_that_the_cycle_left(feed):
    feed.quiet(60)
    since = feed.at
    for minute in range(1, 7):
        feed.book((0, 0, 0.0), absences=[Absence("dead", since, since + minute * MINUTE)])
        agree(feed)
    assert says(feed)["dead"].startswith("firing since ")
    assert says(feed)["gone"] == "no"


def test_a_rule_that_lacks_bad_events_says_how_many(engine):
    feed = Feed(
        engine,
        yaml_of().replace("total}", "total}\n        alerts: {page-1h: {min_bad_events: 40}}"),
    )
    feed.quiet(60, total=2)
    feed.book(*[(2, 2)] * 18)
    assert says(feed)["page-1h"] == "needs 4 more bad events"


def test_a_floor_and_its_bound_are_told_in_words(engine):
    feed = Feed(engine, yaml_of("95%"))
    feed.quiet(30)
    feed.run(3, bad=13, total=20)
    rows = {row.rule: row for row in rule_rows(found(feed), MONTH, feed.at + 16)}
    floor = rows["floor"]
    assert (floor.long, floor.short, floor.threshold) == ("1\u202fh", "\u2013", "below 90\u202f%")
    assert floor.now_long == "98.73\u202f%"
    assert floor.says == "no"
    assert rows["budget-50"].threshold == "from 50\u202f%"


def test_a_rule_that_somebody_muted_says_until_when(feed):
    feed.quiet(60)
    feed.run(6, bad=60)
    assert says(feed)["page-1h"].startswith("firing since ")
    (incident,) = feed.incidents()
    with writing(feed.engine) as session:
        acting.resolve(session, feed.context.settings, incident.id, "mia", "known", feed.at + 16)
    assert "; muted until " in says(feed)["page-1h"]

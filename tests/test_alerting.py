"""What bookings mean for alerts; decisions themselves are held in tests/domain."""

from __future__ import annotations

import pytest

from slo.domain.absence import Absence
from slo.domain.ledger import Correction, Exclusion
from slo.domain.span import Span
from slo.store import corrections, exclusions, standings
from slo.store.engine import reading, writing
from tests.support.feed import MINUTE, START, Feed, yaml_of
from tests.support.stores import empty_store

SLO = "shop/availability"
PAGER = """receivers: {hook: {type: webhook, url: "http://127.0.0.1:9/"}}
routes: {page: [hook], ticket: [hook]}"""


@pytest.fixture
def feed(engine):
    return Feed(engine, yaml_of(more=PAGER))


def standing(feed, slo=SLO):
    with reading(feed.engine) as session:
        return standings.one(session, slo)


def kinds(feed):
    return [(n.facts.kind, n.transition) for n in feed.notifications()]


def test_a_burn_fires_opens_an_incident_and_is_told_once(feed):
    feed.quiet(60)
    feed.run(6, bad=50)

    fired = [t for t in feed.history() if t.rule == "page-1h"]
    assert [t.change for t in fired] == ["fires"]
    assert "burned" in fired[0].reason
    assert "pages at 14.4x" in fired[0].reason
    assert dict(fired[0].numbers)["long_burn"] >= 14.4
    (incident,) = feed.incidents()
    assert fired[0].incident == incident.id
    assert incident.severity == "page"
    assert [kind for kind, _ in kinds(feed)].count("opened") == 1
    shown = standing(feed)
    assert "page-1h" in {a.rule for a in shown.alerts}
    assert shown.incident == incident.id


def test_it_resolves_after_one_short_window_of_calm_and_says_so(feed):
    feed.quiet(60)
    feed.quiet(3 * 24 * 60)
    feed.run(6, bad=50)
    feed.run(70)

    changes = feed.changes("page-1h")
    assert [change for change, _ in changes] == ["fires", "resolves"]
    # The short window is clean five minutes after the last bad one, and stays so for five.
    assert changes[1][1] == 60 + 3 * 24 * 60 + 6 + 5 + 5
    (incident,) = feed.incidents()
    assert incident.status == "resolved"
    assert [kind for kind, _ in kinds(feed)][-1] == "resolved"
    assert standing(feed).incident is None


def test_catching_up_decides_like_living_and_marks_what_is_late(engine, tmp_path):
    minutes = [(0, 100)] * 60 + [(50, 100)] * 10 + [(0, 100)] * 60
    live = Feed(engine, yaml_of(more=PAGER))
    for minute in minutes:
        live.book(minute)
    other = empty_store(tmp_path / "other.db")
    late = Feed(other, yaml_of(more=PAGER))
    late.book(*minutes)

    def told(feed):
        return [(t.rule, t.change, t.at) for t in feed.history() if t.kind == "burn"]

    assert told(late) == told(live)
    assert {t.late for t in late.history() if t.at < late.at - 240} == {True}
    assert not any(t.late for t in live.history())
    other.dispose()


def test_what_fired_and_resolved_while_catching_up_is_kept_and_tells_nobody(feed):
    feed.book(*[(0, 100)] * (3 * 24 * 60), *[(50, 100)] * 6, *[(0, 100)] * 90)

    assert [c for c, _ in feed.changes("page-1h")] == ["fires", "resolves"]
    (incident,) = feed.incidents()
    assert (incident.late, incident.status) == (True, "resolved")
    assert feed.notifications() == []


def test_what_still_fires_at_the_end_of_catching_up_is_told(feed):
    feed.book(*[(0, 100)] * 60, *[(50, 100)] * 60)

    assert kinds(feed) == [("opened", "opened")]


def test_a_rule_without_data_is_frozen_and_says_so(feed):
    feed.quiet(60)
    feed.run(6, bad=50)
    feed.run(30, bad=0, total=0, covered=0.0)

    assert feed.changes("page-1h") == [("fires", feed.changes("page-1h")[0][1])]
    state = feed.states()[SLO]["page-1h"]
    assert state.firing
    assert state.frozen == "the newest bucket has no data"
    notes = [n.text for n in standing(feed).notes if n.kind == "frozen"]
    assert any("page-1h" in text and "no data" in text for text in notes)


def test_a_step_carried_across_a_gap_wakes_nobody(feed):
    feed.quiet(60)
    feed.run(120, total=0, covered=0.0)
    # What failed in two hours of silence is booked in the bucket in which it came back.
    feed.book((5000, 12_000, 1.0, 7200))
    feed.run(120)

    assert [t for t in feed.history() if t.severity == "page" and t.kind == "burn"] == []


def test_a_burn_goes_on_firing_after_a_restart_of_seven_minutes(feed):
    feed.quiet(60)
    feed.run(7, total=0, covered=0.0)
    feed.book((350, 700, 1.0, 420))

    assert feed.changes("page-6h") == [("fires", 68)]
    feed.run(5, bad=50)
    assert feed.changes("page-1h") == [("fires", 73)]


def test_a_correction_neither_fires_nor_resolves(feed):
    feed.quiet(60)
    with writing(feed.engine) as session:
        corrections.add(
            session,
            Correction(SLO, feed.at - 60, -5000.0, 0.0, "ada", "late truth", "key"),
        )
    feed.run(10)

    assert feed.history() == []


def test_an_exclusion_takes_its_span_out_of_alert_windows(feed):
    feed.quiet(60)
    span = Span(feed.at, feed.at + 10 * MINUTE)
    with writing(feed.engine) as session:
        exclusions.add(session, Exclusion(0, SLO, span, "maintenance", "ada", "move", feed.at))
    feed.run(10, bad=50)
    feed.run(10)

    assert feed.history() == []


def test_dead_targets_page_before_five_minutes_are_over(feed):
    feed.quiet(60)
    died = feed.at + 10
    for minute in range(1, 8):
        end = feed.at + MINUTE
        absences = [Absence("dead", died, end)] if minute > 1 else []
        feed.book((0, 0, 0.0), absences=absences)

    ((change, minute),) = feed.changes("dead")
    assert change == "fires"
    assert START + minute * MINUTE + 16 <= died + 300
    assert kinds(feed)[0] == ("opened", "opened")
    feed.run(2)
    assert [c for c, _ in feed.changes("dead")] == ["fires", "resolves"]


def test_a_budget_alert_is_told_without_an_incident(feed):
    feed.quiet(24 * 60 + 1, total=10)
    feed.book((400, 400))

    found = [n.facts for n in feed.notifications() if n.facts.kind == "budget"]
    assert len(found) == 1
    assert found[0].incident is None
    assert "of the error budget is spent" in found[0].summary


def correct_and_exclude(feed, good: float, total: float):
    """Books late truth half an hour after the start, and excludes the hour it lies in."""
    away = Span(START, START + 60 * MINUTE)
    late = Correction(SLO, START + 30 * MINUTE, good, total, "ada", "late truth", "key")
    with writing(feed.engine) as session:
        corrections.add(session, late)
        exclusions.add(session, Exclusion(0, SLO, away, "maintenance", "ada", "move", feed.at))


@pytest.mark.parametrize("late", [(-60, 0), (600, -300), (5000, 0)])
def test_late_truth_in_excluded_time_moves_no_budget_alert(feed, late):
    feed.quiet(25 * 60, total=10)
    correct_and_exclude(feed, *late)
    feed.book((410, 420))

    remaining = standing(feed).budget.remaining
    assert 0.9 < 1 - remaining < 1
    rules = ("budget-50", "budget-75", "budget-90", "budget-100")
    fired = [rule for rule in rules if feed.changes(rule)]
    assert fired == ["budget-50", "budget-75", "budget-90"]


def test_late_truth_changes_the_budget_and_no_budget_alert(feed):
    feed.quiet(25 * 60, total=10)
    late = Correction(SLO, START + 30 * MINUTE, -5000, 0, "ada", "late truth", "key")
    with writing(feed.engine) as session:
        corrections.add(session, late)
    feed.book((250, 400))

    assert standing(feed).budget.remaining < 0
    assert [r for r in ("budget-50", "budget-75") if feed.changes(r)] == ["budget-50"]


def test_a_removed_rule_closes_its_alert(feed):
    feed.quiet(60)
    feed.run(6, bad=50)
    feed.change(yaml_of(more=PAGER + "\nalerts: {page-1h: off, page-6h: off}"))
    feed.run(1, bad=50)

    closed = [t for t in feed.history() if t.rule == "page-1h"][-1]
    assert closed.change == "closes"
    assert "removed" in closed.reason


def test_an_slo_gone_from_the_file_closes_its_alerts_and_resolves_its_incident(feed):
    feed.quiet(60)
    feed.run(6, bad=50)
    feed.change(yaml_of(services={"shop": ["latency"]}, more=PAGER))

    closed = {t.rule: t for t in feed.history()}["page-1h"]
    assert (closed.change, closed.reason) == ("closes", "the definition was removed")
    assert [i.status for i in feed.incidents()] == ["resolved"]
    assert feed.states() == {}


def test_every_transition_names_its_policy_and_its_beginning(feed):
    feed.quiet(60)
    feed.run(6, bad=50)
    feed.run(20)

    by_id = {t.id: t for t in feed.history()}
    for t in by_id.values():
        if t.change == "resolves":
            assert by_id[t.began].change == "fires"
            assert by_id[t.began].rule == t.rule


def test_a_relapse_pages_again_while_slow_tickets_hold_the_incident_open(feed):
    feed.quiet(60)
    feed.run(6, bad=50)
    feed.quiet(90)
    assert {a.rule for a in standing(feed).alerts} == {"ticket-1d", "ticket-3d"}
    feed.run(6, bad=90)

    assert kinds(feed) == [("opened", "opened"), ("reopened", "reopened/1")]
    (incident,) = feed.incidents()
    assert (incident.status, incident.reopened, incident.flapping) == ("open", 1, False)


def test_while_nothing_can_be_booked_what_fires_stands_frozen(feed):
    feed.quiet(60)
    feed.run(6, bad=50)
    feed.stand_still(1200)

    shown = {a.rule: a for a in standing(feed).alerts}
    assert shown["page-1h"].since is not None
    assert shown["page-1h"].frozen == "nothing new could be booked"
    assert feed.states()[SLO]["page-1h"].frozen == ""
    feed.run(1, bad=50)
    assert {a.rule: a.frozen for a in standing(feed).alerts}["page-1h"] == ""

"""What exclusions change: previews against the standings that follow, and the way back."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from slo import standings
from slo.declaring import declare
from slo.domain.booking import Booking
from slo.domain.ledger import Correction, Exclusion, Increment
from slo.domain.lookup import Subject
from slo.domain.span import Span
from slo.excluding.preview import preview
from slo.excluding.wanted import add, removal, remove, wanted
from slo.recurrence import parse_recurrence
from slo.store import booking, compaction, corrections, exclusions, slos
from slo.store import standings as stored
from slo.store.engine import reading, writing
from slo.upkeep import pinned_ends, upkeep
from tests.support.books import open_books

NOW = 1_795_204_800  # 2026-11-20T20:00:00Z
HOUR, DAY = 3600, 86_400
BEGUN = NOW - 10 * DAY
YAML = """database: {{url: 'sqlite:///{path}/slo.db'}}
services:
  shop:
    slos:
      week: {{objective: 99%, window: 7d, slices: {{query: up, at_least: 1}}}}
      month:
        objective: 99.9%
        window: {{calendar: month, zone: Europe/Berlin}}
        slices: {{query: up, at_least: 2}}
  search:
    slos:
      other: {{objective: 90%, window: 30d, slices: {{query: up, at_least: 3}}}}
"""


def book(context, bad=lambda _hour: 1.0):
    """Ten days, 100 events a reading, every five minutes; `bad` says how many by its number."""
    counted = declare(context, BEGUN).counted
    ends = range(BEGUN + 300, NOW + 1, 300)
    steps = tuple(Increment(t, 100.0 - bad(n), 100.0, 300.0) for n, t in enumerate(ends))
    with writing(context.engine) as session:
        found = [Booking(c.meter.id, Span(BEGUN, NOW), steps) for c in counted]
        booking.book(session, found)
    stand(context)


def stand(context):
    """Writes the standings as a cycle would; gives them by SLO id."""
    counted = declare(context, NOW).counted
    with writing(context.engine) as session:
        running = slos.running_meters(session)
        every = [Subject(c.slo, c.indicator, running[c.slo.id], NOW) for c in counted]
        found = standings.compute(session, every)
        stored.put(session, found)
    return {s.slo: s for s, _ in found}


@pytest.fixture
def context(tmp_path):
    with open_books(YAML.format(path=tmp_path)) as opened:
        book(opened)
        yield opened


def ask(session, context, when, scope="shop", now=NOW):
    return wanted(
        session,
        context.settings,
        when,
        scope=scope,
        category="maintenance",
        who="mia",
        why="a test",
        now=now,
    )


def changes_of(context, *spans, scope="shop/*"):
    added = [Exclusion(0, scope, span, "other", "mia", "x", NOW) for span in spans]
    with reading(context.engine) as session:
        return {c.slo: c for c in preview(session, context.settings, NOW, added)}


def exclude(context, *spans, scope="shop"):
    with writing(context.engine) as session:
        return [add(session, ask(session, context, span, scope), NOW) for span in spans]


def include(context, *kept):
    with writing(context.engine) as session:
        for one in kept:
            gone = removal(session, str(one.id), NOW)
            remove(session, gone, who="joe", why="back", now=NOW)


def test_a_preview_tells_span_events_budget_and_state_and_writes_nothing(context):
    before = stand(context)
    span = Span(NOW - 2 * HOUR - 10, NOW - HOUR - 10)
    change = changes_of(context, span, scope="shop/week")["shop/week"]
    # Both edges move outward to the next of the readings, which lie five minutes apart.
    assert change.spans == (Span(NOW - 2 * HOUR - 300, NOW - HOUR),)
    assert change.taken.total == 1300
    assert change.taken.good == 1300 - 13
    assert change.before == before["shop/week"].budget
    assert change.after.spent == change.before.spent - 13
    assert (change.state_before, change.state_after) == (before["shop/week"].state,) * 2
    with reading(context.engine) as session:
        assert exclusions.of(session) == []


def test_a_state_that_changes_is_told(tmp_path):
    with open_books(YAML.format(path=tmp_path)) as context:
        # A bad hour of 1,200 events in a week of 201,600, whose budget is 2,016.
        late = range(24 * 12 * 9, 24 * 12 * 9 + 24)
        book(context, lambda n: 100.0 if n in late else 0.0)
        assert stand(context)["shop/week"].state == "exhausted"
        first = BEGUN + late.start * 300
        change = changes_of(context, Span(first, first + 2 * HOUR))["shop/week"]
    assert change.state_before == "exhausted"
    assert change.state_after == "healthy"
    assert change.after.spent == 0


def test_only_slos_in_scope_with_a_ledger_are_told_of(context):
    span = Span(NOW - HOUR, NOW)
    assert list(changes_of(context, span)) == ["shop/week", "shop/month"]
    assert list(changes_of(context, span, scope="*")) == ["shop/week", "shop/month", "search/other"]
    assert changes_of(context, span, scope="gone/*") == {}


def test_a_span_before_the_window_takes_events_out_and_leaves_the_budget(context):
    change = changes_of(context, Span(BEGUN + HOUR, BEGUN + 2 * HOUR))["shop/week"]
    assert change.taken.total == 1200
    assert change.before == change.after


def test_a_span_outside_the_ledger_takes_nothing_out(context):
    change = changes_of(context, Span(NOW + DAY, NOW + 2 * DAY))["shop/week"]
    assert change.spans == (Span(NOW + DAY, NOW + 2 * DAY),)
    assert change.taken.total == 0
    assert change.before == change.after


def test_what_is_excluded_already_is_not_taken_out_twice(context):
    exclude(context, Span(NOW - 3 * HOUR, NOW - HOUR))
    change = changes_of(context, Span(NOW - 2 * HOUR, NOW))["shop/week"]
    assert change.taken.total == 1200
    assert change.spans == (Span(NOW - 2 * HOUR, NOW),)


def test_corrections_inside_are_taken_out_with_the_span(context):
    with writing(context.engine) as session:
        late = Correction("shop/week", NOW - 2 * HOUR, -7.0, 0.0, "mia", "late", "k", NOW)
        corrections.add(session, late)
    change = changes_of(context, Span(NOW - 3 * HOUR, NOW - HOUR))["shop/week"]
    assert change.taken.total - change.taken.good == 24 + 7


def test_the_preview_of_a_removal_is_the_opposite(context):
    span = Span(NOW - 2 * HOUR, NOW - HOUR)
    there = changes_of(context, span)["shop/week"]
    (kept,) = exclude(context, span)
    with reading(context.engine) as session:
        back = preview(session, context.settings, NOW, removed=[kept])[0]
    assert back.taken.total == -there.taken.total
    assert back.taken.good == -there.taken.good
    assert (back.before, back.after) == (there.after, there.before)
    assert back.spans == there.spans


def test_after_compaction_edges_move_to_what_is_left(context):
    with writing(context.engine) as session:
        for meter in slos.running_meters(session).values():
            compaction.compact(session, meter.id, NOW, [(DAY, HOUR)], set())
    change = changes_of(context, Span(NOW - 5 * DAY + 600, NOW - 5 * DAY + 1200))["shop/week"]
    assert change.spans == (Span(NOW - 5 * DAY, NOW - 5 * DAY + HOUR),)
    assert change.taken.total == 1200


def test_a_recurring_exclusion_is_previewed_as_it_will_be(context):
    rule = parse_recurrence("FREQ=DAILY", "2026-11-13T02:00", "Europe/Berlin", timedelta(hours=1))
    with reading(context.engine) as session:
        asked = ask(session, context, rule)
        changes = {c.slo: c for c in preview(session, context.settings, NOW, asked.exclusions(NOW))}
    assert changes["shop/week"].taken.total == 8 * 1200
    with writing(context.engine) as session:
        add(session, asked, NOW)
    after = stand(context)
    for slo_id, change in changes.items():
        assert change.after == after[slo_id].budget
        assert change.state_after == after[slo_id].state


def test_upkeep_extends_recurring_exclusions(context):
    rule = parse_recurrence("FREQ=DAILY", "2026-11-01T02:00", "UTC", timedelta(hours=1))
    with writing(context.engine) as session:
        add(session, ask(session, context, rule), NOW)
        number = len(exclusions.of(session))
    upkeep(context, NOW + 3 * DAY, lambda *_: None)
    upkeep(context, NOW + 3 * DAY, lambda *_: None)
    with reading(context.engine) as session:
        assert len(exclusions.of(session)) == number + 3


spans = st.builds(
    lambda start, length: Span(start, start + length),
    st.integers(BEGUN - DAY, NOW + DAY),
    st.integers(1, 4 * DAY),
)


@given(
    bad=st.lists(st.integers(0, 100), min_size=1, max_size=40),
    there=st.lists(spans, max_size=3),
    more=st.lists(spans, min_size=1, max_size=3),
    compacted=st.booleans(),
)
@examples(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_previews_hold_and_removing_gives_exactly_the_former_numbers(
    tmp_path_factory, bad, there, more, compacted
):
    with ExitStack() as stack:
        path = tmp_path_factory.mktemp("books")
        context = stack.enter_context(open_books(YAML.format(path=path)))
        book(context, lambda n: float(bad[n % len(bad)]))
        if compacted:
            with writing(context.engine) as session:
                for meter in slos.running_meters(session).values():
                    compaction.compact(session, meter.id, NOW, [(DAY, HOUR), (4 * DAY, DAY)], set())
        exclude(context, *there)
        before = stand(context)
        told = changes_of(context, *more)
        kept = exclude(context, *more)
        after = stand(context)
        for slo_id, change in told.items():
            assert change.before == before[slo_id].budget
            assert change.after == after[slo_id].budget
            assert change.state_before == before[slo_id].state
            assert change.state_after == after[slo_id].state
        assert after["search/other"] == before["search/other"]
        include(context, *kept)
        again = stand(context)
        # A state betters only by a margin, so what it was meanwhile may stay.
        assert {k: replace(s, state="new") for k, s in again.items()} == {
            k: replace(s, state="new") for k, s in before.items()
        }


inner = st.builds(
    lambda start, length: Span(start, min(start + length, NOW - 2 * DAY)),
    st.integers(BEGUN + DAY, NOW - 3 * DAY),
    st.integers(1, 2 * DAY),
)


def compact(context, *tiers):
    """Compaction as upkeep does it."""
    counted = declare(context, NOW).counted
    with writing(context.engine) as session:
        meters = slos.running_meters(session)
        for c in counted:
            pinned = pinned_ends(session, replace(c, meter=meters[c.slo.id]))
            compaction.compact(session, meters[c.slo.id].id, NOW, tiers, pinned)


def taken(context, kept):
    """What all of them take out, and each beside the others."""
    with reading(context.engine) as session:
        groups = [kept, *([one] for one in kept)]
        found = [preview(session, context.settings, NOW, removed=group) for group in groups]
    return [[(c.slo, c.spans, c.taken) for c in changes] for changes in found]


@given(early=st.lists(inner, min_size=1, max_size=2), late=st.lists(inner, max_size=2))
@examples(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_compaction_changes_nothing_that_is_excluded(tmp_path_factory, early, late):
    with open_books(YAML.format(path=tmp_path_factory.mktemp("books"))) as context:
        book(context, lambda n: float(n % 7))
        kept = exclude(context, *early)
        before = taken(context, kept)
        compact(context, (DAY, HOUR))
        assert taken(context, kept) == before
        kept += exclude(context, *late)
        before = taken(context, kept)
        compact(context, (DAY, DAY))
        assert taken(context, kept) == before

"""Backfill: newest first, in chunks, resumed where it stopped, and no finer than its age."""

from __future__ import annotations

import pytest

from slo import backfill as backfill_module
from slo.store import slos
from slo.store.engine import reading
from slo.upkeep import upkeep
from tests.support.books import (
    everything,
    fill,
    ledgers,
    open_books,
    ripe,
    run_cycles,
    wrong_buckets,
)
from tests.support.services import END, MIDNIGHT, START, settings_yaml

DAY = 86_400
LOCAL_MIDNIGHT = MIDNIGHT + 3 * 3600 + 1800
"""Where 1 March begins in St. John's: no full hour anywhere else."""

ZONE = "{calendar: month, zone: America/St_Johns}"


@pytest.fixture
def yaml(loaded, restarting, sqlite_url):
    return settings_yaml(loaded.url, sqlite_url, [restarting])


def test_a_backfill_goes_from_the_newest_chunk_to_the_oldest_and_tells_its_progress(
    yaml, restarting, monkeypatch
):
    monkeypatch.setattr(backfill_module, "DAY", 7200)
    told = []
    with open_books(yaml) as context:
        report = fill(context, now=ripe(END), start=START, end=END, on_progress=told.append)
        ledger = ledgers(context.engine)["restarting/slo"]

    assert report.faults == {}
    assert report.booked == END - START
    assert [p.booked for p in told] == [7200 * n for n in range(1, 6)]
    assert {p.wanted for p in told} == {END - START}
    assert wrong_buckets(ledger, restarting.truth) == {}


def test_a_backfill_that_was_stopped_goes_on_where_it_was(yaml, restarting, monkeypatch):
    monkeypatch.setattr(backfill_module, "DAY", 3600)
    stops = iter([False, False, True])
    with open_books(yaml) as context:
        fill(context, now=ripe(END), start=START, end=END, stopped=lambda: next(stops))
        with reading(context.engine) as session:
            half = slos.running_meters(session)["restarting/slo"]
        fill(context, now=ripe(END))
        with reading(context.engine) as session:
            whole = slos.running_meters(session)["restarting/slo"]
        again = fill(context, now=ripe(END))
        ledger = ledgers(context.engine)["restarting/slo"]

    assert (half.booked_from, half.backfill_to) == (END - 7200, START)
    assert (whole.booked_from, whole.backfill_to) == (START, None)
    assert again.booked == 0
    assert wrong_buckets(ledger, restarting.truth) == {}


def test_an_old_day_is_kept_by_the_hour_and_at_the_calendars_boundaries(yaml, restarting):
    monthly = yaml.replace("window: 7d", f"window: {ZONE}")
    now = END + 40 * DAY
    with open_books(monthly) as context:
        # Something is booked already, as after a first cycle.
        run_cycles(context, [ripe(END)])
        fill(context, now=now, start=START)
        ledger = ledgers(context.engine)["restarting/slo"]
    ends = {r.end: r for r in ledger}
    old = [end for end in ends if end < END - 600]
    since, until = restarting.truth.until(LOCAL_MIDNIGHT), restarting.truth.until(END)

    assert LOCAL_MIDNIGHT in ends
    assert {end % 3600 for end in old} <= {0, LOCAL_MIDNIGHT % 3600, START % 3600, 3540}
    assert ends[END].total - ends[LOCAL_MIDNIGHT].total == until[1] - since[1]


def test_upkeep_thins_old_readings_and_changes_no_span_between_those_that_stay(yaml):
    now = END + 40 * DAY
    with open_books(yaml) as context:
        fill(context, now=ripe(END), start=START, end=END)
        before = {r.end: r for r in ledgers(context.engine)["restarting/slo"]}
        with reading(context.engine) as session:
            meter = slos.running_meters(session)["restarting/slo"]
        its_hour = now - now % DAY + meter.id % 24 * 3600
        upkeep(context, its_hour + 12 * 3600, lambda *_: None)
        untouched = everything(context.engine, ("reading",))
        upkeep(context, its_hour, lambda *_: None)
        after = ledgers(context.engine)["restarting/slo"]

    assert len(untouched["reading"]) == len(before)
    assert len(after) < len(before) / 50
    assert {r.end: (r.good, r.total, r.covered) for r in after} == {
        r.end: (before[r.end].good, before[r.end].total, before[r.end].covered) for r in after
    }
    assert (after[0].end, after[-1].end) == (START, END)


def test_a_day_without_data_ends_a_backfill(yaml):
    with open_books(yaml) as context:
        run_cycles(context, [ripe(START + 3600)])
        fill(context, now=ripe(END), start=START - 5 * DAY)
        with reading(context.engine) as session:
            meter = slos.running_meters(session)["restarting/slo"]

    assert meter.backfill_to is None
    assert START - DAY <= meter.booked_from <= START

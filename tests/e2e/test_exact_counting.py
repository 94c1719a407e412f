"""Every event once, in its bucket, however the ledger came about: live, late or by backfill."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slo import backfill as backfill_module
from slo.store import notes, slos
from slo.store.engine import reading
from tests.support.books import (
    buckets,
    catch_up,
    fill,
    ledgers,
    open_books,
    ripe,
    run_cycles,
    wrong_buckets,
)
from tests.support.prometheus_server import PrometheusServer
from tests.support.services import (
    END,
    EXACT,
    FOREVER,
    LEFT,
    MIDNIGHT,
    MOMENTS,
    RIGHT,
    START,
    blind_services,
    metrics_of,
    settings_yaml,
)

AROUND = 5 * 60
FIRST = START + 30 * 60
HOUR = 3600
SILENT_FOR_A_CHUNK = {("gap-same", "backfill by hours")}
"""Where a target gives no sample in a whole chunk: such a chunk cannot tell that it exists."""

WAYS = ("live", "catch-up", "backfill by days", "backfill by hours")


def live_instants(start: int, end: int) -> list[int]:
    """Every minute around the moments, and now and then in between."""
    found, now = [], start
    while now < end:
        found.append(ripe(now))
        near = any(m - AROUND <= now < m + AROUND for m in MOMENTS)
        following = min((m - AROUND for m in MOMENTS if m - AROUND > now), default=end)
        now = now + 60 if near else min(now + 41 * 60, following)
    return [*found, ripe(end)]


class Books:
    """What one way of booking came to."""

    def __init__(self, context, faults):
        self.ledgers = ledgers(context.engine)
        self.faults = faults
        self.notes = {}
        with reading(context.engine) as session:
            for slo, meter in slos.running_meters(session).items():
                self.notes[slo] = notes.of(session, [meter.id])[meter.id]


def book(way: str, url: str, database_url: str, services) -> Books:
    """The ledgers of `services` from START to END, booked in one of the ways."""
    with open_books(settings_yaml(url, database_url, services)) as context:
        match way:
            case "live":
                faults = run_cycles(context, live_instants(FIRST, END))
            case "catch-up":
                faults = run_cycles(context, [ripe(FIRST)])
                faults |= catch_up(context, ripe(END)).faults
            case _:
                faults = {}
        if way == "backfill by hours":
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(backfill_module, "DAY", HOUR)
                faults |= fill(context, now=ripe(END), start=START, end=END).faults
        elif way == "backfill by days":
            faults |= fill(context, now=ripe(END), start=START, end=END).faults
        else:
            # A first cycle looks back ten minutes; what lies before is backfilled.
            faults |= fill(context, now=ripe(END)).faults
        return Books(context, faults)


@pytest.fixture(scope="module")
def all_books(loaded, exact, estimated, tmp_path_factory):
    """The books of all services, by way."""
    folder = tmp_path_factory.mktemp("books")
    return {
        way: book(way, loaded.url, f"sqlite:///{folder / way}.db", [*exact, estimated])
        for way in WAYS
    }


@pytest.fixture(params=WAYS)
def booked(request, all_books):
    """The books of all services, by each way in turn."""
    return all_books[request.param]


@pytest.mark.parametrize("name", EXACT)
def test_a_ledger_equals_the_truth_bucket_by_bucket(booked, exact, name):
    service = next(service for service in exact if service.name == name)
    ledger = booked.ledgers[f"{name}/slo"]

    assert f"{name}/slo" not in booked.faults
    assert ledger[0].end <= START + 60
    assert ledger[-1].end == END
    assert wrong_buckets(ledger, service.truth) == {}
    booked_total = (ledger[-1].good - ledger[0].good, ledger[-1].total - ledger[0].total)
    assert booked_total == pytest.approx(service.truth.until(END), abs=1e-6)


@pytest.mark.parametrize("name", EXACT)
def test_first_values_that_may_be_older_than_our_watch_are_noted_with_their_amount(
    booked, exact, name
):
    service = next(service for service in exact if service.name == name)
    uncounted = [n for n in booked.notes[f"{name}/slo"] if n.kind == "birth-uncounted"]

    assert sum(note.amount or 0.0 for note in uncounted) == service.not_counted


def test_hours_without_any_scrape_are_uncovered_and_all_others_covered(booked):
    found = buckets(booked.ledgers["dead/slo"])
    dark = {end: b.covered for end, b in found.items() if LEFT + 120 < end <= RIGHT}
    light = {end: b.covered for end, b in found.items() if START + 60 < end <= LEFT}

    assert set(dark.values()) == {0.0}
    assert set(light.values()) == {60.0}
    assert all(b.covered == 60.0 for end, b in found.items() if end > RIGHT + 60)


@pytest.mark.parametrize("way", ["live", "catch-up", "backfill by days"])
def test_a_target_that_fails_for_hours_leaves_its_share_uncovered(all_books, way):
    found = buckets(all_books[way].ledgers["gap-same/slo"])

    assert found[LEFT + 600].covered == 30.0
    assert found[MIDNIGHT].covered == 30.0
    assert found[END].covered == 60.0


def test_a_step_over_hours_is_carried(booked):
    found = buckets(booked.ledgers["gap-higher/slo"])
    back = max(found[end].carried for end in found if end > MIDNIGHT + 2 * HOUR)

    assert back == pytest.approx(4 * HOUR, abs=60)


def test_an_estimate_lies_within_a_scrape_of_the_truth(booked, estimated):
    """Even traffic: what a bucket's estimate misses at one edge it finds at the other."""
    found = buckets(booked.ledgers["estimated/slo"])
    good = sum(b.good for end, b in found.items() if end > START + 300)
    total = sum(b.total for end, b in found.items() if end > START + 300)
    before, all_of_it = estimated.truth.until(START + 300), estimated.truth.until(END)

    assert total == pytest.approx(all_of_it[1] - before[1], rel=0.002)
    assert total - good == pytest.approx(0.01 * total, rel=0.002)


@pytest.mark.parametrize("way", WAYS[1:])
@pytest.mark.parametrize("name", EXACT)
def test_all_ways_book_the_same_readings(all_books, name, way):
    """Coverage and carried steps too, wherever a span begins or ends."""
    live = buckets(all_books["live"].ledgers[f"{name}/slo"])
    other = buckets(all_books[way].ledgers[f"{name}/slo"])
    common = sorted(set(live) & set(other))
    if (name, way) in SILENT_FOR_A_CHUNK:
        live = {end: replace(bucket, covered=0.0) for end, bucket in live.items()}
        other = {end: replace(bucket, covered=0.0) for end, bucket in other.items()}

    assert len(common) >= (END - START) // 60 - 1
    assert {e: (live[e], other[e]) for e in common if live[e] != other[e]} == {}


@pytest.fixture(scope="module")
def blind():
    """Services whose Prometheus has no sample of anything for seven hours."""
    return blind_services()


@pytest.fixture(scope="module")
def blind_prometheus(tmp_path_factory, blind):
    metrics, folder = metrics_of(blind), tmp_path_factory.mktemp("blind")
    with PrometheusServer(folder, openmetrics=metrics, flags=[FOREVER]) as server:
        yield server


@pytest.mark.parametrize("way", WAYS)
def test_a_prometheus_that_was_down_for_hours_costs_coverage_and_no_event(
    blind_prometheus, blind, sqlite_url, way
):
    books = book(way, blind_prometheus.url, sqlite_url, blind)

    assert books.faults == {}
    for service in blind:
        ledger = books.ledgers[f"{service.name}/slo"]
        assert wrong_buckets(ledger, service.truth) == {}, service.name
        found = buckets(ledger)
        assert {b.covered for e, b in found.items() if LEFT + 600 < e <= RIGHT} == {0.0}
        assert {b.covered for e, b in found.items() if e > RIGHT + 60} == {60.0}

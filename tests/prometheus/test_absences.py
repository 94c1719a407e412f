"""Absences over many cycles: services that are down, gone, or behind a source that is silent."""

from __future__ import annotations

from tests.support.fake_source import HEAD
from tests.support.scenario import T0, Book, Scenario, Target, life, scrapes

START, MINUTE = T0 * 1000, 60_000
HOUR = START + 60 * MINUTE
BROKE = START + 10 * MINUTE
ENDS = range(T0 + 60, T0 + 3600, 60)


def target(name="pod-0", *, scraped_until=HOUR, down=(), **labels):
    """A target whose process starts with the watch and serves for an hour."""
    all_labels = {"job": "shop", "instance": name, **labels}
    times = scrapes(START + 4_000, scraped_until, 15_000)
    return Target(all_labels, [life(START - 1000, HOUR)], times, down=list(down))


def other():
    """A target of another service, so that the source ingests."""
    return Target({"job": "other", "instance": "other"}, [], scrapes(START, HOUR, 15_000))


def live(*targets, ends=ENDS):
    source, _ = Scenario(list(targets)).load()
    return Book(source).live(ends)


def kinds(book):
    return [a.kind for a in book.absences]


def test_down_is_dead_in_every_bucket_until_it_is_back():
    back = BROKE + 20 * MINUTE
    book = live(
        target(down=[(BROKE, back)]), target("pod-1", down=[(BROKE - 30_000, back)]), other()
    )
    assert set(kinds(book)) == {"dead"}
    # Since its newest sample, however many cycles ago that is; until its first one after.
    assert {a.since for a in book.absences} == {BROKE // 1000 - 11}
    assert [a.end for a in book.absences] == list(range(T0 + 660, T0 + 1801, 60))


def test_cycles_that_come_late_find_the_same():
    targets = target(down=[(BROKE, BROKE + 20 * MINUTE)]), other()
    often, rarely = live(*targets), live(*targets, ends=ENDS[6::13])
    assert often.absences
    assert [a for a in often.absences if a.end <= rarely.booked_to] == rarely.absences


def test_what_left_its_source_is_gone_for_as_long_as_it_ingests():
    book = live(target(scraped_until=BROKE), other())
    assert set(kinds(book)) == {"gone"}
    assert book.absences[-1].end == ENDS[-1]
    assert {a.since for a in book.absences} == {BROKE // 1000 - 11}
    # Its edge says that the target has left, and nothing more is asked of it.
    assert all(edge.gone for edge in book.edges.values())


def test_a_silent_source_makes_nothing_absent():
    assert kinds(live(target(scraped_until=BROKE))) == []


def test_a_source_that_was_silent_makes_nothing_absent_afterwards():
    silent = BROKE, BROKE + 20 * MINUTE
    whole = [target(), other()]
    for one in whole:
        one.scrapes = [s for s in one.scrapes if not silent[0] <= s[0] < silent[1]]
    assert kinds(live(*whole)) == []
    assert kinds(live(*whole, ends=ENDS[6::13])) == []


def test_a_source_that_comes_back_has_a_minute_to_scrape_all_of_its_targets():
    shop, early = target(), other()
    shop.scrapes = [s for s in shop.scrapes if not BROKE <= s[0] < BROKE + 20 * MINUTE + 25_000]
    early.scrapes = [s for s in early.scrapes if not BROKE <= s[0] < BROKE + 20 * MINUTE - 25_000]
    assert kinds(live(shop, early)) == []
    assert kinds(live(shop, early, ends=ENDS[6::13])) == []


def test_one_of_two_that_is_down_is_no_absence():
    assert kinds(live(target(down=[(BROKE, HOUR)]), target("pod-1"), other())) == []


def test_old_targets_that_left_do_not_hide_that_the_new_ones_are_down():
    old = target("pod-0", scraped_until=START + 5 * MINUTE)
    new = target("pod-1", down=[(BROKE, HOUR)])
    assert set(kinds(live(old, new, other()))) == {"dead"}


def test_a_service_that_never_had_data_is_not_absent():
    assert kinds(live(other())) == []


def test_a_backfill_asks_for_no_absence():
    source, _ = Scenario([target(down=[(BROKE, HOUR)]), other()]).load()
    book = Book(source).backfill((T0, T0 + 1200, T0 + 2400), T0 + 3600)
    assert book.absences == []


def test_only_silent_targets_are_asked_for():
    def requests_after(*targets):
        book = live(*targets, ends=ENDS[:9])
        book.source.requests.clear()
        return book.live(ENDS[9:]).source.requests

    ups = [r for r in requests_after(target(), target("pod-1"), other()) if "up" in r]
    assert ups == []
    down = target("pod-1", down=[(BROKE, BROKE + 5 * MINUTE)])
    ups = [r for r in requests_after(target(), down, other()) if r.startswith("up{")]
    assert ups
    assert not [r for r in ups if "pod-0" in r]
    heads = [r for r in requests_after(target(scraped_until=BROKE), other()) if r == HEAD]
    # A cycle asks once how far the source is, and once whether it ingested before.
    assert len(heads) <= 2 * len(ENDS[9:])

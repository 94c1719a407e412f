"""Watching the watcher: who is told of silent sources and cycles, and when all is well again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slo.config import parse
from slo.context import Context, Spent
from slo.declaring import declare
from slo.store import alerts, cycles, outbox, watches
from slo.store.engine import reading, writing
from slo.watching import Silence, may_beat, watch_cycles, watch_sources
from tests.support.stores import empty_store

NOW = 1_795_206_000
MINUTE = 60
YAML = """
sources: {eu: {url: 'http://localhost:1'}, us: {url: 'http://localhost:2'}}
receivers:
  pager: {type: pagerduty, routing_key: 0123456789abcdef0123456789abcdef}
  chat: {type: slack, url: 'https://hooks.example.com/x'}
routes:
  - {severity: page, service: shop, receivers: [pager]}
  - {severity: ticket, receivers: [chat]}
services:
  shop: {source: eu, slos: {a: {objective: 99.9%, events: {bad: b_total, total: t_total}}}}
  mill: {source: us, slos: {a: {objective: 99.9%, events: {bad: b_total, total: t_total}}}}
"""
SETTINGS = parse(YAML, "slo.yaml", {})
DOWN = {"eu": Silence("connection refused")}


@pytest.fixture
def engine(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    declare(Context(SETTINGS, engine, {}, Spent(), {}), NOW)
    yield engine
    engine.dispose()


def told(engine):
    """Who was told what of whom, and in which minute, oldest first."""
    with reading(engine) as session:
        found = outbox.listed(session, limit=100)[::-1]
    return [
        (m.receiver, m.subject.split("/")[0], m.facts.kind, (m.created_at - NOW) // MINUTE)
        for m in found
    ]


def watch(engine, minutes, silent=DOWN, settings=SETTINGS):
    """Cycles at these minutes, in which these sources are silent and all others are read."""
    for minute in minutes:
        read = {slo.source for slo in settings.slos} - set(silent)
        watch_sources(engine, settings, read, silent, NOW + minute * MINUTE)


def test_a_source_silent_for_ten_minutes_is_told_once_and_its_end_once(engine):
    watch(engine, range(10))
    assert told(engine) == []
    watch(engine, range(10, 40))
    watch(engine, range(40, 45), silent={})
    assert told(engine) == [
        ("pager", "source", "system", 10),
        ("pager", "source", "system-over", 40),
    ]


def test_a_short_silence_is_told_to_nobody_and_the_next_one_begins_anew(engine):
    watch(engine, range(9))
    watch(engine, [9], silent={})
    watch(engine, range(10, 19))
    assert told(engine) == []
    watch(engine, [20])
    assert len(told(engine)) == 1


def test_silence_counts_from_the_newest_sample_where_the_source_tells_it(engine):
    watch(engine, [0], {"eu": Silence("it scrapes nothing", NOW - 9 * MINUTE)})
    assert told(engine) == []
    watch(engine, [1], {"eu": Silence("it scrapes nothing", NOW - 9 * MINUTE)})
    assert told(engine) == [("pager", "source", "system", 1)]


def test_each_source_is_told_by_itself_and_says_why(engine):
    watch(engine, range(5))
    watch(engine, range(5, 16), DOWN | {"us": Silence("answers with a sign-in page")})
    with reading(engine) as session:
        eu, us = outbox.listed(session)[::-1]
    assert (eu.facts.title, us.facts.title) == (
        "Prometheus eu is silent",
        "Prometheus us is silent",
    )
    assert "connection refused" in eu.facts.summary
    assert "sign-in page" in us.facts.summary
    assert eu.facts.dedup_key != us.facts.dedup_key
    assert (eu.facts.slos, eu.facts.severity) == ((), "page")


def test_the_slos_of_a_silent_source_and_only_they_are_blind_and_page_nobody(engine):
    watch(engine, range(15))
    with reading(engine) as session:
        history = alerts.history(session)
    assert [(t.slo, t.rule, t.severity) for t in history] == [("shop/a", "blind", "ticket")]
    assert {kind for _, _, kind, _ in told(engine)} == {"system"}


def test_a_source_that_slo_yaml_does_not_use_any_more_is_over(engine):
    watch(engine, range(15))
    rest = replace(SETTINGS, slos=SETTINGS.slos[1:])
    watch(engine, [15], silent={}, settings=rest)
    assert told(engine)[-1] == ("pager", "source", "system-over", 15)
    assert may_beat(engine)


def test_the_heart_beats_unless_a_source_is_silent_for_ten_minutes(engine):
    watch(engine, range(10))
    assert may_beat(engine)
    watch(engine, [10])
    assert not may_beat(engine)
    watch(engine, [11], silent={})
    assert may_beat(engine)


def test_an_slo_that_the_store_does_not_know_yet_is_passed_over(engine):
    (slo, *rest) = SETTINGS.slos
    waiting = replace(SETTINGS, slos=(replace(slo, name="b", was="shop/c"), *rest))
    watch(engine, range(12), settings=waiting)
    assert len(told(engine)) == 1


def test_two_processes_tell_it_once(engine):
    for minute in range(13):
        watch(engine, [minute, minute])
    assert len(told(engine)) == 1


def finish(engine, minute):
    with writing(engine) as session:
        at = NOW + minute * MINUTE
        number = cycles.start(session, at)
        cycles.finish(session, number, at, slos=1, booked=1, samples=1, requests=1, errors=0)


def look(engine, minutes, started=0, settings=SETTINGS):
    for minute in minutes:
        watch_cycles(engine, settings, NOW + started * MINUTE, NOW + minute * MINUTE)


def test_no_cycle_for_five_minutes_is_told_once_and_its_end_once(engine):
    finish(engine, 0)
    look(engine, range(5))
    assert told(engine) == []
    look(engine, range(5, 30))
    assert not may_beat(engine)
    finish(engine, 30)
    look(engine, range(30, 33))
    assert told(engine) == [("pager", "cycle", "system", 5), ("pager", "cycle", "system-over", 30)]
    assert may_beat(engine)


def test_a_service_that_starts_has_five_minutes_for_its_first_cycle(engine):
    finish(engine, -600)
    look(engine, range(5))
    assert told(engine) == []
    look(engine, [5])
    assert told(engine) == [("pager", "cycle", "system", 5)]


def test_a_restart_alone_is_no_end_of_it_and_does_not_repeat_it(engine):
    finish(engine, 0)
    look(engine, range(8))
    look(engine, range(8, 20), started=8)
    assert len(told(engine)) == 1
    finish(engine, 20)
    look(engine, [20], started=8)
    assert [kind for _, _, kind, _ in told(engine)] == ["system", "system-over"]


def test_with_long_intervals_two_must_be_missed(engine):
    finish(engine, 0)
    slow = replace(SETTINGS, interval=300)
    look(engine, range(10), settings=slow)
    assert told(engine) == []
    look(engine, [10], settings=slow)
    assert len(told(engine)) == 1


def test_a_silence_outlives_the_process(engine):
    watch(engine, range(5))
    with reading(engine) as session:
        known = watches.all(session)
    assert known["source/eu"].silent_since == NOW
    assert known["source/eu"].told_at is None

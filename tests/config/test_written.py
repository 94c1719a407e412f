"""SLOs written back as slo.yaml: reading the text again gives the same SLO."""

from __future__ import annotations

from pathlib import Path

import pytest

from slo.config import parse
from slo.config.written import written

EXAMPLE = Path(__file__).parents[2] / "slo.yaml"
HEAD = "prometheus: {url: 'http://localhost:1'}\n"
INDICATORS = {
    "events": "events: {good: a_good_total, total: a_total}",
    "recorded": "events: {bad: 'job:bad:sum', total: 'job:all:sum', recorded: true}",
    "latency": "latency: {histogram: 'wait{a=\"b\"}', threshold: 1500us, unit: milliseconds}",
    "rounded": "latency: {histogram: wait_seconds, threshold: 250ms, round: up}",
    "mean": "mean: {summary: wait_seconds, threshold: 1h30m}",
    "slices": "slices: {query: 'model_accuracy', at_most: 0.25}",
    "freshness": "freshness: {timestamp: pushed_at, max_age: 36h}",
    "query": "query: {bad: 'sum(increase(x[$window]))', total: 'sum(increase(y[$window]))'}",
}
KEYS = {
    "calendar": "window: {calendar: quarter, zone: Europe/Berlin}",
    "week": "window: week",
    "texts": "owner: 'a: b'\n        description: \"it's #1\"\n        labels: {tier: '1'}",
    "counting": "births: ignore\n        ignore_labels: [pod]\n        was: old/name",
    "states": "states: {caution: 40%, restricted: 12.5%}\n        no_data: bad",
    "gate": "gate: {closes_on: [restricted, incident]}",
    "no gate": "gate: {closes_on: []}",
    "alerts": (
        "alerts: {page-1h: off, page-6h: {factor: 5.5, min_bad_events: 7}, budget: [80%],"
        " own: {factor: 2, long: 12h, short: 1h, severity: ticket}, dead: {after: 3m}}"
    ),
    "no budgets": "alerts: {budget: off, blind: off}",
}


def read(indicator, keys="", objective="99.9%"):
    text = f"{HEAD}services:\n  shop:\n    slos:\n      it:\n        objective: {objective}\n"
    more = "".join(f"        {line}\n" for line in (indicator, keys) if line)
    (slo,) = parse(text + more, "slo.yaml", {}).slos
    return slo


def again(slo):
    (back,) = parse(HEAD + written(slo, slo.indicator), "slo.yaml", {}).slos
    return back


@pytest.mark.parametrize("name", INDICATORS)
def test_every_indicator_reads_back_as_it_was(name):
    slo = read(INDICATORS[name])
    assert again(slo) == slo


@pytest.mark.parametrize("name", KEYS)
def test_every_key_reads_back_as_it_was(name):
    kind = "slices" if name == "states" else "events"
    slo = read(INDICATORS[kind], KEYS[name])
    assert again(slo) == slo


def test_a_floor_of_ones_own_reads_back():
    slo = read(INDICATORS["events"], "alerts: {floor: {least: 80%, over: 2h}}", "95%")
    assert again(slo) == slo


def test_the_example_reads_back():
    for slo in parse(EXAMPLE.read_text(), "slo.yaml", {}).slos:
        assert again(slo) == slo


def test_what_is_not_said_is_not_written():
    text = written(read(INDICATORS["events"]), read(INDICATORS["events"]).indicator)
    assert text.splitlines() == [
        "services:",
        "  shop:",
        "    slos:",
        "      it:",
        "        objective: 99.9%",
        "        window: 30d",
        "        events:",
        "          good: a_good_total",
        "          total: a_total",
        "        source: prometheus",
    ]

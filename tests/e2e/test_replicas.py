"""Two replicas of Prometheus behind one URL, with clocks that differ: no event twice."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from tests.support.books import catch_up, ledgers, open_books, ripe, run_cycles
from tests.support.fault_server import FaultServer
from tests.support.prometheus_server import OpenMetrics, PrometheusServer
from tests.support.proxy import forward
from tests.support.services import BY_CODE, FOREVER, MIDNIGHT
from tests.support.truth import Target, Truth, requests

START, END = MIDNIGHT - 1800, MIDNIGHT + 3600
BUSY, QUIET = START + 120, END - 600
"""Events happen in between; so both replicas begin, and end, with the same values."""

SKEW = 4.0
"""Seconds by which the second replica's clock is ahead."""


class Pair:
    """One service as two replicas scrape it: the same process, at other moments."""

    def __init__(self, name: str, *, tells_start: bool, restarts: tuple[float, ...] = ()):
        self.name = name
        rng = random.Random(name)
        self.targets = [
            Target(Truth(), name, f"{name}:80", requests(), started=START, tells_start=tells_start)
            for _ in range(2)
        ]
        moments = sorted(
            [(START + 3.0 + 15 * n, 0) for n in range((END - START) // 15)]
            + [(START + 10.0 + 15 * n, 1) for n in range((END - START) // 15)]
        )
        last = START
        for at, replica in moments:
            for restarted in restarts:
                if last < restarted <= at:
                    for target in self.targets:
                        target.restart(restarted)
            busy = BUSY < at < QUIET
            good, bad = rng.randint(5, 20) if busy else 0, rng.randint(0, 1) if busy else 0
            for target in self.targets:
                target.count(code_200=good, code_500=bad)
            self.targets[replica].scrape(at)
            last = at
        if not restarts:
            self.good, self.bad = (
                self.targets[0].counters[name].value for name in ("code_200", "code_500")
            )

    def truth(self, replica: int) -> tuple[float, float]:
        return self.targets[replica].truth.until(END)

    def yaml(self) -> str:
        inner = BY_CODE.format(name=self.name).replace("\n", "\n        ")
        return f"  {self.name}:\n    slos:\n      slo:\n        objective: 99%\n        {inner}\n"


@pytest.fixture(scope="module")
def pairs():
    return [
        Pair("with-start", tells_start=True),
        Pair("without-start", tells_start=False),
        Pair("restarted", tells_start=True, restarts=(MIDNIGHT + 1.0, MIDNIGHT + 1806.0)),
    ]


@pytest.fixture(scope="module")
def replicas(pairs, tmp_path_factory):
    """The proxy before both replicas, each request to the other one."""
    first, second = OpenMetrics(), OpenMetrics()
    for pair in pairs:
        pair.targets[0].write(first)
        pair.targets[1].write(second, SKEW)
    folder = tmp_path_factory.mktemp("replicas")
    with (
        PrometheusServer(folder / "a", openmetrics=first, flags=[FOREVER]) as a,
        PrometheusServer(folder / "b", openmetrics=second, flags=[FOREVER]) as b,
        FaultServer(forward(a.url, b.url)) as proxy,
    ):
        yield proxy


def settings(url: str, database_url: str, pairs) -> str:
    services = "".join(pair.yaml() for pair in pairs)
    return (
        f"prometheus: {{url: '{url}'}}\ndatabase: {{url: '{database_url}'}}\nservices:\n{services}"
    )


@pytest.fixture(scope="module", params=["live", "catch-up"])
def booked(request, replicas, pairs, tmp_path_factory):
    database_url = f"sqlite:///{tmp_path_factory.mktemp('books') / 'slo.db'}"
    with open_books(settings(replicas.url, database_url, pairs)) as context:
        if request.param == "live":
            faults = run_cycles(context, range(ripe(START + 660), ripe(END) + 1, 60))
        else:
            faults = run_cycles(context, [ripe(START + 660)]) | catch_up(context, ripe(END)).faults
        assert faults == {}
        return ledgers(context.engine)


@pytest.mark.parametrize("name", ["with-start", "without-start"])
def test_totals_of_replicas_with_skewed_clocks_are_exact(booked, pairs, name):
    pair = next(pair for pair in pairs if pair.name == name)
    ledger = booked[f"{name}/slo"]

    assert ledger[-1].end == END
    assert ledger[-1].total - ledger[0].total == pair.good + pair.bad
    assert ledger[-1].good - ledger[0].good == pair.good


@pytest.mark.parametrize("name", ["with-start", "without-start", "restarted"])
def test_no_bucket_of_skewed_replicas_counts_backwards(booked, name):
    assert all(a.total <= b.total and a.good <= b.good for a, b in pairwise(booked[f"{name}/slo"]))


def test_a_restart_behind_skewed_replicas_costs_no_more_than_the_skew(booked, pairs):
    """What was counted between the two last scrapes before a restart may count once or not."""
    pair = next(pair for pair in pairs if pair.name == "restarted")
    ledger = booked["restarted/slo"]
    most = max(pair.truth(0)[1], pair.truth(1)[1])
    least = min(pair.truth(0)[1], pair.truth(1)[1])
    total = ledger[-1].total - ledger[0].total
    a_scrape = 2 * 21

    assert least - 2 * a_scrape <= total <= most + 2 * a_scrape

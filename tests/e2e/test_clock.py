"""Clocks that step: nothing is booked twice, and nothing is skipped."""

from __future__ import annotations

import pytest

from slo.cycle import run_cycle
from tests.support.books import everything, ledgers, open_books, ripe, run_cycles, wrong_buckets
from tests.support.fault_server import FaultServer
from tests.support.proxy import forward
from tests.support.services import MIDNIGHT, settings_yaml

HOUR = 3600
START, END = MIDNIGHT - 900, MIDNIGHT + HOUR
NAMES = ("crashloop", "first-errors-15s")
TABLES = ("edge", "reading", "contributor")


@pytest.fixture(scope="module")
def undisturbed(loaded, few, tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('quiet') / 'slo.db'}"
    with open_books(settings_yaml(loaded.url, url, few)) as context:
        run_cycles(context, [ripe(START), ripe(END)])
        return everything(context.engine, TABLES)


class Clocks:
    """True time, and by how much our clock and the source's are off."""

    def __init__(self):
        self.true, self.ours, self.source = ripe(START), 0, 0

    def of_source(self) -> float:
        return self.true + self.source


@pytest.fixture
def clocks():
    return Clocks()


@pytest.fixture
def proxy(loaded, clocks):
    with FaultServer(forward(loaded.url, clock=clocks.of_source)) as server:
        yield server


@pytest.mark.parametrize(
    ("ours", "source"),
    [(-HOUR, 0), (HOUR, 0), (0, -HOUR), (0, HOUR), (-HOUR, -HOUR)],
    ids=[
        "ours an hour back",
        "ours an hour ahead",
        "the source's an hour back",
        "the source's an hour ahead",
        "both an hour back",
    ],
)
def test_a_clock_that_steps_for_half_an_hour_changes_nothing(
    proxy, few, clocks, undisturbed, sqlite_url, ours, source
):
    with open_books(settings_yaml(proxy.url, sqlite_url, few)) as context:
        ends = []
        for end in range(START, END + 1, 300):
            off = MIDNIGHT <= end < MIDNIGHT + 1800
            clocks.true = ripe(end)
            clocks.ours, clocks.source = (ours, source) if off else (0, 0)
            report = run_cycle(context, clocks.true + clocks.ours, 50)
            assert report.faults == {}
            ends.append(ledgers(context.engine)["crashloop/slo"][-1].end)
        found = everything(context.engine, TABLES)
        truth = {
            s.name: wrong_buckets(ledgers(context.engine)[f"{s.name}/slo"], s.truth) for s in few
        }

    assert ends == sorted(ends), "a ledger never goes back"
    assert all(end <= now for end, now in zip(ends, range(START, END + 1, 300), strict=True))
    assert truth == {name: {} for name in NAMES}
    # A clock that is wrong when the ledger begins is not among these: its first reading is equal.
    assert found["stretch"] == undisturbed["stretch"]
    for table in TABLES:
        assert found[table] == undisturbed[table], table


def test_a_clock_that_is_back_books_nothing_and_reports_no_fault(proxy, few, sqlite_url):
    with open_books(settings_yaml(proxy.url, sqlite_url, few)) as context:
        run_cycles(context, [ripe(START)])
        before = everything(context.engine)
        report = run_cycle(context, ripe(START) - HOUR, 50)

        assert report.booked == frozenset()
        assert report.faults == {}
        assert everything(context.engine) == before

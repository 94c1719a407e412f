"""What becomes of ledgers when slo.yaml changes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from slo.config import parse
from slo.context import open_context
from slo.cycle import run_cycle
from slo.declaring import declare
from slo.domain.lookup import Subject
from slo.standings import compute
from slo.store import slos, standings
from slo.store.engine import reading
from tests.support.books import catch_up, fill, ledgers, open_books, ripe, wrong_buckets
from tests.support.services import MIDNIGHT, settings_yaml

START, CHANGE, END = MIDNIGHT - 3600, MIDNIGHT, MIDNIGHT + 3600
BAD = 'code=~"5.."'


@pytest.fixture
def yaml(loaded, restarting, sqlite_url):
    return settings_yaml(loaded.url, sqlite_url, [restarting])


@pytest.fixture
def books(yaml):
    """A context whose ledger is booked from START to CHANGE."""
    with open_books(yaml) as context:
        assert run_cycle(context, ripe(START), 50).faults == {}
        assert catch_up(context, ripe(CHANGE)).faults == {}
        yield context


def booked(books, text: str, *ends: int) -> None:
    """Cycles under another slo.yaml, on the same store."""
    with open_context(parse(text, "slo.yaml", {}), books.engine) as context:
        for end in ends:
            assert catch_up(context, ripe(end)).faults == {}


def total_of(ledger) -> float:
    return ledger[-1].total - ledger[0].total


def test_a_changed_indicator_begins_a_new_ledger_and_keeps_the_old_one(books, yaml, restarting):
    old = ledgers(books.engine)["restarting/slo"]
    changed = yaml.replace(BAD, 'code="500"')
    with open_context(parse(changed, "slo.yaml", {}), books.engine) as context:
        catch_up(context, ripe(END))
        report = fill(context, now=ripe(END), start=START)
        with reading(context.engine) as session:
            first, second = slos.meters_of(session, "restarting/slo")
    new = ledgers(books.engine)["restarting/slo"]

    assert report.faults == {}
    assert (first.booked_to, second.booked_to) == (CHANGE, END)
    assert second.booked_from <= START
    assert new[0].end == second.booked_from
    assert wrong_buckets(new, restarting.truth) == {}

    booked(books, yaml, END)
    back = ledgers(books.engine)["restarting/slo"]
    assert back[: len(old)] == old
    assert back[-1].end == END
    assert wrong_buckets(back, restarting.truth) == {}


def test_an_slo_that_is_gone_pauses_and_catches_up_when_it_returns(books, yaml, exact, loaded):
    other = next(service for service in exact if service.name == "summary")
    without = settings_yaml(loaded.url, "sqlite:///unused.db", [other])
    booked(books, without, CHANGE + 600, CHANGE + 1200)
    with reading(books.engine) as session:
        known = {slo.id: slo.paused_at for slo in slos.all_slos(session)}
        shown = standings.one(session, "restarting/slo")
    paused = ledgers(books.engine)["restarting/slo"]
    booked(books, yaml, END)
    restarting = next(service for service in exact if service.name == "restarting")
    back = ledgers(books.engine)["restarting/slo"]
    with reading(books.engine) as session:
        resumed = {slo.id: slo.paused_at for slo in slos.all_slos(session)}

    assert known == {"restarting/slo": ripe(CHANGE + 600), "summary/slo": None}
    assert (shown.paused, shown.data) == (True, "none")
    assert paused[-1].end == CHANGE
    assert resumed["restarting/slo"] is None
    assert back[-1].end == END
    assert wrong_buckets(back, restarting.truth) == {}


def test_a_renamed_slo_keeps_its_ledger(books, yaml, restarting):
    before = ledgers(books.engine)["restarting/slo"]
    renamed = yaml.replace("  restarting:\n", "  api:\n").replace(
        "      slo:\n", "      answers:\n        was: restarting/slo\n"
    )
    booked(books, renamed, END)
    found = ledgers(books.engine)

    assert set(found) == {"api/answers"}
    assert found["api/answers"][: len(before)] == before
    assert found["api/answers"][-1].end == END
    assert wrong_buckets(found["api/answers"], restarting.truth) == {}


def test_a_changed_objective_goes_on_in_the_same_ledger_and_judges_no_past_window(books, yaml):
    stricter = yaml.replace("99.9%", "99.99%")
    before = ledgers(books.engine)["restarting/slo"]
    booked(books, stricter, CHANGE + 600, END)
    after = ledgers(books.engine)["restarting/slo"]
    with open_context(parse(stricter, "slo.yaml", {}), books.engine) as context:
        (counted,) = declare(context, ripe(END)).counted
        subject = Subject(counted.slo, counted.indicator, counted.meter, ripe(END), 15)
        with reading(context.engine) as session:
            ((then, _),) = compute(session, [subject], at={"restarting/slo": CHANGE - 60})
            ((now, _),) = compute(session, [subject], at={"restarting/slo": END})

    assert after[: len(before)] == before
    assert then.objective == Decimal("0.999")
    assert now.objective == Decimal("0.9999")
    assert then.window.end == CHANGE - 60

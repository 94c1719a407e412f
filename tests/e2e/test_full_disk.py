"""A full disk: a clear error, pages that still answer, and no event lost once there is room."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import event, text

from slo.context import open_context
from slo.cycle import run_cycle
from slo.metrics import Metrics
from slo.scheduler.work import tick_once
from slo.store import standings
from slo.store.engine import StoreFull, open_engine, reading
from slo.web.app import create_app
from tests.support.books import catch_up, everything, open_books, ripe, run_cycles
from tests.support.services import MIDNIGHT, settings_yaml

START, FULL, END = MIDNIGHT - 1800, MIDNIGHT + 60, MIDNIGHT + 4800
NAMES = ("every-15s-no-start", "first-errors-15s", "summary")


class Disk:
    """An engine whose database may not grow while `full`."""

    def __init__(self, url: str):
        self.engine = open_engine(url)
        self.full = False
        event.listen(self.engine, "begin", self._limit)

    def _limit(self, connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar() if self.full else 2**31
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def first_full(cycle, first: int) -> int:
    """Cycles until one cannot be written; gives its bucket. Rows may still fit into free pages."""
    for end in range(first, END, 60):
        if not cycle(end):
            return end
    raise AssertionError("the disk never became full")


def test_a_full_disk_stops_booking_but_no_reader_and_costs_no_event(loaded, few, tmp_path, caplog):
    yaml = settings_yaml(loaded.url, f"sqlite:///{tmp_path / 'quiet.db'}", few)
    with open_books(yaml) as context:
        run_cycles(context, [ripe(START)])
        catch_up(context, ripe(END))
        expected = everything(context.engine, ("reading", "edge", "contributor"))

    yaml = settings_yaml(loaded.url, f"sqlite:///{tmp_path / 'slo.db'}", few)
    with open_books(yaml) as plain:
        disk = Disk(plain.settings.database_url)
        metrics = Metrics(disk.engine)
        with open_context(plain.settings, disk.engine) as context:
            run_cycles(context, [ripe(START), ripe(FULL)])
            disk.full = True
            with caplog.at_level(logging.ERROR):
                first_full(
                    lambda end: tick_once(context, metrics, ripe(end)) is not None, FULL + 60
                )
            assert "is full" in caplog.text
            assert "can still be read" in caplog.text
            # Two hundred readings cannot fit into what is free of the pages there are.
            with pytest.raises(StoreFull):
                run_cycle(context, ripe(END), 50)

            with reading(disk.engine) as session:
                assert {s.slo for s in standings.all(session)} == {f"{n}/slo" for n in NAMES}
            app = create_app(disk.engine, registry=metrics.registry)
            client = app.test_client()
            for page in ("/", f"/slo/{NAMES[0]}/slo", "/api/v1/slos", "/metrics", "/healthz"):
                assert client.get(page).status_code == 200, page

            disk.full = False
            catch_up(context, ripe(END))
            found = everything(context.engine, ("reading", "edge", "contributor"))
        disk.engine.dispose()

    assert found == expected


def test_a_database_of_a_newer_version_is_refused_with_what_to_do(loaded, few, tmp_path):
    from slo.store.errors import StoreVersionError  # noqa: PLC0415 -- beside its only use.
    from slo.store.migrations import ensure_current, upgrade  # noqa: PLC0415 -- the same.

    yaml = settings_yaml(loaded.url, f"sqlite:///{tmp_path / 'slo.db'}", few)
    with open_books(yaml) as context:
        with context.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        for use in (ensure_current, upgrade):
            with pytest.raises(StoreVersionError, match=r"newer SLO Ledger.*install that version"):
                use(context.engine)

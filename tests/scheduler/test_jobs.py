"""The jobs after slo.yaml was reloaded: as after a restart with the same file."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest
from prometheus_client import generate_latest

from slo.config import load
from slo.loaded import Loaded
from slo.metrics import Metrics
from slo.reloading import Reloader
from slo.scheduler import jobs as scheduling
from slo.scheduler.jobs import Jobs
from slo.sources import Sources
from slo.store import migrations, slos
from slo.store.engine import open_engine, reading
from tests.support.fault_server import FaultServer
from tests.test_cycle import gauge


@pytest.fixture
def server():
    with FaultServer(gauge(1.0)) as server:
        yield server


def text_of(folder, server, *, interval="60s", lag="5s", name="a", objective="99%", source="one"):
    return (
        f"sources: {{{source}: {{url: '{server.url}', lag: {lag}}}}}\n"
        f"database: {{url: 'sqlite:///{folder}/slo.db'}}\n"
        f"interval: {interval}\n"
        f"services: {{api: {{source: {source}, slos: {{{name}: "
        f"{{objective: {objective}, slices: {{query: m, at_least: 0}}}}}}}}}}\n"
    )


class Running:
    """Jobs that run over a file, and what reloads it."""

    def __init__(self, folder, text):
        self.path = folder / "slo.yaml"
        self.path.write_text(text)
        self.loaded = Loaded(load(self.path, {}), time.time())
        self.engine = open_engine(self.loaded.settings.database_url)
        migrations.upgrade(self.engine)
        self.cycled = threading.Semaphore(0)
        self.metrics, self.sources = Metrics(), Sources()
        self.jobs = Jobs(self.engine, self.loaded, self.metrics, self.sources, self.cycled.release)
        self.reloader = Reloader(self.path, {}, self.loaded, self.jobs.settle)
        self.jobs.start()
        assert self.cycled.acquire(timeout=20)
        self.reload(text)

    def reload(self, text):
        self.path.write_text(text)
        self.reloader.look()
        self.reloader.look()

    def behaviour(self, now):
        """All that follows from the settings: when jobs run, what they ask, what is counted."""
        triggers = {job.id: job.trigger for job in self.jobs._scheduler.get_jobs()}
        at = datetime.fromtimestamp(now, UTC)
        with self.jobs._live.use() as live, self.jobs._behind.use() as behind:
            clients = [sorted(map(repr, c.clients.values())) for c in (live, behind)]
        with reading(self.engine) as session:
            meters = slos.running_meters(session)
            paused = {s.id for s in slos.all_slos(session) if s.paused_at is not None}
            revisions = {slo: slos.revisions(session, slo)[-1].objective for slo in meters}
        return {
            "next": {
                name: triggers[name].get_next_fire_time(at, at) for name in ("cycle", "backfill")
            },
            "clients": clients,
            "meters": {slo: (m.bucket, m.indicator) for slo, m in meters.items()},
            "paused": paused,
            "revisions": revisions,
        }

    def close(self):
        self.jobs.stop()
        self.engine.dispose()


@pytest.fixture
def running(tmp_path):
    """A function that starts jobs over a text, in a folder of their own."""
    started = []

    def start(text):
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(Running(folder, text.replace("FOLDER", str(folder))))
        return started[-1]

    yield start
    for one in started:
        one.close()


EDITS = {
    "objective": {"objective": "98%"},
    "name": {"name": "b"},
    "interval": {"interval": "30s"},
    "lag": {"lag": "2s"},
    "source": {"source": "two"},
    "all": {"objective": "90%", "interval": "20s", "lag": "1s", "source": "two", "name": "c"},
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_after_a_reload_all_is_as_after_a_restart_with_the_same_file(running, server, edit):
    first, second = text_of("FOLDER", server), text_of("FOLDER", server, **edit)
    reloaded = running(first)
    reloaded.reload(second.replace("FOLDER", str(reloaded.path.parent)))
    # The cycle by the new settings runs at once.
    assert reloaded.cycled.acquire(timeout=20)
    now = time.time()
    after = reloaded.behaviour(now)

    restarted = running(first)
    restarted.close()
    again = Running(restarted.path.parent, second.replace("FOLDER", str(restarted.path.parent)))
    expected = again.behaviour(now)
    again.close()
    assert after == expected
    assert reloaded.loaded.settings == load(reloaded.path, {})


def test_what_a_cycle_began_with_holds_until_its_end(running, server, monkeypatch):
    jobs = running(text_of("FOLDER", server))
    entered, go_on, seen = threading.Event(), threading.Event(), []

    def slow(context, _metrics, _now):
        seen.append(context.settings)
        entered.set()
        assert go_on.wait(20)
        seen.append(context.settings)

    monkeypatch.setattr(scheduling, "tick_once", slow)
    jobs.reload(text_of(jobs.path.parent, server, objective="98%"))
    assert entered.wait(20)
    jobs.reload(text_of(jobs.path.parent, server, objective="97%"))
    go_on.set()
    jobs.jobs.stop()
    assert seen[0] is seen[1]
    assert seen[0] is not jobs.loaded.settings


def test_settings_that_come_after_the_end_start_nothing(running, server):
    jobs = running(text_of("FOLDER", server))
    jobs.jobs.stop()
    jobs.reload(text_of(jobs.path.parent, server, interval="30s"))
    assert not jobs.cycled.acquire(timeout=0.2)
    assert jobs.loaded.settings.interval == 30


def test_requests_are_told_to_the_metrics_and_the_sources(running, server):
    jobs = running(text_of("FOLDER", server))
    assert jobs.sources.all()["one"].requests > 0
    shown = generate_latest(jobs.metrics.registry).decode()
    assert 'slo_ledger_source_requests_total{source="one"' in shown

"""`slo serve` while its slo.yaml changes under it, on a Prometheus that really scrapes."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from itertools import pairwise

import pytest

from slo.store import audit, slos
from slo.store.engine import open_engine, reading
from tests.e2e.test_scraping import get, scrape_configs, serving, settings, wait_for
from tests.support.books import ledgers
from tests.support.exporter import Exporter
from tests.support.prometheus_server import PrometheusServer

MORE = """  more:
    slos:
      slo: {objective: 97%, window: 7d, slices: {query: 'sum(up{job="api"})', at_least: 1}}
"""

SUCCESS = "slo_ledger_config_last_reload_successful"
LOADED = "slo_ledger_config_last_reload_success_timestamp_seconds"


@pytest.fixture(scope="module")
def scraped(tmp_path_factory):
    """A service, and a Prometheus that scrapes it."""
    with Exporter() as api:
        configs = scrape_configs(api=api)
        with PrometheusServer(tmp_path_factory.mktemp("p"), scrape_configs=configs) as server:
            yield api, server


def metric(address: str, name: str) -> float | None:
    found = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", get(address + "/metrics")[1], re.MULTILINE)
    return None if found is None else float(found[1])


def standings(address: str) -> dict[str, dict]:
    found = json.loads(get(address + "/api/v1/slos")[1])["slos"]
    return {slo["slo"]: slo for slo in found}


def config_map(folder, yaml: str) -> None:
    """Puts the text there as Kubernetes does: in a folder of its own, by the swap of a link."""
    version = folder / f"..{time.monotonic_ns()}"
    version.mkdir(parents=True)
    (version / "slo.yaml").write_text(yaml)
    (folder / "..new").symlink_to(version.name)
    (folder / "..new").replace(folder / "..data")
    if not (folder / "slo.yaml").is_symlink():
        (folder / "slo.yaml").unlink(missing_ok=True)
        (folder / "slo.yaml").symlink_to("..data/slo.yaml")


def test_changes_come_into_force_and_faults_change_nothing(tmp_path, scraped):
    _, server = scraped
    database = f"sqlite:///{tmp_path / 'slo.db'}"
    yaml = settings(server.url, database, "api")
    changed = yaml.replace("99%", "98%")
    folder = tmp_path / "one"
    file = folder / "slo.yaml"
    engine = open_engine(database)
    with serving(folder, yaml) as (child, address):
        wait_for(lambda: "api/slo" in standings(address), 20, "a standing")

        # An editor writes another file and renames it.
        (folder / "new").write_text(changed + MORE)
        (folder / "new").rename(file)
        wait_for(lambda: standings(address)["api/slo"]["objective"] == 0.98, 20, "the objective")
        wait_for(lambda: "more/slo" in standings(address), 20, "the new SLO")
        wait_for(lambda: standings(address)["more/slo"]["events"]["total"] > 0, 20, "its events")

        good = metric(address, LOADED)
        file.write_text(yaml.replace("99%", "100%") + MORE)
        wait_for(lambda: metric(address, SUCCESS) == 0, 20, "a fault")
        assert metric(address, "slo_ledger_config_faults") == 1
        assert metric(address, LOADED) == good
        for path in ("/", "/alerts", "/system"):
            assert "slo.yaml has a fault" in get(address + path)[1], path
        system = json.loads(get(address + "/api/v1/system")[1])
        assert [fault["line"] for fault in system["config"]["faults"]] == [8]
        booked = ledgers(engine)["more/slo"][-1].end
        wait_for(lambda: ledgers(engine)["more/slo"][-1].end > booked, 20, "cycles that go on")

        # What is gone is a fault as well, and what comes back mends it.
        file.unlink()
        os.kill(child.pid, signal.SIGHUP)
        wait_for(lambda: "cannot be read" in get(address + "/system")[1], 20, "the lack of a file")
        config_map(folder, changed + "heartbeat: ''\n")
        os.kill(child.pid, signal.SIGHUP)
        wait_for(lambda: "heartbeat" in get(address + "/system")[1], 20, "a fault in a ConfigMap")
        config_map(folder, changed.replace("interval: 3s", "interval: 2s"))
        wait_for(lambda: metric(address, SUCCESS) == 1, 20, "the end")
        assert metric(address, LOADED) > good
        assert "slo.yaml has a fault" not in get(address + "/system")[1]
        wait_for(lambda: bucket(engine) == 2, 20, "the new interval")
        wait_for(lambda: len(ledgers(engine)["api/slo"]) > 2, 20, "readings of the new meter")
        said = child.log.read_text()
    with reading(engine) as session:
        revised = [e.subject for e in audit.of(session) if e.action == "revise"]
        paused = {slo.id: slo.paused_at is not None for slo in slos.all_slos(session)}
    assert said.count("slo.yaml:8:20: api/slo: objective") == 1
    assert "slo.yaml was reloaded: 1 SLO added (more/slo); 1 SLO changed (api/slo)" in said
    assert "Traceback" not in said
    assert revised == ["api/slo"]
    assert paused == {"api/slo": False, "more/slo": True}
    engine.dispose()


def bucket(engine) -> int:
    with reading(engine) as session:
        return slos.running_meters(session)["api/slo"].bucket


def test_fifty_signals_cost_no_cycle_and_book_nothing_twice(tmp_path):
    database = f"sqlite:///{tmp_path / 'slo.db'}"
    with (
        Exporter() as api,
        PrometheusServer(tmp_path / "p", scrape_configs=scrape_configs(api=api)) as server,
    ):
        yaml = settings(server.url, database, "api")
        engine = open_engine(database)
        with serving(tmp_path / "one", yaml) as (child, address):
            # Also before the start is finished.
            os.kill(child.pid, signal.SIGHUP)
            wait_for(lambda: get(address + "/readyz")[0] == 200, 20, "a cycle")
            file = tmp_path / "one" / "slo.yaml"
            for number in range(50):
                if number % 10 == 0:
                    file.write_text(yaml.replace("99%", f"{90 + number // 10}%"))
                os.kill(child.pid, signal.SIGHUP)
                time.sleep(0.1)
            api.rest()
            truth = (api.good, api.bad)
            wait_for(lambda: tally(engine) == truth, 30, "all events")
            said = child.log.read_text()
            os.kill(child.pid, signal.SIGHUP)
        ledger = ledgers(engine)["api/slo"]
        engine.dispose()
    steps = {b.end - a.end for a, b in pairwise(ledger)}
    assert tally_of(ledger) == truth
    assert steps == {3}
    assert "Traceback" not in said


def tally(engine) -> tuple[float, float]:
    return tally_of(ledgers(engine).get("api/slo", []))


def tally_of(ledger) -> tuple[float, float]:
    if not ledger:
        return 0.0, 0.0
    good, total = (getattr(ledger[-1], k) - getattr(ledger[0], k) for k in ("good", "total"))
    return good, total - good

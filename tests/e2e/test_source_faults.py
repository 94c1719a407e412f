"""A source that fails in any way: told, kept apart, and made good once it answers again."""

from __future__ import annotations

import json
import time

import pytest
from prometheus_client import generate_latest

from slo.context import open_context
from slo.cycle import run_cycle
from slo.metrics import Metrics
from slo.scheduler.work import tick_once
from slo.store import standings
from slo.store.engine import reading
from tests.support.books import catch_up, everything, ledgers, open_books, ripe, run_cycles
from tests.support.fault_server import (
    FaultServer,
    close_silently,
    cut,
    hang,
    html,
    refuse,
    respond,
    vector,
)
from tests.support.prometheus_server import PrometheusServer
from tests.support.proxy import changed, forward
from tests.support.services import FOREVER, MIDNIGHT, metrics_of, settings_yaml

START = MIDNIGHT - 1800
BEFORE, DURING, AFTER = START, START + 600, START + 1200
"""The last bucket booked before the fault, under it, and after it."""

SICK, WELL = "crashloop/slo", "restarting/slo"


def two_sources(
    sick_url: str,
    well_url: str,
    database_url: str,
    exact,
    sick: str = "crashloop",
    timeout: str = "30s",
) -> str:
    """slo.yaml with one service on each of two sources, the first of which will fail.

    A short `timeout` is for a source that hangs; a busy machine must not make others late.
    """
    text = (
        f"sources:\n  sick: {{url: '{sick_url}', timeout: {timeout}}}\n"
        f"  well: {{url: '{well_url}'}}\ndatabase: {{url: '{database_url}'}}\nservices:\n"
    )
    for name, source in ((sick, "sick"), ("restarting", "well")):
        service = next(service for service in exact if service.name == name)
        text += service.yaml().replace("    slos:", f"    source: {source}\n    slos:")
    return text


def warned(body: bytes) -> bytes:
    return json.dumps(json.loads(body) | {"warnings": ["store gateway is down"]}).encode()


def with_nan(body: bytes) -> bytes:
    """Every sample's value becomes NaN."""
    whole = json.loads(body)
    data = whole.get("data")
    for series in data.get("result", ()) if isinstance(data, dict) else ():
        for key in ("value", "values"):
            if key == "values" and key in series:
                series[key] = [[at, "NaN"] for at, _ in series[key]]
            elif key in series and isinstance(series[key], list):
                series[key] = [series[key][0], "NaN"]
    return json.dumps(whole).encode()


WHOLE = b'{"status":"success","data":{"resultType":"vector","result":[]}}'
FAULTS = {
    "a connection that closes": (lambda _: close_silently, {"unreachable"}),
    "a hanging server": (lambda _: hang(), {"timeout"}),
    "a 503": (lambda _: respond(503, "starting"), {"unavailable"}),
    "a sign-in page": (lambda _: html(), {"not_prometheus"}),
    "truncated JSON": (lambda _: respond(200, WHOLE[:40]), {"not_prometheus"}),
    "a body cut short": (lambda _: cut(WHOLE, 40), {"unreachable", "not_prometheus"}),
    "a partial answer": (lambda url: changed(url, warned), {"partial"}),
    "too many samples": (
        lambda _: refuse(422, "execution", "query processing would load too many samples"),
        {"too_many_samples"},
    ),
    "a time() without value": (lambda _: vector([]), {"not_prometheus"}),
}


@pytest.fixture(scope="module")
def undisturbed(loaded, exact, tmp_path_factory):
    """All rows of a run of the same minutes without a fault."""
    url = f"sqlite:///{tmp_path_factory.mktemp('quiet') / 'slo.db'}"
    with open_books(two_sources(loaded.url, loaded.url, url, exact)) as context:
        assert run_cycles(context, instants(BEFORE, AFTER)) == {}
        return everything(context.engine, ("edge", "reading", "contributor"))


def instants(first: int, last: int) -> list[int]:
    return [ripe(end) for end in range(first, last + 1, 120)]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_stops_no_other_slo_and_is_made_good(
    loaded, exact, undisturbed, sqlite_url, fault
):
    break_it, kinds = FAULTS[fault]
    metrics = Metrics()

    def observe(record):
        metrics.observe_request(
            record.source, record.what, record.seconds, record.samples_read, record.error
        )

    with FaultServer(forward(loaded.url)) as proxy:
        timeout = "1s" if kinds == {"timeout"} else "30s"
        yaml = two_sources(proxy.url, loaded.url, sqlite_url, exact, timeout=timeout)
        with (
            open_books(yaml) as plain,
            open_context(plain.settings, plain.engine, observe) as context,
        ):
            assert run_cycles(context, instants(BEFORE, BEFORE)) == {}
            before = ledgers(context.engine)
            proxy.behaviour = break_it(loaded.url)
            reports = [tick_once(context, metrics, now) for now in instants(BEFORE + 120, DURING)]
            during = ledgers(context.engine)
            with reading(context.engine) as session:
                standing = standings.one(session, SICK)
            proxy.behaviour = forward(loaded.url)
            assert run_cycles(context, instants(DURING + 120, AFTER)) == {}
            after = everything(context.engine, ("edge", "reading", "contributor"))

    for report in reports:
        assert {f.kind for f in report.faults.values()} <= kinds
        assert set(report.faults) <= {"source sick", SICK}
        assert report.faults, "the fault must be told"
        assert report.booked == {WELL}
    assert during[SICK] == before[SICK]
    assert during[WELL][-1].end == DURING
    assert [n.kind for n in standing.notes if n.kind == "fault"] == ["fault"]
    text = generate_latest(metrics.registry).decode()
    told = [line for line in text.splitlines() if 'errors_total{kind="' in line]
    assert any(f'kind="{kind}"' in line for kind in kinds for line in told), told
    assert after == undisturbed


def test_a_refused_connection_is_told_and_made_good(loaded, exact, undisturbed, tmp_path):
    folder = tmp_path / "own"
    wanted = [service for service in exact if service.name == "crashloop"]
    server = PrometheusServer(folder, openmetrics=metrics_of(wanted), flags=[FOREVER])
    with server:
        yaml = two_sources(server.url, loaded.url, f"sqlite:///{tmp_path / 'slo.db'}", exact)
        with open_books(yaml) as context:
            assert run_cycles(context, instants(BEFORE, BEFORE)) == {}
            server.kill()
            reports = [run_cycle(context, now, 50) for now in instants(BEFORE + 120, DURING)]
            server.restart()
            assert run_cycles(context, instants(DURING + 120, AFTER)) == {}
            after = everything(context.engine, ("edge", "reading", "contributor"))

    assert {f.kind for r in reports for f in r.faults.values()} == {"unreachable"}
    assert all(r.booked == {WELL} for r in reports)
    # The other source holds more services, so its data may begin a bucket earlier.
    assert after | {"stretch": None} == undisturbed | {"stretch": None}


def test_an_answer_of_nothing_but_nan_books_no_event(loaded, exact, undisturbed, sqlite_url):
    with FaultServer(forward(loaded.url)) as proxy:
        yaml = two_sources(proxy.url, loaded.url, sqlite_url, exact)
        with open_books(yaml) as context:
            run_cycles(context, instants(BEFORE, BEFORE))
            before = ledgers(context.engine)[SICK][-1]
            proxy.behaviour = changed(loaded.url, with_nan)
            run_cycles(context, instants(BEFORE + 120, DURING))
            during = ledgers(context.engine)[SICK][-1]
            proxy.behaviour = forward(loaded.url)
            run_cycles(context, instants(DURING + 120, AFTER))
            after = ledgers(context.engine)[SICK][-1]
    with_all = [float(row[3]) for row in undisturbed["reading"] if row[0] == SICK][-1]

    assert (during.good, during.total) == (before.good, before.total)
    assert after.total == with_all


def test_empty_answers_are_booked_after_ten_minutes_and_their_events_when_they_come(
    loaded, exact, sqlite_url
):
    """A source that answers and has nothing: as if it had lost its targets."""

    def emptied(body: bytes) -> bytes:
        whole = json.loads(body)
        if isinstance(whole.get("data"), dict):
            whole["data"]["result"] = []
        return json.dumps(whole).encode()

    name = "every-60s"
    with FaultServer(forward(loaded.url)) as proxy:
        yaml = two_sources(proxy.url, loaded.url, sqlite_url, exact, name)
        with open_books(yaml) as context:
            run_cycles(context, instants(BEFORE, BEFORE))
            before = ledgers(context.engine)[f"{name}/slo"][-1]
            proxy.behaviour = changed(loaded.url, emptied)
            run_cycles(context, instants(BEFORE + 120, BEFORE + 480))
            waiting = ledgers(context.engine)[f"{name}/slo"][-1]
            run_cycles(context, instants(BEFORE + 600, AFTER))
            empty = ledgers(context.engine)[f"{name}/slo"][-1]
            proxy.behaviour = forward(loaded.url)
            catch_up(context, ripe(AFTER + 120))
            after = ledgers(context.engine)[f"{name}/slo"][-1]
    truth = next(s.truth for s in exact if s.name == name)

    assert waiting == before
    assert empty.end == AFTER - 600
    assert (empty.good, empty.total) == (before.good, before.total)
    then, now = truth.until(before.end), truth.until(AFTER + 120)
    assert (after.good - before.good, after.total - before.total) == (
        now[0] - then[0],
        now[1] - then[1],
    )


def test_a_span_too_large_for_one_query_is_read_in_pieces(exact, tmp_path):
    """A Prometheus with a real limit on the samples of a query."""
    wanted = [s for s in exact if s.name in {"every-5s", "crashloop"}]
    flags = [FOREVER, "--query.max-samples=1200"]
    server = PrometheusServer(tmp_path / "p", openmetrics=metrics_of(wanted), flags=flags)
    yaml = settings_yaml(server.url, f"sqlite:///{tmp_path / 'slo.db'}", wanted)
    with server, open_books(yaml) as context:
        run_cycle(context, ripe(START), 50)
        report = catch_up(context, ripe(START + 7200))
        found = ledgers(context.engine)

    assert report.faults == {}
    for service in wanted:
        ledger = found[f"{service.name}/slo"]
        first, last = ledger[0], ledger[-1]
        assert last.end == START + 7200
        then, now = service.truth.until(first.end), service.truth.until(last.end)
        assert last.good - first.good == now[0] - then[0]
        assert last.total - first.total == now[1] - then[1]


def test_a_hanging_source_holds_a_cycle_no_longer_than_its_timeouts(loaded, exact, sqlite_url):
    with FaultServer(forward(loaded.url)) as proxy:
        yaml = two_sources(proxy.url, loaded.url, sqlite_url, exact, timeout="1s")
        with open_books(yaml) as context:
            run_cycles(context, instants(BEFORE, BEFORE))
            proxy.behaviour = hang()
            began = time.monotonic()
            report = run_cycle(context, ripe(BEFORE + 120), 50)
            took = time.monotonic() - began

    assert report.booked == {WELL}
    assert took < 5

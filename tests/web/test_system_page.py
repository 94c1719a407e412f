"""The page System, its JSON, and the banners: how the service tells of itself."""

from __future__ import annotations

import dataclasses
import re
from contextlib import contextmanager

import pytest
from sqlalchemy import event, insert, update

from slo.config import load, parse
from slo.config.fault import Fault
from slo.config.hiding import hidden_text
from slo.config.loader import load_shown
from slo.domain.access import ROLES, Identity
from slo.domain.facts_json import facts_json
from slo.loaded import Loaded
from slo.prometheus.link import RequestRecord
from slo.reloading import Reloader
from slo.sources import Sources
from slo.store import cycles, facts, receivers, schema, verifications, watches
from slo.store.engine import reading, writing
from slo.store.verifications import Verified
from slo.store.watches import Watch
from slo.web.api.models.system import Configuration, SystemAnswer
from slo.web.app import create_app
from tests.support.outbox import notice
from tests.web.world import NOW, many_standings, put_standings

YAML = """prometheus: {url: "http://prometheus.example:9090/path"}
services:
  fraud-model:
    slos:
      latency: {objective: 99%, window: 7d, slices: {query: up, at_least: 1}}
receivers:
  pager: {type: pagerduty, routing_key: R015CXBE9Y0VY5HFUA1EL5J6HPXXXXXX}
  chat: {type: slack, url: "https://hooks.slack.com/services/T0/B0/SECRETSECRET"}
routes: {page: [pager], ticket: [chat]}
"""


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


class Page:
    """The site over a store with a cycle a minute ago, and what may be changed about it."""

    def __init__(self, engine):
        self.engine, self.clock, self.sources = engine, Clock(), Sources(lambda: NOW - 5)
        self.loaded = Loaded(parse(YAML, "slo.yaml", {}), NOW - 7200, "/etc/slo/slo.yaml")
        self.loaded.confirm("services: {}\n")
        self.clock.now = NOW - 3 * 3600
        self.app = create_app(engine, loaded=self.loaded, sources=self.sources, clock=self.clock)
        self.clock.now = NOW
        self.client = self.app.test_client()

    def text(self, path="/system"):
        response = self.client.get(path)
        assert response.status_code == 200
        return " ".join(response.text.split())

    def json(self):
        return SystemAnswer.model_validate_json(self.client.get("/api/v1/system").data)


@pytest.fixture
def page(engine):
    put_standings(engine, many_standings())
    return Page(engine)


def letter(engine, title="svc/one burns", **fields):
    found = notice(title=title)
    row = {
        "receiver": "pager",
        "subject": "incident/1",
        "transition": title,
        "msg_id": title,
        "kind": "opened",
        "severity": "page",
        "facts": facts_json(found.facts),
        "state": "dead",
        "attempts": 9,
        "next_at": NOW,
        "created_at": NOW - 7200,
        "ended_at": NOW - 3600,
        "expires_at": NOW,
        "error": "pager answered 500",
        **fields,
    }
    with writing(engine) as session:
        session.execute(insert(schema.notification).values(row))


def test_the_page_tells_of_cycles_and_of_what_they_read(page):
    text = page.text()
    assert "12 s ago" in text
    assert "11 of 11" in text
    (cycle,) = page.json().cycles.newest
    assert (cycle.samples, cycle.requests, cycle.errors) == (36, 2, 0)
    assert page.json().samples_last_hour == 36


def test_cycles_are_drawn_once_there_are_two(page):
    assert "Time that cycles took" not in page.text()
    with writing(page.engine) as session:
        number = cycles.start(session, NOW - 5)
        done = {"slos": 11, "booked": 11, "samples": 1, "requests": 1, "errors": 0}
        cycles.finish(session, number, NOW - 5, seconds=0.4321, **done)
    text = page.text()
    assert "Time that cycles took" in text
    assert "432 ms" in text


def test_cycles_are_drawn_by_time_even_where_a_clock_was_set_back(page):
    done = {"slos": 11, "booked": 11, "samples": 1, "requests": 1, "errors": 0}
    with writing(page.engine) as session:
        for at in (NOW - 60, NOW - 240, NOW - 120):
            cycles.finish(session, cycles.start(session, at), at, seconds=0.5, **done)
        session.execute(update(schema.cycle).values(lag=-200_000.0))
    html = page.client.get("/system").text
    plots = re.findall(r'<svg class="plot".*?</svg>', html, re.DOTALL)
    assert len(plots) == 2
    for plot in plots:
        assert f'data-from="{NOW - 240}" data-to="{NOW - 13}"' in plot
        (line,) = re.findall(r'<path class="line solid" d="M([^"]*)"', plot)
        across = [float(point.split()[0]) for point in line.split("L")]
        assert across == sorted(across)
        assert across[0] == 0
        assert across[-1] <= 1000
    for axis in re.findall(r'<svg class="y-axis".*?</svg>', html, re.DOTALL):
        assert "-" not in re.sub(r"<[^>]*>", "", axis)


def test_a_source_is_told_with_what_requests_to_it_came_to(page):
    page.sources.observe(RequestRecord("prometheus", "instant", "up", 0.1, samples_read=7))
    text = page.text()
    assert "http://prometheus.example:9090/path" in text
    (source,) = page.json().sources
    assert (source.state, source.requests, source.samples) == ("ok", 1, 7)
    page.sources.observe(RequestRecord("prometheus", "instant", "up", 0.1, error="timeout"))
    assert "failing" in page.text()
    assert page.json().sources[0].state == "failing"
    # A question that is wrong says nothing of the source, and one that is asked is answered.
    page.sources.observe(RequestRecord("prometheus", "instant", "up", 0.1, error="bad_query"))
    (source,) = page.json().sources
    assert (source.state, source.errors) == ("ok", 2)


def test_a_silent_source_is_told_with_why_and_since_when(page):
    with writing(page.engine) as session:
        why = "prometheus (http://prometheus.example:9090/path): connection refused"
        watches.put(session, Watch("source/prometheus", NOW - 900, why))
    assert "for 15 min: connection refused" in page.text()
    assert page.json().sources[0].state == "silent"


def test_recounts_are_told_by_what_they_came_to(page):
    assert "none yet" in page.text()
    with writing(page.engine) as session:
        for slo, agrees, text in (
            ("fraud-model/latency", True, ""),
            ("fraud-model/accuracy", False, "+3 good, +5 total"),
        ):
            verifications.add(
                session, Verified(NOW - 3600, slo, NOW // 86400 * 86400, agrees, text)
            )
    text = page.text()
    assert "1 differ" in text
    assert "+3 good, +5 total" in text
    assert [one.agrees for one in page.json().recounts] == [False, True]


def test_a_backup_and_the_upkeep_are_told(page):
    assert "slo db backup makes one" in page.text()
    with writing(page.engine) as session:
        facts.put(session, "backup", {"at": NOW - 7200, "file": "slo-1.db", "bytes": 12_300_000})
        done = {"at": NOW - 600, "ledgers": 3, "readings": 1234, "notifications": 2}
        facts.put(session, "upkeep", done)
    text = page.text()
    assert "2 h ago: slo-1.db, 12.3 MB" in text
    assert "3 ledgers compacted; 1,234 readings, 2 notifications deleted" in text
    assert page.json().backup.bytes == 12_300_000


def test_a_paused_receiver_is_resumed_by_its_button(page):
    with writing(page.engine) as session:
        receivers.lock(session, "pager", NOW, wait=True)
        session.execute(
            update(schema.receiver).values(
                paused_at=NOW - 60, paused_why="pager refuses us", open_until=NOW + 3000
            )
        )
    assert "pager refuses us" in page.text()
    response = page.client.post("/system/receivers/pager/resume")
    assert (response.status_code, response.location) == (303, "/system#receivers")
    assert "pager refuses us" not in page.text()
    assert page.json().receivers[0].state == "ok"
    assert page.client.post("/system/receivers/unknown/resume").status_code == 404


def test_dead_letters_are_listed_with_the_way_to_send_them_again(page):
    assert "None: everything was delivered" in page.text()
    for number in range(25):
        letter(page.engine, f"burns {number}")
    letter(page.engine, "was tried", kind="test")
    text = page.text()
    assert "The newest 20 of 25" in text
    assert "pager answered 500" in text
    assert 'action="/notifications/25/resend"' in text
    assert "was tried" not in text
    assert page.json().outbox.dead == 25


def attention(page):
    """The titles of the cards, as they stand on the page."""
    cards = page.text().partition('id="attention"')[2].partition("<dl")[0]
    return re.findall(r"<h2><a [^>]*>([^<]*)</a>", cards)


def finish_a_cycle(page):
    with writing(page.engine) as session:
        number = cycles.start(session, NOW - 5)
        done = {"slos": 11, "booked": 11, "samples": 1, "requests": 1, "errors": 0}
        cycles.finish(session, number, NOW - 5, seconds=0.4, **done)


def test_a_service_that_does_well_says_so_first_and_no_more_than_is_known(page):
    finish_a_cycle(page)
    assert attention(page) == []
    assert "</span>Nothing needs attention</span> Cycles finish.</p>" in page.text()
    page.sources.observe(RequestRecord("prometheus", "instant", "up", 0.1))
    assert "Cycles finish and every Prometheus answers.</p>" in page.text()
    with writing(page.engine) as session:
        receivers.lock(session, "pager", NOW, wait=True)
        delivered = update(schema.receiver).values(delivered_at=NOW - 9)
        session.execute(delivered)
    told = "Cycles finish, every Prometheus answers and notifications get through.</p>"
    assert told in page.text()


def test_before_the_first_cycle_nothing_is_said_to_be_well(engine):
    page = Page(engine)
    page.clock.now = NOW - 3 * 3600 + 5
    text = page.text()
    assert "</span>Nothing is known yet</span> The first cycle has not finished.</p>" in text
    assert "Nothing needs attention" not in text


def test_all_that_is_wrong_is_told_first_and_most_urgent_first(page):
    with writing(page.engine) as session:
        watches.put(session, Watch("source/prometheus", NOW - 900, "connection refused"))
        facts.put(session, "backup", {"at": NOW - 9 * 86_400, "file": "slo-1.db", "bytes": 1})
        day = NOW // 86400 * 86400
        differs = Verified(NOW - 3600, "fraud-model/accuracy", day, agrees=False, text="+3")
        verifications.add(session, differs)
        for name in ("pager", "chat"):
            receivers.lock(session, name, NOW, wait=True)
        paused = {"paused_at": NOW - 60, "paused_why": "it refuses us", "open_until": NOW + 3000}
        name = schema.receiver.c.name
        session.execute(update(schema.receiver).where(name == "pager").values(paused))
        fails = {"failing_since": NOW - 600, "failures": 9}
        session.execute(update(schema.receiver).where(name == "chat").values(fails))
    letter(page.engine)
    fault = Fault("slo.yaml", 5, 28, "fraud-model/latency", "objective: too high")
    page.loaded.put(page.loaded.settings, NOW, waiting=("database.url: restart",))
    page.loaded.fail((fault,) * 25, NOW)
    page.clock.now = NOW + 400
    assert attention(page) == [
        "No cycle for 7 min",
        "Prometheus",
        "Receiver pager",
        "Receiver chat",
        "1 notification that nobody got",
        "1 recount differs from the ledger",
        "slo.yaml waits for a restart",
        "The last backup is 9 d old",
        "slo.yaml has 25 faults",
    ]
    text = page.text()
    assert "Nothing needs attention" not in text
    assert "it refuses us." in text
    assert "fraud-model/accuracy on 20 Nov" in text
    assert text.count("<code>slo.yaml:5:28</code>") == 20
    assert "and 5 more, which the log lists" in text
    # All other pages tell the most of it in banners, and lead here.
    assert "No cycle for 7 min." in page.text("/alerts")
    assert '<a href="/system">' in page.text("/alerts")


def test_cycles_that_fall_behind_or_fail_are_told(page):
    with writing(page.engine) as session:
        number = cycles.start(session, NOW - 5)
        done = {"slos": 11, "booked": 9, "samples": 1, "requests": 1, "errors": 2}
        cycles.finish(session, number, NOW - 5, seconds=0.4, **done)
    assert attention(page) == ["2 errors in the last cycle"]
    page.sources.observe(RequestRecord("prometheus", "instant", "up", 0.1, error="timeout"))
    with writing(page.engine) as session:
        session.execute(update(schema.meter).values(booked_from=NOW - 9000, booked_to=NOW - 1200))
    assert attention(page) == [
        "Prometheus",
        "Booking is 20 min behind",
        "2 errors in the last cycle",
    ]


def test_how_long_a_source_takes_to_answer_is_told(page):
    for seconds in (0.02, 0.04, 3.0):
        page.sources.observe(RequestRecord("prometheus", "instant", "up", seconds))
    assert "within 40 ms, at most 3 s" in page.text()
    (source,) = page.json().sources
    assert (source.usual_seconds, source.slowest_seconds) == (0.04, 3.0)


def test_nothing_of_the_store_or_of_sources_makes_markup(page):
    letter(page.engine, "<b>bold</b>", error="<script>alert(1)</script>")
    assert "<script>alert" not in page.text()
    assert "<b>bold" not in page.text()


def test_faults_of_slo_yaml_are_on_every_page_until_it_is_mended(page, tmp_path):
    path = tmp_path / "slo.yaml"
    path.write_text(YAML)
    loaded = Loaded(load(path, {}), NOW - 3600, str(path))
    client = create_app(page.engine, loaded=loaded, clock=lambda: NOW).test_client()
    reloader = Reloader(path, {}, loaded, clock=lambda: NOW - 60)
    path.write_text(YAML.replace("99%", "100%"))
    for text, shows in ((YAML.replace("99%", "100%"), True), (YAML, False)):
        path.write_text(text)
        reloader.look()
        reloader.look()
        for address in ("/", "/alerts", "/system", "/nothing"):
            found = client.get(address).text
            assert ("slo.yaml has a fault" in found) is shows, address
    assert client.get("/api/v1/system").json["config"]["faults"] == []


def test_a_setting_that_waits_for_a_restart_is_told(page):
    page.loaded.put(page.loaded.settings, NOW, waiting=("database.url: restart",))
    assert "slo.yaml waits for a restart." in page.text("/")
    assert page.json().config.restart == ["database.url: restart"]


def test_a_last_cycle_that_is_old_is_told_on_every_page(page):
    assert "No cycle for" not in page.text("/alerts")
    page.clock.now = NOW + 288
    assert "No cycle for 5 min." in page.text("/alerts")
    assert page.json().cycles.late is True


def test_a_service_that_has_just_started_has_time_for_its_first_cycle(engine):
    client = create_app(engine, clock=lambda: NOW).test_client()
    assert "No cycle for" not in client.get("/").text


def test_the_configuration_is_for_administrators(page, monkeypatch):
    assert "services: {}" in page.text("/system/configuration")
    found = Configuration.model_validate_json(page.client.get("/api/v1/system/configuration").data)
    assert found.text == "services: {}\n"
    viewer = Identity("mia", "user", ROLES["viewer"])
    for module in ("permission", "banner"):
        monkeypatch.setattr(f"slo.web.{module}.current_identity", lambda: viewer)
    assert page.client.get("/system").status_code == 200
    assert page.client.get("/system/configuration").status_code == 403
    assert page.client.get("/api/v1/system/configuration").status_code == 403
    assert page.client.post("/system/receivers/pager/resume").status_code == 403


SECRETS = {
    "pagerduty": "{type: pagerduty, routing_key: 'SECRET0KEY0OF0PAGERDUTY000000000'}",
    "alertmanager": "{type: alertmanager, urls: ['http://am.example:9093/SECRETPATH1'],"
    " username: ops, password: SECRETPASS1}",
    "alertmanager-2": "{type: alertmanager, url: 'http://am.example:9093',"
    " bearer_token: SECRETTOKEN2}",
    "slack": "{type: slack, url: 'https://hooks.slack.com/services/T0/B0/SECRETSLACK'}",
    "teams": "{type: teams, url: 'https://x.logic.azure.com/workflows/SECRETTEAMS?sig=SECRETSIG'}",
    "opsgenie": "{type: opsgenie, api_key: SECRET-OPSGENIE-KEY, team: ops, tags: [slo]}",
    "email": "{type: email, host: mail.example, from: slo@example.com, to: [ops@example.com],"
    " username: slo, password: SECRETMAIL, tls: tls}",
    "webhook": "{type: webhook, url: 'https://hook.example/SECRETHOOK?token=SECRETQUERY',"
    " secret: [SECRETSIGNINGKEY01, SECRETSIGNINGKEY02], headers: {X-Key: SECRETHEADER}}",
    "apprise": "{type: apprise, urls: ['tgram://SECRETBOT/SECRETCHAT', 'ntfy://SECRETTOPIC']}",
    "filled": "{type: webhook, url: '${HOOK}', headers: {X-Key: 'Bearer ${HEADER}'},"
    " bearer_token: '${TOKEN:-SECRETDEFAULT}'}",
}
ENV = {
    "HOOK": "https://hook.example/SECRETFILLED",
    "HEADER": "SECRETFILLEDHEADER",
    "PGPASS": "SECRETPG",
    "OWNER": "SECRETOWNER",
}
WITH_SECRETS = """# SECRETCOMMENT
sources:
  one:
    url: https://prom.example/api
    headers: {X-Scope: SECRETSCOPE}
    params: {dedup: 'true', token: SECRETPARAM}
  two:
    urls: ['https://prom2.example']
    basic_auth: {username: '${OWNER}', password: SECRETBASIC}
database: {url: 'sqlite:///slo.db?password=SECRETDB'}
heartbeat: https://hc-ping.example/SECRETBEAT
services:
  api:
    source: one
    runbook: 'https://wiki.example/x?token=SECRETWIKI'
    slos: {a: {objective: 99%, slices: {query: up, at_least: 1}}}
  other:
    source: two
    slos: {a: {objective: 99%, slices: {query: up, at_least: 1}}}
receivers:
"""


def test_no_secret_is_on_a_page_in_the_api_or_in_the_log(page, tmp_path, caplog, capfd):
    path = tmp_path / "slo.yaml"
    text = WITH_SECRETS + "".join(f"  {name}: {shape}\n" for name, shape in SECRETS.items())
    path.write_text(text)
    settings, shown = load_shown(path, ENV)
    loaded = Loaded(settings, NOW - 60, str(path))
    sources = Sources(lambda: NOW)
    app = create_app(page.engine, loaded=loaded, sources=sources, clock=lambda: NOW)
    reloader = Reloader(path, ENV, loaded, clock=lambda: NOW)
    broken = text.replace("type: pagerduty", "type: 'SECRETTYPE'").replace(
        "from: slo@example.com", "from: SECRETSENDER"
    )
    seen = [shown]
    with caplog.at_level("DEBUG"):
        for written in (text, broken):
            path.write_text(written)
            reloader.look()
            reloader.look()
            seen += [
                app.test_client().get(address).text
                for address in (
                    *("/system", "/system/configuration", "/", "/api/v1/system"),
                    *("/api/v1/system/configuration", "/api/v1/receivers"),
                )
            ]
    out, err = capfd.readouterr()
    assert "has 2 faults" in seen[-6]
    for where in (*seen, caplog.text, out, err):
        assert "SECRET" not in where.replace("SECRETOWNER}", "")
    assert "https://hooks.slack.com/***" in shown
    assert "${HOOK}" in shown
    assert "${TOKEN:-***}" in shown
    assert "mail.example" in shown
    # Nothing that is no secret is hidden.
    assert "query: up" in shown
    assert "dedup: 'true'" in shown


def test_what_is_shown_is_yaml_of_the_same_keys(tmp_path):
    path = tmp_path / "slo.yaml"
    path.write_text(YAML)
    _, shown = load_shown(path, {})
    again = parse(shown.replace("***", "x" * 32), "slo.yaml", {})
    assert [slo.id for slo in again.slos] == ["fraud-model/latency"]
    urls = ["https://mia:hunter22@a.example/b?key=abcdef"]
    assert "hunter22" not in hidden_text({"prometheus": {"urls": urls}, "url": urls[0]})
    assert "abcdef" not in hidden_text({"prometheus": {"urls": urls}, "url": urls[0]})
    oidc = {"issuer": "https://login.example/work", "client_id": "x", "client_secret": "hunter22"}
    shown = hidden_text({"site": {"oidc": oidc}})
    assert "hunter22" not in shown
    assert "https://login.example/work" in shown
    assert hidden_text({"name": None, "x": ["a"]}) == "name: null\nx:\n- a\n"


def test_more_slos_cost_the_page_no_more_questions(engine):
    template = many_standings()[0]
    client = create_app(engine, clock=lambda: NOW).test_client()

    def questions(slos):
        services = [f"s{n}" for n in range(slos)]
        put_standings(
            engine,
            [dataclasses.replace(template, slo=f"{s}/a", service=s, name="a") for s in services],
        )
        client.get("/system")
        with statements(engine) as asked:
            assert client.get("/system").status_code == 200
        return len(asked)

    assert questions(200) == questions(2) > 0


@contextmanager
def statements(engine):
    asked = []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def test_the_page_tells_what_the_store_holds(page):
    found = page.json().store
    assert (found.kind, found.revision) == ("sqlite", "0003")
    assert {one.table for one in found.rows} >= {"reading", "audit"}
    first = page.client.get("/api/v1/system")
    again = page.client.get("/api/v1/system", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    with reading(page.engine) as session:
        assert facts.of(session, "upkeep") is None

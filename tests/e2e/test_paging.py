"""Who is paged, and when: services that are down, a Prometheus that is, and both.

Samples of made-up services lie in a real Prometheus; cycles run over them minute by
minute, on a clock of the test's own.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from threading import Barrier

import pytest

from slo.cycle import run_cycle
from slo.store import alerts, incidents, outbox, standings
from slo.store.engine import open_engine, reading
from slo.watching import Silence, may_beat, watch_cycles, watch_sources
from tests.support.books import open_books, ripe
from tests.support.fault_server import FaultServer, close_silently
from tests.support.prometheus_server import OpenMetrics, PrometheusServer
from tests.support.proxy import forward
from tests.support.services import FOREVER, MIDNIGHT
from tests.support.truth import Counter, Target, Truth, requests

MINUTE = 60
START = MIDNIGHT
FROM = START + 30 * MINUTE
"""The end of the first bucket that a cycle books."""
BREAK = START + 60 * MINUTE
"""The minute in which services break."""
END = START + 160 * MINUTE

EVENTS = """events:
          bad: 'http_requests_total{{job="{job}",code=~"5.."}}'
          total: 'http_requests_total{{job="{job}"}}'"""
LATENCY = "latency: {{histogram: 'work_seconds{{job=\"{job}\"}}', threshold: 200ms}}"
MEAN = "mean: {{summary: 'predict_seconds{{job=\"{job}\"}}', threshold: 200ms}}"
GAUGE = "slices: {{query: 'model_accuracy{{job=\"{job}\"}}', at_least: 0.5}}"
QUERY = """query:
          bad: 'sum(increase(http_requests_total{{job="{job}",code="500"}}[$window]))'
          total: 'sum(increase(http_requests_total{{job="{job}"}}[$window]))'"""


@dataclass
class Service:
    """A job with two targets and what happens to them: `fate` tells it, by number and time.

    A fate is `serves`, `errors` (every request fails), `down` (`up` is 0), `left` (the
    target is gone from Prometheus), or `mute` (`up` is 1, and its series are gone).
    """

    job: str
    fate: object
    indicator: str = EVENTS
    every: float = 15.0
    phase: float = 4.0
    more: str = ""

    @property
    def slo(self) -> str:
        return f"{self.job}/slo"

    def yaml(self) -> str:
        lines = [f"  {self.job}:", "    slos:", "      slo:", "        objective: 99.9%"]
        lines.append("        " + self.indicator.format(job=self.job))
        return "\n".join([*lines, *(f"        {line}" for line in self.more.splitlines())]) + "\n"

    def write(self, metrics: OpenMetrics, silent=lambda _at: False) -> None:
        """Its samples; none while its Prometheus is `silent`."""
        for number in range(2):
            target = Target(
                Truth(), self.job, f"{self.job}-{number}:80", _counters(self), started=START - 1
            )
            gauge = []
            for step in count(1):
                at = START + step * self.every + self.phase + number
                if at > END:
                    break
                fate = self.fate(number, at)
                if fate in {"serves", "errors"}:
                    _work(target, fate)
                if silent(at) or fate == "left":
                    continue
                if fate == "down":
                    target.fail(at)
                elif fate == "mute":
                    target.alive(at)
                else:
                    target.scrape(at)
                    gauge.append((at, 0.9 if fate == "serves" else 0.1))
            target.write(metrics)
            if self.indicator == GAUGE:
                metrics.add(f'model_accuracy{{job="{self.job}",instance="{number}"}}', gauge)


def _counters(service: Service) -> tuple[Counter, ...]:
    if service.indicator == LATENCY:
        return tuple(Counter(name, ()) for name in ("fast", "any", "work_count"))
    if service.indicator == MEAN:
        return Counter("predict_sum", ()), Counter("predict_count", ())
    return requests()


def _work(target: Target, fate: str) -> None:
    amounts = {"code_200": 20.0 * (fate == "serves"), "code_500": 20.0 * (fate == "errors")}
    amounts |= {"fast": 20, "any": 20, "work_count": 20, "predict_sum": 2, "predict_count": 20}
    target.count(**{name: amounts[name] for name in target.counters})


def from_then_on(fate: str, at: float, until: float = END, numbers=(0, 1)):
    return lambda number, now: fate if number in numbers and at < now <= until else "serves"


@dataclass
class Watch:
    """Cycles minute by minute, and the messages and beats that came of each."""

    yaml: str
    messages: dict = field(default_factory=dict)
    """By when they were queued: receiver's subject, kind, title."""
    beats: list = field(default_factory=list)
    standings: dict = field(default_factory=dict)
    """By the bucket's end after which a cycle ran, and SLO."""

    def run(self, first: int, last: int, each=lambda _end: None) -> None:
        """A service that starts, runs for a while, and stops."""
        with open_books(self.yaml) as context:
            for end in range(first, last + 1, MINUTE):
                each(end)
                run_cycle(context, ripe(end), 50)
                if may_beat(context.engine):
                    self.beats.append(end)
                with reading(context.engine) as session:
                    every = standings.all(session, sparklines=False)
                self.standings |= {(end, standing.slo): standing for standing in every}
            self.engine_told(context.engine)

    def engine_told(self, engine) -> None:
        with reading(engine) as session:
            self.messages = outbox.listed(session, limit=1000)[::-1]
            self.history = alerts.history(session, limit=1000)[::-1]
            self.incidents = incidents.many(session, limit=1000)[::-1]

    def told(self, *kinds: str) -> dict[str, float]:
        """When an SLO was first told of by messages of these kinds."""
        found: dict[str, float] = {}
        for m in self.messages:
            if m.facts.kind in kinds:
                for slo in m.facts.slos:
                    found.setdefault(slo, m.created_at)
        return found

    def incidents_of(self, slo: str):
        return [i for i in self.incidents if slo in {s.slo for s in i.slos}]

    def frozen(self, end: int, slo: str) -> dict[str, str]:
        """The rules of an SLO that a standing says are frozen, and why."""
        return {a.rule: a.frozen for a in self.standings[end, slo].alerts if a.frozen}

    def fired(self, slo: str) -> dict[str, int]:
        """When a rule of an SLO first fired."""
        found: dict[str, int] = {}
        for t in self.history:
            if t.slo == slo and t.change == "fires":
                found.setdefault(t.rule, t.decided_at)
        return found


def settings_yaml(url: str, database_url: str, services, more: str = "") -> str:
    return (
        f"prometheus: {{url: '{url}', lag: 15s, timeout: 2s}}\n"
        f"database: {{url: '{database_url}'}}\n{more}"
        "receivers: {hook: {type: webhook, url: 'https://hook.example.com/x'}}\n"
        "routes: {page: [hook], ticket: [hook]}\nservices:\n" + "".join(s.yaml() for s in services)
    )


def prometheus(folder, services, silent=lambda _at: False) -> PrometheusServer:
    metrics = OpenMetrics()
    for service in services:
        service.write(metrics, silent)
    return PrometheusServer(folder, openmetrics=metrics, flags=[FOREVER])


DOWN = (
    *(
        Service(
            f"at-{s}-every-{every}-from-{p}", from_then_on("down", BREAK + s), every=every, phase=p
        )
        for s in (1, 14, 31, 44, 59)
        for every, p in ((15, 4), (60, 21), (60, 44))
    ),
    Service("latency", from_then_on("down", BREAK + 20), LATENCY),
    Service("mean", from_then_on("down", BREAK + 20), MEAN),
    Service("back", from_then_on("down", BREAK + 20, BREAK + 1800)),
)
"""Services that are down while their Prometheus is well."""

OTHERS = (
    Service("partly", from_then_on("down", BREAK, numbers=(1,))),
    Service("mute", from_then_on("mute", BREAK)),
    Service("short", from_then_on("down", BREAK, BREAK + 150)),
    Service("ticket", from_then_on("down", BREAK), more="no_data: ticket"),
    Service("ignored", from_then_on("down", BREAK), more="no_data: ignore"),
    Service("left", from_then_on("left", BREAK)),
    Service("gauge", from_then_on("left", BREAK), GAUGE),
    Service("estimated", from_then_on("left", BREAK), QUERY),
    Service("gauge-bad", from_then_on("left", BREAK), GAUGE, more="no_data: bad"),
)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """An hour and more after the services broke; the service itself restarts in between."""
    folder = tmp_path_factory.mktemp("down")
    services = [*DOWN, *OTHERS]
    with prometheus(folder / "prometheus", services) as server:
        yaml = settings_yaml(server.url, f"sqlite:///{folder / 'slo.db'}", services)
        watch = Watch(yaml)
        watch.run(FROM, BREAK + 3 * MINUTE)
        watch.run(BREAK + 4 * MINUTE, BREAK + 20 * MINUTE)
        watch.run(BREAK + 21 * MINUTE, BREAK + 50 * MINUTE)
    return watch


@pytest.mark.parametrize("service", DOWN, ids=lambda s: s.job)
def test_a_service_that_is_down_pages_before_five_minutes_have_passed(watched, service):
    paged = watched.told("opened")[service.slo]
    went_down = next(s for s in range(BREAK, BREAK + 60) if service.fate(0, s + 1) == "down")
    assert 60 < paged - went_down <= 300
    (page,) = [m for m in watched.messages if service.slo in m.facts.slos][:1]
    assert page.facts.severity == "page"
    assert "every target is down since" in page.facts.summary


def test_it_is_told_once_and_its_end_too(watched):
    told = [m for m in watched.messages if "back/slo" in m.facts.slos]
    assert [m.facts.kind for m in told] == ["opened", "resolved"]
    stays = [m for m in watched.messages if "latency/slo" in m.facts.slos]
    assert [m.facts.kind for m in stays] == ["opened"]
    assert [i.status for i in watched.incidents_of("back/slo")] == ["resolved"]
    assert [i.status for i in watched.incidents_of("latency/slo")] == ["open"]


def test_each_service_that_is_down_has_one_incident(watched):
    assert {s.slo: len(watched.incidents_of(s.slo)) for s in DOWN} == {s.slo: 1 for s in DOWN}


@pytest.mark.parametrize("job", ["partly", "mute", "short", "ignored"])
def test_nobody_is_told_of_what_is_not_down(watched, job):
    assert f"{job}/slo" not in watched.told("opened")
    assert watched.fired(f"{job}/slo") == {}


def test_no_data_ticket_makes_a_ticket_of_it(watched):
    (told,) = [m for m in watched.messages if "ticket/slo" in m.facts.slos]
    assert (told.facts.kind, told.facts.severity) == ("opened", "ticket")


@pytest.mark.parametrize("job", ["left", "gauge", "estimated"])
def test_what_left_prometheus_is_a_ticket_after_ten_minutes(watched, job):
    told = [m for m in watched.messages if f"{job}/slo" in m.facts.slos]
    assert [(m.facts.kind, m.facts.severity) for m in told] == [("opened", "ticket")]
    # Without a mark of its end, a gauge is answered for five minutes more.
    assert 9 * MINUTE < told[0].created_at - BREAK <= 16 * MINUTE
    assert set(watched.fired(f"{job}/slo")) == {"gone"}


def test_a_gauge_without_data_burns_where_that_is_bad(watched):
    assert watched.fired("gauge-bad/slo")["page-1h"] - BREAK < 10 * MINUTE


SLOW = tuple(
    Service(f"at-{s}", from_then_on("down", BREAK + s), every=60, phase=21)
    for s in (0, 20, 21, 22, 40, 59)
)
"""Down, and all that their Prometheus scrapes it scrapes in the same second of a minute."""


def test_down_pages_in_time_where_everything_is_scraped_once_a_minute(tmp_path):
    with prometheus(tmp_path / "prometheus", SLOW) as server:
        watch = Watch(settings_yaml(server.url, f"sqlite:///{tmp_path / 'slo.db'}", SLOW))
        watch.run(FROM, BREAK + 10 * MINUTE)
    late = {slo: at - BREAK for slo, at in watch.told("opened").items()}
    assert len(late) == len(SLOW)
    assert {slo: at for slo, at in late.items() if at > 300 + int(slo[3:-4])} == {}


HOLE = BREAK, BREAK + 60 * MINUTE
"""When the Prometheus of these services is down."""

AFTER = HOLE[1] + 33 * MINUTE
"""The last bucket that is booked of them."""

BLIND = (
    Service("serves", lambda *_: "serves"),
    Service("fails", from_then_on("errors", BREAK + 600, BREAK + 1200)),
    Service("dies", from_then_on("down", BREAK + 600, BREAK + 1200)),
    Service("burns", from_then_on("errors", BREAK - 600)),
    Service("gauge", lambda *_: "serves", GAUGE),
    Service("estimated", lambda *_: "serves", QUERY),
)


def in_hole(at: float) -> bool:
    return HOLE[0] < at <= HOLE[1]


@pytest.fixture(scope="module", params=["refuses", "answers-and-is-silent"])
def hour(request, tmp_path_factory):
    """A Prometheus that is down for an hour, or that runs and scrapes nothing."""
    folder = tmp_path_factory.mktemp(request.param)
    with prometheus(folder / "prometheus", BLIND, in_hole) as server:

        def each(end):
            if request.param == "refuses" and end == HOLE[0] + MINUTE:
                server.stop()
            if request.param == "refuses" and end == HOLE[1] + MINUTE:
                server.restart()

        watch = Watch(settings_yaml(server.url, f"sqlite:///{folder / 'slo.db'}", BLIND))
        watch.run(FROM, HOLE[0] + 20 * MINUTE, each)
        watch.run(HOLE[0] + 21 * MINUTE, AFTER, each)
    return watch


def test_a_prometheus_that_is_down_for_an_hour_pages_for_no_slo_and_is_told_once(hour):
    # What failed meanwhile is known once it is back, and is no reason to wake anybody.
    others = [m for m in hour.messages if "burns/slo" not in m.facts.slos]
    assert {(m.facts.severity, *m.facts.slos) for m in others} == {
        ("page",),
        ("ticket", "fails/slo"),
    }
    own = [m for m in others if m.facts.severity == "page"]
    assert [(m.receiver, m.facts.kind) for m in own] == [
        ("hook", "system"),
        ("hook", "system-over"),
    ]
    silent, back = own
    assert silent.facts.dedup_key == back.facts.dedup_key
    assert 9 * MINUTE <= silent.created_at - HOLE[0] <= 12 * MINUTE
    assert 0 <= back.created_at - HOLE[1] <= 3 * MINUTE


def test_the_heart_rests_from_the_own_alert_until_prometheus_is_back(hour):
    silent = next(m for m in hour.messages if m.facts.kind == "system")
    missed = set(range(FROM, AFTER + 1, MINUTE)) - set(hour.beats)
    assert min(missed) == silent.created_at - 16
    # The cycle that books the hour's last bucket sees what is scraped after it.
    assert HOLE[1] - MINUTE <= max(missed) <= HOLE[1] + 2 * MINUTE
    assert missed == set(range(min(missed), max(missed) + 1, MINUTE))


def test_no_rule_but_that_for_silence_changes_while_prometheus_is_down(hour):
    # The last buckets before it are decided in its first minutes.
    inside = [t for t in hour.history if HOLE[0] + 3 * MINUTE <= t.decided_at <= HOLE[1]]
    assert {(t.slo, t.rule, t.change) for t in inside} == {
        (service.slo, "blind", "fires") for service in BLIND
    }
    assert {t.incident for t in hour.history if t.rule == "blind"} == {None}
    over = {t.slo for t in hour.history if (t.rule, t.change) == ("blind", "resolves")}
    assert over == {service.slo for service in BLIND}


def test_what_fired_before_stands_frozen_for_the_hour_and_is_not_told_again(hour):
    told = [
        (m.facts.kind, m.created_at < HOLE[0]) for m in hour.messages if "burns/slo" in m.facts.slos
    ]
    assert told == [("opened", True)]
    assert len(hour.incidents_of("burns/slo")) == 1
    changes = {t.rule: t.change for t in hour.history if t.slo == "burns/slo"}
    assert changes["page-1h"] == changes["page-6h"] == "fires"
    for minute in (15, 59):
        frozen = hour.frozen(HOLE[0] + minute * MINUTE, "burns/slo")
        assert {"page-1h", "page-6h"} <= set(frozen)
        notes = hour.standings[HOLE[0] + minute * MINUTE, "burns/slo"].notes
        assert any(note.kind == "frozen" and "page-1h" in note.text for note in notes)
    # Once the step across the gap has left its short window, the slow rule decides again.
    assert "page-6h" not in hour.frozen(HOLE[1] + 32 * MINUTE, "burns/slo")


def test_all_is_booked_once_prometheus_is_back_and_no_rule_has_fired_by_the_gap(hour):
    caught_up = hour.standings[HOLE[1] + 5 * MINUTE, "serves/slo"]
    assert caught_up.at == HOLE[1] + 5 * MINUTE
    assert caught_up.data == "fresh"
    fired = {
        t.rule
        for t in hour.history
        if t.change == "fires" and t.slo not in {"fails/slo", "burns/slo"}
    }
    assert fired == {"blind"}


RESTART = BREAK, BREAK + 7 * MINUTE
"""When the Prometheus of these services restarts, and is away."""

RESTARTED = (
    Service("well", lambda *_: "serves"),
    Service("fired-before", from_then_on("errors", BREAK - 600)),
    Service("began-meanwhile", from_then_on("errors", BREAK + 200)),
    Service("began-after", from_then_on("errors", RESTART[1] + 60)),
    Service("over-meanwhile", from_then_on("errors", BREAK - 600, BREAK + 200)),
    Service("down-before", from_then_on("down", BREAK - 90)),
    Service("down-meanwhile", from_then_on("down", BREAK + 200)),
)


def in_restart(at: float) -> bool:
    return RESTART[0] < at <= RESTART[1]


@pytest.fixture(scope="module")
def restarted(tmp_path_factory):
    """Half an hour after a Prometheus was away for seven minutes."""
    folder = tmp_path_factory.mktemp("restarted")
    with (
        prometheus(folder / "prometheus", RESTARTED, in_restart) as server,
        FaultServer(forward(server.url)) as proxy,
    ):

        def each(end):
            proxy.behaviour = close_silently if in_restart(end) else forward(server.url)

        watch = Watch(settings_yaml(proxy.url, f"sqlite:///{folder / 'slo.db'}", RESTARTED))
        watch.run(FROM, RESTART[1] + 40 * MINUTE, each)
    return watch


@pytest.mark.parametrize(
    ("job", "after"),
    [
        ("began-meanwhile", 7),
        ("began-after", 7),
        ("down-before", 4),
        ("down-meanwhile", 5),
    ],
)
def test_what_goes_on_after_prometheus_was_away_pages(restarted, job, after):
    pages = [m for m in restarted.messages if f"{job}/slo" in m.facts.slos]
    assert [(m.facts.kind, m.facts.severity) for m in pages if m.facts.kind != "raised"] == [
        ("opened", "page")
    ]
    assert 0 < pages[0].created_at - RESTART[1] <= after * MINUTE


def test_the_slow_rule_pages_by_the_step_across_the_gap_and_the_fast_one_minutes_later(restarted):
    fired = restarted.fired("began-meanwhile/slo")
    assert 0 < fired["page-6h"] - RESTART[1] <= 2 * MINUTE
    assert 0 < fired["page-1h"] - RESTART[1] <= 7 * MINUTE
    frozen = restarted.frozen(RESTART[1] + 2 * MINUTE, "began-meanwhile/slo")
    assert "across a gap" in frozen["page-1h"]
    assert "page-6h" not in frozen


def test_what_fired_before_prometheus_was_away_is_not_told_again(restarted):
    told = [m for m in restarted.messages if "fired-before/slo" in m.facts.slos]
    assert [m.facts.kind for m in told] == ["opened"]
    assert told[0].created_at < BREAK
    assert [t.change for t in restarted.history if t.slo == "fired-before/slo"].count("fires") == (
        len(restarted.fired("fired-before/slo"))
    )
    changes = {t.change for t in restarted.history if t.slo == "fired-before/slo"}
    assert changes == {"fires"}


def test_what_ended_while_prometheus_was_away_resolves(restarted):
    told = [m for m in restarted.messages if "over-meanwhile/slo" in m.facts.slos]
    assert told[0].facts.kind == "opened"
    closed = {
        t.rule for t in restarted.history if (t.slo, t.change) == ("over-meanwhile/slo", "resolves")
    }
    assert "page-1h" in closed


def test_seven_minutes_without_prometheus_are_told_to_nobody(restarted):
    assert not [m for m in restarted.messages if not m.facts.slos]
    assert "well/slo" not in restarted.told("opened")
    assert set(range(FROM, RESTART[1], MINUTE)) <= set(restarted.beats)


@pytest.mark.parametrize("store", ["sqlite_url", "postgresql_url"])
def test_processes_that_find_the_same_silence_at_once_tell_it_once(request, store):
    database_url = request.getfixturevalue(store)
    services = [Service("serves", lambda *_: "serves")]
    yaml = settings_yaml("http://127.0.0.1:1", database_url, services)
    silent = {"prometheus": Silence("connection refused")}
    with open_books(yaml) as context:
        # Makes the SLO known; there is nothing to be read.
        run_cycle(context, START, 50)
        settings, together = context.settings, Barrier(3)

        def watch(_number):
            engine = open_engine(database_url)
            try:
                for minute in range(8, 14):
                    together.wait(20)
                    now = START + minute * MINUTE
                    watch_sources(engine, settings, [], silent, now)
                    together.wait(20)
                    watch_cycles(engine, settings, START, now)
                together.wait(20)
                watch_sources(engine, settings, ["prometheus"], {}, START + 20 * MINUTE)
            finally:
                engine.dispose()

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(watch, range(3)))
        with reading(context.engine) as session:
            told = outbox.listed(session, limit=100)
    kinds = [(m.subject.partition("/")[0], m.facts.kind) for m in told]
    assert sorted(kinds) == [("cycle", "system"), ("source", "system"), ("source", "system-over")]

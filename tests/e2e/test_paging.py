"""Who is paged, and when: services that are down, a Prometheus that is, and both.

Samples of made-up services lie in a real Prometheus; cycles run over them minute by
minute, on a clock of the test's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import pytest

from slo.cycle import run_cycle
from slo.store import alerts, outbox
from slo.store.engine import reading
from slo.watching import may_beat
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
END = START + 150 * MINUTE

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

    def run(self, first: int, last: int, each=lambda _end: None) -> None:
        """A service that starts, runs for a while, and stops."""
        with open_books(self.yaml) as context:
            for end in range(first, last + 1, MINUTE):
                each(end)
                run_cycle(context, ripe(end), 50)
                if may_beat(context.engine):
                    self.beats.append(end)
            self.engine_told(context.engine)

    def engine_told(self, engine) -> None:
        with reading(engine) as session:
            self.messages = outbox.listed(session, limit=1000)[::-1]
            self.history = alerts.history(session, limit=1000)[::-1]

    def told(self, *kinds: str) -> dict[str, float]:
        """When an SLO was first told of by messages of these kinds."""
        found: dict[str, float] = {}
        for m in self.messages:
            if m.facts.kind in kinds:
                for slo in m.facts.slos:
                    found.setdefault(slo, m.created_at)
        return found

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

BLIND = (
    Service("serves", lambda *_: "serves"),
    Service("fails", from_then_on("errors", BREAK + 600, BREAK + 1200)),
    Service("dies", from_then_on("down", BREAK + 600, BREAK + 1200)),
    Service("gauge", lambda *_: "serves", GAUGE),
    Service("estimated", lambda *_: "serves", QUERY),
)


def in_hole(at: float) -> bool:
    return HOLE[0] < at <= HOLE[1]


@pytest.mark.parametrize("answers", [False, True], ids=["unreachable", "answers-and-is-silent"])
def test_a_prometheus_that_is_down_for_an_hour_pages_for_no_slo_and_is_told(tmp_path, answers):
    with (
        prometheus(tmp_path / "prometheus", BLIND, in_hole) as server,
        FaultServer(forward(server.url)) as proxy,
    ):

        def each(end):
            proxy.behaviour = (
                close_silently if in_hole(end) and not answers else forward(server.url)
            )

        watch = Watch(settings_yaml(proxy.url, f"sqlite:///{tmp_path / 'slo.db'}", BLIND))
        watch.run(FROM, HOLE[0] + 20 * MINUTE, each)
        watch.run(HOLE[0] + 21 * MINUTE, END - MINUTE, each)

    # What failed meanwhile is known once it is back, and is no reason to wake anybody.
    assert {(m.facts.severity, *m.facts.slos) for m in watch.messages} == {
        ("page",),
        ("ticket", "fails/slo"),
    }
    own = [m for m in watch.messages if m.facts.severity == "page"]
    assert [m.facts.kind for m in own] == ["system", "system-over"]
    silent, back = own
    assert not silent.facts.slos
    assert silent.facts.severity == "page"
    assert silent.facts.dedup_key == back.facts.dedup_key
    assert 9 * MINUTE <= silent.created_at - HOLE[0] <= 12 * MINUTE
    assert 0 <= back.created_at - HOLE[1] <= 3 * MINUTE
    missed = set(range(FROM, END, MINUTE)) - set(watch.beats)
    assert min(missed) == silent.created_at - 16
    assert max(missed) <= HOLE[1] + 2 * MINUTE
    fired = {t.rule for t in watch.history if t.change == "fires" and t.slo != "fails/slo"}
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


def test_what_fired_before_prometheus_was_away_is_not_told_again(restarted):
    told = [m for m in restarted.messages if "fired-before/slo" in m.facts.slos]
    assert [m.facts.kind for m in told] == ["opened"]
    assert told[0].created_at < BREAK
    assert [t.change for t in restarted.history if t.slo == "fired-before/slo"].count("fires") == (
        len(restarted.fired("fired-before/slo"))
    )


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

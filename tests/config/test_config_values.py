from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.config import Keep, Receiver, Route, load, parse
from slo.domain.duration import format_duration
from slo.domain.indicator import Events, Freshness, Latency, Mean, Query, Slices
from slo.domain.objective import format_percent
from slo.domain.selector import Matcher, Selector
from slo.domain.slo import StateBounds
from slo.domain.source import TLS
from slo.domain.window import CalendarWindow, RollingWindow

TOP = Path(__file__).parents[2]


def settings(text, env=None, file="slo.yaml"):
    return parse(text, file, env or {})


def one(indicator, **keys):
    """The SLO `api/x` with this indicator and further keys, all as YAML text."""
    lines = "".join(f"        {key}: {value}\n" for key, value in keys.items())
    text = f"services:\n  api:\n    slos:\n      x:\n        {indicator}\n{lines}"
    if "objective" not in keys:
        text += "        objective: 99%\n"
    (slo,) = settings(text).slos
    return slo


EVENTS = "events: {bad: 'errors_total', total: 'all_total'}"


def test_the_contract_of_the_design_loads():
    text = """\
prometheus:
  url: "${PROMETHEUS_URL:-http://localhost:9090}"
  timeout: 10s
  lag: 15s
database: {url: "sqlite:///slo.db"}
interval: 60s
services:
  fraud-model:
    owner: risk-ml
    runbook: https://example.com/runbooks/fraud-model
    slos:
      availability:
        objective: 99.9%
        window: 30d
        events:
          bad: 'requests_total{model="fraud",code=~"5.."}'
          total: 'requests_total{model="fraud"}'
      latency:
        objective: 99%
        latency: {histogram: 'inference_seconds{model="fraud"}', threshold: 200ms}
receivers:
  pager: {type: pagerduty, routing_key: "${PAGERDUTY_KEY}"}
routes: {page: [pager], ticket: [pager]}
"""
    found = settings(text, {"PAGERDUTY_KEY": "k" * 32})
    (source,) = found.sources
    assert (source.name, source.urls) == ("prometheus", ("http://localhost:9090",))
    assert (source.timeout, source.lag) == (timedelta(seconds=10), timedelta(seconds=15))
    assert (found.database_url, found.interval, found.max_gap) == (
        "sqlite:///slo.db",
        60,
        timedelta(days=7),
    )
    first, second = found.slos
    assert first.id == "fraud-model/availability"
    assert first.objective == Decimal("0.999")
    assert first.window == RollingWindow(timedelta(days=30))
    assert first.owner == "risk-ml"
    assert first.runbook == "https://example.com/runbooks/fraud-model"
    assert first.source == "prometheus"
    total = Selector("requests_total", (Matcher("model", "=", "fraud"),))
    assert first.indicator == Events(total, bad=total.with_matchers(Matcher("code", "=~", "5..")))
    assert second.indicator == Latency(
        Selector("inference_seconds", (Matcher("model", "=", "fraud"),)),
        timedelta(milliseconds=200),
    )
    assert found.receivers == (Receiver("pager", "pagerduty", (("routing_key", "k" * 32),)),)
    assert found.routes == (Route("page", ("pager",)), Route("ticket", ("pager",)))
    assert found.defaults == ()
    assert found.warnings == ()


def test_the_example_at_the_top_loads_without_any_variable():
    found = load(TOP / "slo.yaml", {})
    kinds = {slo.indicator.kind for slo in found.slos}
    assert kinds == {"events", "latency", "mean", "slices", "freshness", "query"}
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("indicator", "expected"),
    [
        (
            "events: {good: ok_total, total: all_total}",
            Events(Selector("all_total"), good=Selector("ok_total")),
        ),
        (
            "events: {good: 'vllm:ok_total', total: ':tf:serving:request_count'}",
            Events(Selector(":tf:serving:request_count"), good=Selector("vllm:ok_total")),
        ),
        (
            "events: {good: 'job:ok:sum', total: 'job:all:sum', recorded: true}",
            Events(Selector("job:all:sum"), good=Selector("job:ok:sum"), recorded=True),
        ),
        (
            "latency: {histogram: a_seconds_bucket, threshold: 1s, round: down}",
            Latency(Selector("a_seconds"), timedelta(seconds=1), rounding="down"),
        ),
        (
            "latency: {histogram: a_ms, threshold: 20ms, round: up}",
            Latency(Selector("a_ms"), timedelta(milliseconds=20), "milliseconds", "up"),
        ),
        (
            "latency: {histogram: a_us_bucket, threshold: 20us}",
            Latency(Selector("a_us"), timedelta(microseconds=20), "microseconds"),
        ),
        (
            "latency: {histogram: a_seconds, threshold: 1s, unit: milliseconds}",
            Latency(Selector("a_seconds"), timedelta(seconds=1), "milliseconds"),
        ),
        (
            "mean: {summary: a_milliseconds_sum, threshold: 150ms}",
            Mean(Selector("a_milliseconds"), timedelta(milliseconds=150), "milliseconds"),
        ),
        (
            "mean: {summary: tokens, threshold: 1s, unit: seconds}",
            Mean(Selector("tokens"), timedelta(seconds=1)),
        ),
        ("slices: {query: min(acc), at_least: 95%}", Slices("min(acc)", at_least=Decimal("0.95"))),
        ("slices: {query: acc, at_least: 1e2}", None),
        ("slices: {query: queue, at_most: -3}", Slices("queue", at_most=Decimal(-3))),
        ("freshness: {timestamp: t, max_age: 1h30m}", Freshness("t", timedelta(minutes=90))),
        (
            "query: {bad: 'increase(b[$window])', total: 'increase(t[$window])'}",
            Query("increase(t[$window])", bad="increase(b[$window])"),
        ),
    ],
)
def test_indicators(indicator, expected):
    if expected is None:
        with pytest.raises(ValueError, match="not a plain decimal number"):
            one(indicator)
    else:
        assert one(indicator).indicator == expected


@pytest.mark.parametrize("text", ["99.9%", "99.9", "0.999", "'99.9 %'", "'0.999'", "99.90"])
def test_one_objective_can_be_written_in_many_ways(text):
    assert one(EVENTS, objective=text).objective == Decimal("0.999")


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("7d", RollingWindow(timedelta(days=7))),
        ("month", CalendarWindow("month")),
        ("{calendar: week}", CalendarWindow("week")),
        (
            "{calendar: quarter, zone: Europe/Berlin}",
            CalendarWindow("quarter", "Europe/Berlin"),
        ),
    ],
)
def test_windows(text, window):
    assert one(EVENTS, window=text).window == window


def test_an_slo_takes_what_it_leaves_out_from_its_service_then_from_the_file():
    text = f"""\
window: 28d
services:
  api:
    owner: team-a
    description: the api
    runbook: https://example.com/api
    labels: {{team: a, tier: "1"}}
    objective: 99%
    slos:
      plain: {{{EVENTS}}}
      own:
        {EVENTS}
        objective: 98%
        window: 7d
        owner: team-b
        description: mine
        runbook: https://example.com/b
        labels: {{tier: "2"}}
  other:
    window: month
    slos: {{x: {{objective: 97%, {EVENTS}}}}}
"""
    plain, own, other = settings(text).slos
    assert (plain.owner, plain.description, plain.runbook) == (
        "team-a",
        "the api",
        "https://example.com/api",
    )
    assert (plain.objective, plain.window) == (Decimal("0.99"), RollingWindow(timedelta(days=28)))
    assert plain.labels == (("team", "a"), ("tier", "1"))
    assert (own.owner, own.description, own.runbook) == ("team-b", "mine", "https://example.com/b")
    assert (own.objective, own.window) == (Decimal("0.98"), RollingWindow(timedelta(days=7)))
    assert own.labels == (("team", "a"), ("tier", "2"))
    assert other.window == CalendarWindow("month")


def test_the_rules_of_counting_are_kept_with_the_slo():
    slo = one(
        EVENTS,
        births="count",
        ignore_labels="[pod, az, pod]",
        was="old/name",
        states="{caution: 50%, restricted: 0.2}",
    )
    assert (slo.births, slo.ignore_labels, slo.was) == ("count", ("az", "pod"), "old/name")
    assert slo.bounds == StateBounds(Decimal("0.5"), Decimal("0.2"))
    assert one(EVENTS, ignore_labels="[]").ignore_labels == ()


def test_a_source_has_every_way_to_connect_and_files_beside_the_yaml():
    text = """\
sources:
  eu:
    urls: [https://a.example.com/, "https://b.example.com/prefix"]
    lag: 0s
    scrape_interval: 30s
    headers: {X-Scope-OrgID: risk, Authorization: "${TOKEN}"}
    basic_auth: {username: slo, password: "${PASSWORD}"}
    tls: {ca: ca.pem, cert: /etc/tls/client.pem, key: keys/client.key, verify: false}
    params: {dedup: "true"}
  us: {url: "http://us:9090", bearer_token_file: token}
services:
  api:
    source: eu
    slos:
      a: {objective: 99%, events: {bad: b, total: t}}
      b: {objective: 99%, source: us, events: {bad: b, total: t}}
"""
    env = {"TOKEN": "Bearer s3cret", "PASSWORD": "pa55"}
    found = settings(text, env, "/etc/slo/slo.yaml")
    eu, us = found.sources
    assert eu.urls == ("https://a.example.com", "https://b.example.com/prefix")
    assert (eu.lag, eu.scrape_interval) == (timedelta(), timedelta(seconds=30))
    assert eu.headers == (("Authorization", "Bearer s3cret"), ("X-Scope-OrgID", "risk"))
    assert eu.basic_auth == ("slo", "pa55")
    assert eu.tls == TLS(
        "/etc/slo/ca.pem", "/etc/tls/client.pem", "/etc/slo/keys/client.key", verify=False
    )
    assert eu.params == (("dedup", "true"),)
    assert us.bearer_token_file == "/etc/slo/token"
    assert [slo.source for slo in found.slos] == ["eu", "us"]
    assert "s3cret" not in repr(found)
    assert "pa55" not in repr(found)


def test_every_kind_of_receiver():
    text = """\
SLO: {availability: 99%}
receivers:
  a: {type: pagerduty, routing_key: k}
  b: {type: alertmanager, url: "http://am:9093"}
  c: {type: slack, url: "https://hooks.example.com/c"}
  d: {type: teams, url: "https://hooks.example.com/d?sig=1"}
  e: {type: opsgenie, api_key: k}
  f: {type: email, host: smtp, port: 25, from: slo@example.com, to: [x@example.com, y@example.com]}
  g: {type: webhook, url: "https://hooks.example.com/g", secret: 0123456789abcdeg}
routes: {page: [a, b, c, d, e, f, g]}
outbound: {ports: [9093]}
"""
    found = settings(text)
    options = {receiver.type: dict(receiver.options) for receiver in found.receivers}
    assert options["email"] == {
        "from": "slo@example.com",
        "host": "smtp",
        "port": "25",
        "to": ("x@example.com", "y@example.com"),
    }
    assert options["webhook"] == {
        "url": "https://hooks.example.com/g",
        "secret": "0123456789abcdeg",
    }
    assert found.routes == (Route("page", tuple("abcdefg")),)
    assert found.warnings == ()


def test_what_is_declared_and_never_used_is_a_warning():
    text = """\
sources: {eu: {url: "http://eu"}, us: {url: "http://us"}}
services: {api: {source: eu, SLO: {availability: 99%}}}
receivers: {chat: {type: slack, url: "https://hooks.example.com/c"}}
"""
    assert settings(text).warnings == (
        "sources/us is read by no SLO",
        "receivers/chat gets nothing, since no route names it",
    )


SHORT = "SLO: {availability: 99%}\n"


@pytest.mark.parametrize(
    ("text", "interval", "keep"),
    [
        ("", 60, [(3, 300), (35, 3600), (400, 86400)]),
        ("interval: 5m", 300, [(35, 3600), (400, 86400)]),
        ("interval: 10s", 10, [(3, 300), (35, 3600), (400, 86400)]),
        ("keep: {1m: 2d, 10m: 20d, 1d: forever}", 60, [(2, 600), (20, 86400)]),
        ("keep: {60s: forever}", 60, []),
        ("interval: 30s\nkeep: {30s: 1d, 5m: forever}", 30, [(1, 300)]),
    ],
)
def test_interval_and_keep(text, interval, keep):
    found = settings(f"{SHORT}{text}\n")
    assert found.interval == interval
    assert {slo.bucket for slo in found.slos} == {interval}
    assert found.keep == tuple(
        Keep(timedelta(days=days), timedelta(seconds=every)) for days, every in keep
    )


def test_anchors_aliases_and_merge_keys_work():
    text = """\
services:
  a:
    slos:
      x: &base
        objective: 99%
        window: 7d
        events: {bad: b, total: t}
      y: {<<: *base, window: 28d}
  b: {slos: {x: *base}}
"""
    found = settings(text).slos
    assert [(slo.id, slo.window.label()) for slo in found] == [
        ("a/x", "7d"),
        ("a/y", "28d"),
        ("b/x", "7d"),
    ]


@pytest.mark.parametrize(
    ("written", "env", "filled"),
    [
        ('"${A}"', {"A": "b"}, "b"),
        ("'${A:-d}'", {}, "d"),
        ("'${A:-d}'", {"A": ""}, "d"),
        ('"x${A:-}y"', {}, "xy"),
        ('"${A}${B}"', {"A": "1", "B": "${A}"}, "1${A}"),
        ('"$$A $${A} $1 5$"', {}, "$A ${A} $1 5$"),
        ('"${A}"', {"A": "x\nslos: {}"}, "x\nslos: {}"),
    ],
)
def test_variables_fill_scalars_only_and_once(written, env, filled):
    text = f"services: {{api: {{description: {written}, SLO: {{availability: 99%}}}}}}"
    (slo,) = settings(text, env).slos
    assert slo.description == filled
    assert type(slo.description) is str


def test_windows_line_ends_and_a_byte_order_mark_are_no_faults(tmp_path):
    path = tmp_path / "slo.yaml"
    path.write_bytes(b"\xef\xbb\xbfSLO:\r\n  availability: 99.9%\r\n")
    assert [slo.id for slo in load(path, {}).slos] == ["default/availability"]


@given(st.decimals("0.0001", "0.9999", places=4))
def test_a_shown_objective_is_read_back(objective):
    assert one(EVENTS, objective=format_percent(objective)).objective == objective


@given(st.integers(1, 10**8))
def test_a_shown_window_is_read_back(seconds):
    length = timedelta(seconds=seconds)
    assert one(EVENTS, window=format_duration(length)).window == RollingWindow(length)


label_values = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)


@given(label_values)
def test_a_written_selector_is_read_back(value):
    selector = Selector("a_total", (Matcher("b", "=", value),))
    quoted = str(selector).replace("$", "$$").replace("'", "''")
    assert one(f"events: {{bad: '{quoted}', total: t}}").indicator.bad == selector


def test_a_thousand_slos_load_fast_enough_to_do_so_at_each_start():
    services = "".join(
        f"  s{i}: {{slos: {{a: {{objective: 99.9%, events: "
        f'{{bad: \'x{{a="{i}",code=~"5.."}}\', total: \'x{{a="{i}"}}\'}}}}}}}}\n'
        for i in range(1000)
    )
    started = time.process_time()
    assert len(settings(f"services:\n{services}").slos) == 1000
    assert time.process_time() - started < 3  # About 0.2 s; the rest is for slow machines.

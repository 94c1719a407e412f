"""The table of `slo status`, over standings in every state."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console

from slo.cli import show
from slo.cli.status import forecast, show_alerts, table_of
from slo.domain.span import Span
from slo.domain.standing import BURN_SPANS, Budget, Note, Standing, StandingAlert
from slo.store import slos, standings
from slo.store.engine import open_engine, writing

AT = 1795204800
DAY = 86_400


def standing(slo="fraud-model/availability", remaining=0.4277, **changes):
    service, _, name = slo.partition("/")
    total = 51_842_221.0
    bad = round((1 - remaining) * 0.001 * total)
    made = Standing(
        slo=slo,
        service=service,
        name=name,
        objective=Decimal("0.999"),
        indicator="events",
        indicator_text="inference requests",
        estimated=False,
        slices=False,
        window_kind="rolling",
        window_label="30d",
        window=Span(AT - 30 * DAY, AT),
        at=AT,
        good=total - bad,
        bad=float(bad),
        total=total,
        sli=1 - bad / total,
        budget=Budget(0.001 * total, float(bad), remaining),
        burn_rates=tuple((name, 14.2) for name, _ in BURN_SPANS),
        coverage=1.0,
        state="healthy",
        data="fresh",
        exhausted_at=AT + 12 * DAY,
        last_data=AT,
        fresh_for=195,
    )
    return replace(made, **changes)


def printed(found, width=100, **kwargs):
    out = io.StringIO()
    console = Console(file=out, width=width, **kwargs)
    console.print(table_of(found, AT, width))
    return out.getvalue()


def every_state():
    return [
        standing(),
        standing("fraud-model/latency", 0.041, state="restricted", exhausted_at=AT + 5 * DAY),
        standing("fraud-model/accuracy", -0.289, state="exhausted", exhausted_at=AT - 3 * 3600),
        standing("search/latency", 0.21, state="caution", exhausted_at=None),
        standing("search/new", state="new", budget=Budget(0.0, 0.0, None), sli=None),
    ]


def test_usual_ids_and_counts_stay_whole_at_100_columns():
    lines = printed(every_state()).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) == 2 + 5
    assert "fraud-model/availability" in lines[2]
    assert "29,669 / 51,842,221" in lines[2]
    assert lines[2].rstrip().endswith("in 12 d")
    assert "-28.9%" in lines[4]


def test_numbers_are_aligned():
    lines = printed([standing(), standing("a/b", bad=7.0, total=12.0)]).splitlines()[2:]
    assert lines[0].index(" / ") + len("51,842,221") == lines[1].index(" / ") + len("12")
    assert len(lines[0]) == len(lines[1])


def test_stale_data_get_a_column_of_their_own():
    assert "Data" not in printed(every_state())
    text = printed([*every_state(), standing("a/b", data="none", paused=True)], 120)
    assert "Data" in text
    assert "paused" in text


def test_states_are_coloured_on_a_terminal_only(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in printed(every_state(), force_terminal=True, color_system="standard")
    assert "\x1b[" not in printed(every_state())
    monkeypatch.setenv("NO_COLOR", "1")
    coloured = printed(every_state(), force_terminal=True, color_system="standard")
    assert "\x1b[3" not in coloured


def test_estimates_and_projections_are_marked():
    text = printed(
        [standing(estimated=True, budget=Budget(51842.0, 29669.0, 0.4277, projected=True))]
    )
    assert "~99.943%" in text
    assert "~42.8%" in text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"exhausted_at": None}, "within"),
        ({"exhausted_at": AT + 3 * 3600}, "in 3 h"),
        ({"budget": Budget(1.0, 2.0, -1.0), "exhausted_at": AT - 26 * 60}, "gone 26 min"),
        ({"budget": Budget(1.0, 2.0, -1.0), "exhausted_at": None}, "gone"),
        ({"budget": Budget(0.0, 0.0, None)}, "no events"),
    ],
)
def test_the_forecast_is_two_words(changes, told):
    assert forecast(standing(**changes), AT) == told


def test_a_terminal_without_unicode_gets_ascii(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert {show.icon(state) for state in show.STYLES} == set("-+~!x")
    show.console().print("wide: 日本")


@pytest.fixture
def stored(offline):
    """A project whose store holds standings, one of an SLO that is no longer declared."""
    offline.run("db", "upgrade")
    engine = open_engine(f"sqlite:///{offline.folder}/slo.db")
    note = Note("skew", "samples fell without a restart")
    found = [
        standing("api/availability", notes=(note,), last_data=0),
        standing("api/latency", notes=(note,)),
        standing("gone/one"),
    ]
    with writing(engine) as session:
        for one in found:
            session.execute(
                slos._s.insert().values(service=one.service, name=one.name, created_at=AT)
            )
        standings.put(session, [(one, None) for one in found])
    engine.dispose()
    return offline


def test_declared_ones_are_shown_and_the_rest_is_named(stored):
    lines = stored.run("status").stdout.splitlines()
    assert [line.split()[3] for line in lines[2:4]] == ["api/availability", "api/latency"]
    assert "skew  api/availability and 1 more: samples fell without a restart" in lines
    assert lines[-2].startswith("Nothing booked yet: api/quality.")
    assert lines[-1] == "Paused, since no longer in slo.yaml: gone/one"


def test_a_fault_is_told_of_those_that_have_it_only(stored):
    engine = open_engine(f"sqlite:///{stored.folder}/slo.db")
    faults = {"api/availability": "unauthorized", "api/latency": "no such bucket"}
    found = [standing(name, notes=(Note("fault", text),)) for name, text in faults.items()]
    with writing(engine) as session:
        standings.put(session, [(one, None) for one in found])
    engine.dispose()
    lines = stored.run("status").stdout.splitlines()
    assert "fault  api/availability: unauthorized" in lines
    assert "fault  api/latency: no such bucket" in lines


def test_one_that_is_gone_is_shown_when_asked_for(stored):
    assert "paused" in stored.run("status", "gone/one").stdout
    refused = stored.run("status", "gone/one", "--at", "2026-11-01", code=2)
    assert "no longer in slo.yaml" in refused.stderr
    assert "did you mean api/latency" in stored.run("status", "api/latnecy", code=2).stderr


def test_json_is_the_contract(stored):
    body = json.loads(stored.run("status", "--json").stdout)
    assert [slo["slo"] for slo in body["slos"]] == ["api/availability", "api/latency"]
    assert {"at", "slos"} == set(body)
    assert body["slos"][0]["budget"]["remaining"] == 0.4277
    # The standing was fresh when it was written; by today's clock it is not.
    assert body["slos"][0]["data"] == "none"


def test_a_pipe_s_lines_are_never_folded(stored):
    lines = stored.run("status", env={"COLUMNS": "40"}).stdout.splitlines()
    assert "29,669 / 51,842,221" in lines[2]


def test_what_fires_is_told_below_the_table_and_pages_come_first():
    slow = StandingAlert("ticket-1d", "burn", "ticket", AT - 60, "burned 3x over 1d")
    fast = StandingAlert("page-1h", "burn", "page", AT, "burned 15x over 1h")
    still = StandingAlert("page-6h", "burn", "page", None, "", "the newest bucket has no data")
    found = [
        standing("a/slow", alerts=(slow, still)),
        standing("b/fast", alerts=(fast,), incident=7),
    ]
    out = io.StringIO()
    show_alerts(Console(file=out, width=200), found)
    assert out.getvalue().splitlines() == [
        "page  b/fast: page-1h fires since 2026-11-20T20:00:00Z (incident 7): burned 15x over 1h",
        "ticket  a/slow: ticket-1d fires since 2026-11-20T19:59:00Z: burned 3x over 1d",
    ]

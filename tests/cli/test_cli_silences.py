"""`slo silence`, `slo exclude` and `slo alerts`."""

from __future__ import annotations

import getpass
import json
import shutil
import time
from datetime import UTC, datetime

import pytest

from slo.domain.alert import AlertState, Transition
from slo.domain.policy import Policy
from slo.store import alerts, policies
from slo.store.engine import open_engine, writing
from tests.support.stores import empty_store

WHY = ("--why", "a test")
SUNDAYS = (
    *("--rrule", "FREQ=WEEKLY;BYDAY=SU", "--start", "2026-01-04T02:00", "--for", "2h"),
    *("--zone", "Europe/Berlin", "--category", "maintenance", *WHY),
)


@pytest.fixture
def known(offline):
    """A project with a database and no ledger."""
    empty_store(offline.folder / "slo.db").dispose()
    return offline


@pytest.fixture
def own(booked, project):
    """A project with a booked ledger of its own."""
    shutil.copy(booked.folder / "slo.db", project.folder / "slo.db")
    project.start, project.end = booked.start, booked.end
    return project


def utc(instant):
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(project, *args):
    return json.loads(project.run(*args, "list", "--json").stdout)


def transition(slo, rule, change, at, *, late=False):
    severity = rule.partition("-")[0]
    reason = f"{rule} {change}"
    return Transition(slo, rule, "burn", severity, change, at, at + 16, late, reason)


def test_a_silence_is_added_listed_and_ended(known):
    added = known.run("silence", "add", "api", "--until", "2h", *WHY, "--who", "mia").stdout
    assert added.startswith("Silence 1: api/* is muted until 20")
    assert "slo silence end 1 --why TEXT" in added
    (silence,) = listed(known, "silence")["silences"]
    assert (silence["scope"], silence["who"], silence["why"]) == ("api/*", "mia", "a test")
    assert "mia" in known.run("silence", "list").stdout
    ended = known.run("silence", "end", "1", *WHY).stdout
    assert ended == "Silence 1 has ended: api/* is notified of again.\n"
    assert known.run("silence", "list").stdout == "Nothing is silenced.\n"
    assert "a test" in known.run("silence", "list", "--all").stdout


def test_who_is_the_user_unless_somebody_is_named(known, monkeypatch):
    known.run("silence", "add", "api", "--until", "2h", *WHY)
    assert listed(known, "silence")["silences"][0]["who"] == getpass.getuser()

    def nobody():
        raise KeyError("getpwuid(): uid not found: 1000")

    monkeypatch.setattr(getpass, "getuser", nobody)
    refused = known.run("silence", "add", "api", "--until", "2h", *WHY, code=2)
    assert "say --who NAME" in refused.stderr


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("api", "--until", "31d"), "--until: lies over 30d ahead"),
        (("api", "--until", "2020-01-01"), "--until: 2020-01-01T00:00:00Z is past"),
        (("api", "--until", "2h", "--label", "team"), "--label 'team' is no label"),
        (("api", "--until", "2h", "--label", "team=a"), "--label: no SLO of api/* has team=a"),
        (("apj", "--until", "2h"), "SCOPE: there is no service or SLO 'apj'; did you mean api"),
        (
            ("*", "--until", "2h"),
            "--all: is needed for *, which mutes every SLO; or name a service",
        ),
        (("api", "--until", "2h", "--all"), "--all: contradicts"),
    ],
)
def test_a_silence_that_cannot_be_names_the_option(known, args, told):
    assert told in known.run("silence", "add", *args, *WHY, code=2).stderr
    assert known.run("silence", "list", "--all").stdout == "Nothing is silenced.\n"


def test_all_is_muted_where_that_is_said(known):
    told = known.run("silence", "add", "*", "--all", "--until", "1h", *WHY).stdout
    assert told.startswith("Silence 1: every SLO is muted until")


def test_only_a_silence_that_runs_can_be_ended(known):
    assert "ID: there is no silence 7" in known.run("silence", "end", "7", *WHY, code=2).stderr


def test_an_exclusion_prints_what_changes_and_a_preview_writes_nothing(own):
    span = ("--from", own.end - 7200, "--to", own.end - 3600, "--category", "load-test")
    seen = own.run("exclude", "add", "api/availability", *span, *WHY, "--preview").stdout
    assert f"{utc(own.end - 7200)} to {utc(own.end - 3600)}" in seen
    assert "api/availability" in seen
    assert "Nothing was written" in seen
    assert own.run("exclude", "list").stdout == "Nothing is excluded.\n"
    before = own.run("status", "--at", own.end, "--json").stdout

    added = own.run("exclude", "add", "api/availability", *span, *WHY).stdout
    assert "Written as 1." in added
    (kept,) = listed(own, "exclude")["exclusions"]
    assert (kept["start"], kept["end"]) == (utc(own.end - 7200), utc(own.end - 3600))
    assert "load-test" in own.run("exclude", "list").stdout
    events = json.loads(before)["slos"][0]["events"]
    then = json.loads(own.run("status", "--at", own.end, "--json").stdout)["slos"][0]["events"]
    assert events["total"] - then["total"] == 3600 / 30 * 10 + 3600 / 30 // 20

    own.run("exclude", "remove", "1", *WHY, "--preview")
    assert len(listed(own, "exclude")["exclusions"]) == 1
    assert own.run("exclude", "remove", "1", *WHY).stdout.endswith("Removed 1.\n")
    assert own.run("status", "--at", own.end, "--json").stdout == before


def test_a_recurring_exclusion_is_kept_as_a_schedule(known):
    added = known.run("exclude", "add", "api", *SUNDAYS).stdout
    assert "No ledger is concerned yet." in added
    assert "Written as schedule/1. To take it back: slo exclude remove schedule/1" in added
    body = listed(known, "exclude")
    assert body["exclusions"] == []
    assert body["schedules"][0]["rrule"] == "FREQ=WEEKLY;BYDAY=SU"
    assert "2026-01-04T02:00:00 Europe/Berlin" in known.run("exclude", "list").stdout
    assert "schedule/1" in known.run("exclude", "list", "--occurrences", "--scope", "api").stdout
    gone = known.run("exclude", "remove", "schedule/1", "--past", *WHY).stdout
    number = body["schedules"][0]["occurrences"]
    assert gone.endswith(f"Removed schedule/1, with {number} occurrences.\n")
    assert known.run("exclude", "list").stdout == "Nothing is excluded.\n"


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("api",), "say when: --from and --to, or --rrule"),
        (("api", "--from", "2026-11-01"), "say when"),
        (("api", "--from", "2026-11-02", "--to", "2026-11-01"), "--to: must be later than from"),
        (("api", "--from", "2026-11-01", "--to", "2026-11-02", "--zone", "UTC"), "go with --rrule"),
        (("api", "--rrule", "FREQ=DAILY", "--from", "2026-11-01"), "not with --from"),
        (("api", "--rrule", "FREQ=DAILY"), "give all of them"),
        (("nope/x", "--from", "2026-11-01", "--to", "2026-11-02"), "SCOPE: there is no service"),
        (
            (
                "api",
                "--rrule",
                "FREQ=HOURLY",
                "--start",
                "2026-11-01",
                "--for",
                "1h",
                "--zone",
                "UTC",
            ),
            "--rrule: FREQ must be one of",
        ),
        (
            (
                "api",
                "--rrule",
                "FREQ=DAILY",
                "--start",
                "2026-11-01",
                "--for",
                "x",
                "--zone",
                "UTC",
            ),
            "--for: 'x' is not a duration",
        ),
    ],
)
def test_an_exclusion_that_cannot_be_names_the_option(known, args, told):
    refused = known.run("exclude", "add", *args, "--category", "other", *WHY, code=2)
    assert told in refused.stderr


def test_what_is_not_excluded_cannot_be_removed(known):
    refused = known.run("exclude", "remove", "5", *WHY, code=2)
    assert "ID: there is no exclusion 5; `slo exclude list` shows all" in refused.stderr


def test_alerts_are_told_with_what_fires_on_top(own):
    assert own.run("alerts").stdout.startswith("No alert fires.")
    now = int(time.time()) // 60 * 60
    late = transition("api/latency", "page-1h", "fires", now - 7200, late=True)
    ends = transition("api/latency", "page-1h", "resolves", now - 3600)
    other = transition("api/quality", "ticket-3d", "fires", now - 600)
    engine = open_engine(f"sqlite:///{own.folder}/slo.db")
    with writing(engine) as session:
        rows = policies.ensure(
            session, {s: Policy(()) for s in ("api/latency", "api/quality")}, now
        )
        *_, last = alerts.add(session, [late, ends, other], rows)
        state = AlertState(
            "ticket-3d",
            "burn",
            "ticket",
            firing=True,
            since=now - 600,
            frozen="no data for 3m",
            reason="burns 2x",
            alert=last.id,
        )
        alerts.put_states(session, {"api/quality": [state]})
    engine.dispose()
    lines = own.run("alerts").stdout.splitlines()
    assert lines[1].split()[0] == utc(now - 600)
    assert "api/quality" in lines[1]
    assert lines[1].endswith("burns 2x; frozen: no data for 3m")
    history = [line for line in lines[2:] if "api/" in line]
    assert "fires" in history[0]
    assert "resolves" in history[1]
    assert "60 min" in history[1] or "1 h" in history[1]
    assert "fires (late)" in history[2]
    assert len(own.run("alerts", "--slo", "api/latency", "--from", "90m").stdout.splitlines()) == 4
    body = json.loads(own.run("alerts", "--severity", "page", "--json").stdout)
    assert [t["change"] for t in body["history"]] == ["resolves", "fires"]
    assert body["firing"] == []


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--slo", "api/latncy"), "did you mean api/latency"),
        (("--service", "apj"), "there is no service 'apj'"),
        (("--from", "then"), "--from: 'then' is not a time"),
    ],
)
def test_alerts_of_what_there_is_not_are_refused(known, args, told):
    assert told in known.run("alerts", *args, code=2).stderr

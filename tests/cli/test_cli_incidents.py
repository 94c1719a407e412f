from __future__ import annotations

import json
import time

import pytest

from slo.store import incidents
from slo.store.engine import open_engine, writing
from tests.incidents import world as worlds
from tests.incidents.world import ONE, TWO, World
from tests.support.stores import empty_store


@pytest.fixture
def project(offline, monkeypatch):
    """A project whose store has one open incident and one that is resolved."""
    monkeypatch.setattr(worlds, "AT", int(time.time()) - 3600)
    engine = empty_store(offline.folder / "slo.db")
    made = World(engine)
    made.put(made.fires(ONE, -9000))
    made.put(made.resolves(ONE, -6000))
    made.put(made.fires(ONE, 0), made.fires(TWO, 60))
    yield offline
    engine.dispose()


def incident(project, number):
    return json.loads(project.run("incidents", "show", number, "--json").output)


def test_lists_show_what_is_open_and_was(project):
    every = project.run("incidents", "list").output.splitlines()
    assert [line.split()[:2] for line in every[1:]] == [["2", "open"], ["1", "resolved"]]
    current = json.loads(project.run("incidents", "list", "--open", "--json").output)
    assert [i["id"] for i in current["incidents"]] == [2]
    assert "no such incidents" in project.run("incidents", "list", "--slo", "no/such").output


def test_an_incident_lasted_from_where_its_burn_began(project):
    engine = open_engine(f"sqlite:///{project.folder / 'slo.db'}")
    with writing(engine) as session:
        incidents.change(session, 1, started_at=worlds.AT - 9600)
    engine.dispose()
    listed = project.run("incidents", "list").output
    assert "1 h" in listed.splitlines()[-1]


def test_one_is_shown_with_its_times_evidence_and_timeline(project):
    text = project.run("incidents", "show", 1).output

    assert "Incident 1: svc/one burns its error budget 15x too fast" in text
    assert "Time to detect       0 s, from where the burn began until the alert" in text
    assert "Time to acknowledge  not yet" in text
    assert "Time to resolve      50 min, from where the burn began" in text
    assert "page-1h pages at a burn rate of 14.4x over both 1h and 5m" in text
    assert "requests_total" in text
    assert "resolved       SLO Ledger: None of its alerts fires any more" in text
    assert "Postmortem: draft; slo postmortem show 1" in text


def test_people_act_from_the_command_line(project):
    assert "acknowledged by mia" in project.run("incidents", "ack", 2, "--who", "mia").output
    assert "acknowledged by mia" in project.run("incidents", "ack", 2, "--who", "leo").output
    project.run("incidents", "assign", 2, "leo", "--who", "mia")
    project.run("incidents", "comment", 2, "[red]rolled\x1b back", "--who", "leo")
    project.run("incidents", "resolve", 2, "--why", "a load test", "--who", "mia")

    found = incident(project, 2)
    assert (found["status"], found["resolved_by"], found["assignee"]) == ("resolved", "mia", "leo")
    shown = project.run("incidents", "show", 2).output
    assert "leo: [red]rolled back" in shown


def test_the_user_who_runs_it_is_who(project, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ida")
    project.run("incidents", "comment", 2, "hello")

    assert incident(project, 2)["timeline"][-1]["who"] == "ida"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("ack", 1), "incident 1 is resolved"),
        (("show", 9), "there is no incident 9"),
        (("resolve", 2, "--why", " "), "why: is empty"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(project, args, message):
    answer = project.run("incidents", *args, code=2)

    assert message in answer.stderr

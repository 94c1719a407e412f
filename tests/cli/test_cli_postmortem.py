from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from slo.cli import main
from slo.domain.postmortem import ActionItem
from slo.postmortem import draft
from slo.store import action_items
from slo.store.engine import writing
from tests.postmortem.conftest import RESOLVED, book, open_incident, settings
from tests.support.stores import empty_store

CONFIG = """\
prometheus: {url: "http://127.0.0.1:9"}
database: {url: "sqlite:///FOLDER/slo.db"}
services:
  svc:
    slos:
      one:
        objective: 99.9%
        window: 30d
        events: {bad: 'requests_total{code=~"5.."}', total: 'requests_total'}
"""


@pytest.fixture
def project(tmp_path):
    """A project with the draft of incident 1; `run` runs `slo postmortem`."""
    config = tmp_path / "slo.yaml"
    config.write_text(CONFIG.replace("FOLDER", str(tmp_path)))
    engine = empty_store(tmp_path / "slo.db")
    with writing(engine) as session:
        book(session)
        draft(session, settings(), open_incident(session), RESOLVED)

    def run(*args, code=0):
        words = ["postmortem", *map(str, args)]
        result = CliRunner().invoke(main, words, env={"SLO_CONFIG": str(config)})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.output

    yield SimpleNamespace(run=run, folder=tmp_path, engine=engine)
    engine.dispose()


def test_a_postmortem_goes_from_draft_to_published(project):
    assert "svc/one burns (incident 1)" in project.run("list")
    project.run("status", 1, "review", "--who", "mia")
    refused = project.run("status", 1, "published", "--who", "leo", code=2)
    assert "needs at least one action item of priority P0" in refused
    project.run("item", "add", 1, "Limit retries", "--priority", "P0", "--who", "mia")
    assert "is now in published" in project.run("status", 1, "published", "--who", "leo")
    [listed] = json.loads(project.run("list", "--json"))["postmortems"]
    assert (listed["status"], listed["reviewed_by"]) == ("published", "leo")
    assert "There are no postmortems" in project.run("list", "--status", "draft")


def test_a_postmortem_is_shown_and_exported(project):
    shown = project.run("show", 1)
    assert shown.startswith("Postmortem of incident 1: draft, version 1 by SLO Ledger at ")
    assert "## Root causes" in shown
    assert json.loads(project.run("show", 1, "--json"))["incident"] == 1
    text = project.run("export", 1)
    assert text.startswith("# svc/one burns (incident 1)\n")
    assert shown.endswith(text)
    path = project.folder / "out.html"
    assert f"Wrote {path}" in project.run("export", 1, "--format", "html", "-o", path)
    assert path.read_text().startswith("<!doctype html>")
    assert "<svg" in path.read_text()
    assert "cannot be written" in project.run("export", 1, "-o", "/nowhere/out.md", code=1)


def test_items_are_listed_overdue_first_and_changed(project):
    now = int(time.time())
    with writing(project.engine) as session:
        for text, due in (("some day", None), ("late", "2020-01-01"), ("[bold]soon[/]", None)):
            item = ActionItem(text, due=due, owner="mia" if due else "")
            action_items.add(session, 1, item, "mia", now)
    lines = project.run("items").splitlines()
    assert "2020-01-01 overdue" in lines[1]
    assert "[bold]soon[/]" in lines[3]
    [item] = json.loads(project.run("items", "--overdue", "--json"))["items"]
    assert (item["text"], item["overdue"]) == ("late", True)
    assert "late" in project.run("items", "--owner", "mia")
    assert "no such action items" in project.run("items", "--owner", "nobody")
    told = project.run("item", "set", item["id"], "--state", "done", "--due", "", "--who", "leo")
    assert told == f"Action item {item['id']} is done, P2, without a due date.\n"
    assert "no such action items" in project.run("items", "--overdue")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("show", 7), "incident 7 has no postmortem"),
        (("item", "set", 7, "--state", "done", "--who", "mia"), "no action item 7"),
        (("item", "set", 7, "--who", "mia"), "say what to change"),
        (("item", "add", 1, "t", "--due", "soon", "--who", "mia"), "due: 'soon' is not a date"),
        (("item", "add", 1, "t"), "--who"),
        (("status", 1, "review", "--who", "SLO Ledger"), "is the service itself"),
        (("status", 1, "published", "--who", "mia"), "it can become review"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(project, args, said):
    assert said in project.run(*args, code=2)

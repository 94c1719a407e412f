"""Every change that the command line offers is in the audit, under the name of who made it."""

from __future__ import annotations

import shutil

import click
import pytest
from click.testing import CliRunner

from slo.access import logins, tokens
from slo.cli import main
from slo.store import audit, outbox
from slo.store.engine import open_engine, reading, writing
from tests.support import rich
from tests.support.logins import PASSWORD, add_user

SLO = "fraud-model/availability"
UNTIL = ("--until", "2h", "--why", "a move")
READS = {
    "alerts",
    "annotate list",
    "db backup",
    "exclude list",
    "explain",
    "gate check",
    "gate list",
    "incidents list",
    "incidents show",
    "notify list",
    "notify receivers",
    "notify show",
    "postmortem export",
    "postmortem items",
    "postmortem list",
    "postmortem show",
    "replay",
    "report",
    "schema",
    "silence list",
    "status",
    "token list",
    "user list",
    "user sessions",
    "validate",
}
WORKS = {
    "backfill": "books what Prometheus has, as the service does by itself",
    "db upgrade": "changes tables, and no value in them",
    "demo": "has a store of its own",
    "evaluate": "books what Prometheus has; what slo.yaml changes is audited there",
    "notify test": "sends a notification that says that it is a test, and is listed as one",
    "serve": "books what Prometheus has; what slo.yaml changes is audited there",
    "verify": "writes what a recount found beside the ledger, and changes nothing in it",
}
"""What writes, and yet by no decision of the person who runs it."""
CHANGES = {
    # Command: action, its arguments, and what is to be done before.
    "incidents ack": ("incident-acknowledge", ["{open}"]),
    "incidents assign": ("incident-assign", ["{open}", "eve"]),
    "incidents comment": ("incident-comment", ["{open}", "Hm."]),
    "incidents resolve": ("incident-resolve", ["{open}", "--why", "It is over."]),
    "notify resend": ("resend", ["{dead}"]),
    "notify resume": ("resume", ["hook"]),
    "silence add": ("silence", ["ranker/*", *UNTIL]),
    "silence end": ("unsilence", ["2", "--why", "done"], "silence add"),
    "annotate add": ("annotate", ["fraud-model", "--title", "v3"]),
    "annotate remove": ("unannotate", ["1"]),
    "gate open": ("open-gate", [SLO, *UNTIL]),
    "gate release": ("release-gate", ["1", "--why", "it is out"], "gate open"),
    "exclude add": (
        "exclude",
        [
            *("ranker/*", "--from", "2026-11-20T20:00:00Z", "--to", "2026-11-20T20:10:00Z"),
            *("--category", "maintenance", "--why", "a move"),
        ],
    ),
    "exclude remove": ("include", ["1", "--why", "a mistake"]),
    "correct": (
        "correct",
        [SLO, "--end", "2026-11-20T21:00:00Z", "--good", "5", "--total", "5", "--why", "late"],
    ),
    "postmortem item add": ("action-item-add", ["{resolved}", "Test."]),
    "postmortem item set": ("action-item-change", ["1", "--owner", "eve"]),
    "postmortem status": ("postmortem-status", ["{resolved}", "review"]),
    "user add": ("user-add", ["eve", "--role", "viewer", "--password-stdin"]),
    "user disable": ("user-disable", ["bo"]),
    "user enable": ("user-enable", ["bo"], "user disable"),
    "user password": ("user-password", ["bo", "--password-stdin"]),
    "user remove": ("user-remove", ["bo"]),
    "user revoke": ("sessions-revoke", ["bo"]),
    "user role": ("user-role", ["bo", "editor"]),
    "token add": ("token-add", ["ci", "--scope", "gate"]),
    "token revoke": ("token-revoke", ["{token}"]),
}


def leaves(command, *path):
    if not isinstance(command, click.Group):
        yield " ".join(path)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        yield from leaves(command.get_command(context, name), *path, name)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A folder with slo.yaml and a store with something of everything."""
    folder = tmp_path_factory.mktemp("audited")
    made = rich.make(folder / "slo.db")
    (folder / "slo.yaml").write_text(rich.yaml(rich.plain))
    engine = made.feed.engine
    add_user(engine, "ada", "admin")
    user = add_user(engine, "bo", "viewer")
    with writing(engine) as session:
        token, _ = tokens.add_token(session, "x", "read", who="tests", now=0, days=None)
        here = logins.Caller("127.0.0.1", "tests")
        logins.begin_session(session, user, here, int(made.now), how="tests")
    with reading(engine) as session:
        dead = outbox.dead_ids(session)[0]
    engine.dispose()
    return folder, {
        "{open}": made.open,
        "{resolved}": made.resolved,
        "{dead}": dead,
        "{token}": token.id,
    }


@pytest.fixture
def project(full, tmp_path, monkeypatch):
    folder, found = full
    for name in ("slo.yaml", "slo.db"):
        shutil.copy(folder / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    engine = open_engine("sqlite:///slo.db")
    yield engine, found
    engine.dispose()


def run(name, found):
    args = [str(found.get(part, part)) for part in CHANGES[name][1]]
    command = [*name.split(), *args, "--who", "mia"]
    result = CliRunner().invoke(main, command, input=f"{PASSWORD}!\n")
    assert result.exit_code == 0, result.output


def test_no_command_is_forgotten_here():
    assert set(leaves(main)) == READS | set(WORKS) | set(CHANGES)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_audited(project, name):
    engine, found = project
    for before in CHANGES[name][2:]:
        run(before, found)
    with reading(engine) as session:
        last = audit.of(session)[0].id
    run(name, found)
    with reading(engine) as session:
        new = [entry for entry in audit.of(session) if entry.id > last]
    (entry,) = [entry for entry in new if entry.action == CHANGES[name][0]]
    assert entry.who == "mia"
    assert entry.subject
    assert entry.old or entry.new or entry.detail or entry.action == "user-password"
    assert PASSWORD not in str(new)

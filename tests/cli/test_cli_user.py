"""`slo user` and `slo token`: by hand, and by scripts."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from slo.cli import main
from slo.domain.token import token_id
from slo.sent import LONGEST_WHO
from slo.store.engine import open_engine
from tests.cli.conftest import API
from tests.support.logins import PASSWORD, audited


@pytest.fixture
def engine(offline):
    """The store of the project, once a command has made it."""
    found = open_engine(f"sqlite:///{offline.folder}/slo.db")
    yield found
    found.dispose()


def run(project, *args, typed="", code=0):
    result = CliRunner().invoke(
        main, [str(a) for a in args], input=typed, env={"SLO_CONFIG": str(project.config)}
    )
    assert result.exit_code == code, result.output
    return result


def add(project, name="ada", role="admin", who="tests"):
    args = ("user", "add", name, "--role", role, "--password-stdin", "--who", who)
    return run(project, *args, typed=f"{PASSWORD}\n")


def test_the_first_user_is_made_before_the_service_ever_ran(offline, engine):
    assert add(offline).stdout == "ada can log in now, as admin.\n"
    (user,) = json.loads(run(offline, "user", "list", "--json").stdout)["users"]
    assert (user["name"], user["role"], user["disabled"]) == ("ada", "admin", False)
    assert "ada" in run(offline, "user", "list").stdout
    assert audited(engine, "user-add")[0].new["role"] == "admin"


def test_who_adds_a_user_where_nobody_logs_in_is_told(offline):
    assert "Nobody has to" not in add(offline).stderr
    offline.write(API, "site: {auth: none}\n")
    assert "Nobody has to, though" in add(offline, "bo").stderr


def test_a_password_is_typed_twice_and_never_shown(offline):
    result = run(
        offline, "user", "add", "ada", "--role", "viewer", typed=f"{PASSWORD}\n{PASSWORD}\n"
    )
    assert "ada can log in now" in result.output
    assert PASSWORD not in result.output
    result = run(
        offline, "user", "add", "bo", "--role", "viewer", typed=f"{PASSWORD}\nother\n", code=1
    )
    assert "do not match" in result.output


def test_a_password_is_never_an_argument(offline):
    result = run(offline, "user", "add", "ada", "--role", "viewer", "--password", PASSWORD, code=2)
    assert "No such option" in result.output


@pytest.mark.parametrize(
    ("name", "password", "told"),
    [
        ("ada", "short", "password: must have at least 12 characters"),
        ("a b", PASSWORD, "NAME: must be at most 100 letters"),
        ("ada", "", "password: must have at least 12 characters"),
    ],
)
def test_what_cannot_be_is_told(offline, name, password, told):
    args = ("user", "add", name, "--role", "viewer", "--password-stdin")
    assert told in run(offline, *args, typed=f"{password}\n", code=2).stderr


@pytest.mark.parametrize(
    ("who", "told"),
    [
        (" ", "--who: is empty; say who"),
        ("\udcff", "--who: holds what is no character"),
        ("a" * (LONGEST_WHO + 1), f"--who: has {LONGEST_WHO + 1} characters; {LONGEST_WHO} fit"),
    ],
)
def test_who_says_so_has_a_name_that_the_audit_can_keep(offline, who, told):
    add(offline)
    for args in (
        ("user", "role", "ada", "viewer", "--last"),
        ("user", "revoke", "ada"),
        ("token", "add", "ci", "--scope", "gate"),
        ("token", "revoke", "000000000000"),
    ):
        assert told in run(offline, *args, "--who", who, code=2).stderr
    args = ("user", "add", "bo", "--role", "viewer", "--password-stdin", "--who", who)
    assert told in run(offline, *args, typed=f"{PASSWORD}\n", code=2).stderr
    (user,) = json.loads(run(offline, "user", "list", "--json").stdout)["users"]
    assert (user["name"], user["role"]) == ("ada", "admin")


def test_a_user_of_the_machine_whose_name_cannot_be_kept_says_another(offline, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "")
    add(offline, who="mia")
    refused = run(offline, "user", "revoke", "ada", code=2)
    assert "who: is empty" in refused.stderr


def test_roles_change_and_the_last_admin_stays(offline, engine):
    add(offline)
    add(offline, "bo", "viewer")
    assert run(offline, "user", "role", "bo", "editor").stdout == "bo is editor now.\n"
    for args in (("role", "ada", "viewer"), ("disable", "ada"), ("remove", "ada")):
        told = run(offline, "user", *args, code=2).stderr
        assert "ada is the last admin; make somebody else an admin before" in told
    assert run(offline, "user", "remove", "ada", "--last").stdout == "ada is removed.\n"
    assert "NAME: there is no user 'ada'" in run(offline, "user", "enable", "ada", code=2).stderr
    token = ("token", "add", "x", "--scope", "read", "--user", "ada")
    assert "--user: there is no user 'ada'" in run(offline, *token, code=2).stderr
    assert audited(engine, "user-remove")[0].old == {"role": "admin"}


def test_a_user_is_disabled_enabled_and_given_a_password(offline):
    add(offline)
    add(offline, "bo", "viewer")
    assert run(offline, "user", "disable", "bo").stdout == "bo cannot log in any more.\n"
    assert "disabled" in run(offline, "user", "list").stdout
    assert run(offline, "user", "enable", "bo").stdout == "bo can log in again.\n"
    args = ("user", "password", "bo", "--password-stdin")
    assert "logged out everywhere" in run(offline, *args, typed="a long enough one\n").stdout
    assert run(offline, "user", "revoke", "bo").stdout == "bo is logged out everywhere.\n"
    assert run(offline, "user", "sessions").stdout == "Nobody is logged in.\n"


def test_a_token_is_printed_once_for_a_script_to_keep(offline, engine):
    add(offline)
    result = run(offline, "token", "add", "ci", "--scope", "gate", "--days", "7", "--who", "root")
    text = result.stdout.strip()
    assert token_id(text) is not None
    assert "is not shown again" in result.stderr
    run(offline, "token", "add", "prometheus", "--scope", "metrics", "--never")
    run(offline, "token", "add", "laptop", "--scope", "read", "--user", "ada")
    found = json.loads(run(offline, "token", "list", "--json").stdout)["tokens"]
    told = {t["name"]: (t["scope"], t["owner"], t["expires_at"] is None) for t in found}
    assert told == {
        "ci": ("gate", None, False),
        "prometheus": ("metrics", None, True),
        "laptop": ("read", "ada", False),
    }
    listed = run(offline, "token", "list").stdout
    assert "prometheus" in listed
    assert text not in listed
    number = token_id(text)
    assert run(offline, "token", "revoke", number).stdout == f"Token {number} (ci) is revoked.\n"
    assert [e.who for e in audited(engine, "token-add")][-1] == "root"


def test_for_ever_is_said_and_not_guessed(offline):
    args = ("token", "add", "x", "--scope", "read", "--never", "--days", "3")
    assert "--never contradicts --days" in run(offline, *args, code=2).stderr


def test_the_token_of_a_user_may_no_more_than_they_do(offline):
    add(offline, "bo", "viewer")
    args = ("token", "add", "x", "--scope", "write", "--user", "bo")
    assert (
        "--scope: write is more than the role viewer may do" in run(offline, *args, code=2).stderr
    )


def test_without_users_and_tokens_the_lists_say_how_to_make_one(offline):
    text = run(offline, "token", "add", "x", "--scope", "read").stdout.strip()
    assert "slo user add NAME --role admin" in run(offline, "user", "list").stdout
    run(offline, "token", "revoke", token_id(text))
    assert "slo token add NAME --scope read" in run(offline, "token", "list").stdout
    assert "there is no token 'y'" in run(offline, "token", "revoke", "y", code=2).stderr

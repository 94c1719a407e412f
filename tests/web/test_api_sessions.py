"""Who is logged in, and who asks, by the JSON API."""

from __future__ import annotations

import pytest

from tests.support.logins import add_token, add_user, audited, bearer, begin, site_of
from tests.web.world import NOW, make_client

API = "/api/v1"


@pytest.fixture
def ask(engine):
    """Asks the site with a token of some scope."""
    add_user(engine, "root")
    client = make_client(engine, loaded=site_of())
    tokens = {scope: bearer(add_token(engine, scope, NOW)) for scope in ("admin", "gate")}

    def ask(path, scope="admin", method="GET"):
        return client.open(f"{API}/{path}", method=method, headers=tokens.get(scope, {}))

    return ask


def test_a_token_can_be_tried(ask):
    told = ask("identity", "gate").json
    assert told == {"name": "token gate", "kind": "token", "permissions": ["public", "gate"]}


def test_nobody_is_told_so(ask):
    assert ask("identity", "").json == {
        "name": "",
        "kind": "anonymous",
        "permissions": ["public"],
    }


def test_where_nobody_logs_in_everybody_may_all_but_have_an_account(client):
    told = client.get(f"{API}/identity").json
    assert told["kind"] == "open"
    assert "admin" in told["permissions"]
    assert "user" not in told["permissions"]


def test_sessions_are_listed_and_ended(ask, engine):
    add_user(engine, "ada")
    begin(engine, "ada", NOW - 60)
    begin(engine, "root", NOW)
    first, second = ask("sessions").json["sessions"]
    assert (first["user"], second["user"]) == ("root", "ada")
    assert set(first) == {"id", "user", "address", "agent", "created_at", "seen_at"}
    assert ask("sessions?user=ada").json["sessions"] == [second]
    gone = ask(f"sessions/{second['id']}", method="DELETE")
    assert (gone.status_code, gone.json["user"]) == (200, "ada")
    assert ask(f"sessions/{second['id']}", method="DELETE").status_code == 404
    assert [one["user"] for one in ask("sessions").json["sessions"]] == ["root"]
    [entry] = audited(engine, "sessions-revoke")
    assert (entry.who, entry.subject) == ("token admin", "user/ada")


def test_only_admins_see_sessions(ask):
    assert ask("sessions", "gate").status_code == 403

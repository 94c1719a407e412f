"""The JSON API of users, tokens and the audit."""

from __future__ import annotations

import pytest

from slo.store import audit
from slo.store.engine import writing
from tests.support.logins import PASSWORD, add_token, add_user, audited, bearer, log_in, site_of
from tests.web.world import NOW, make_client

API = "/api/v1"


@pytest.fixture
def api(engine):
    """The site, asked with an admin's token."""
    add_user(engine, "root")
    client = make_client(engine, loaded=site_of())
    client.environ_base["HTTP_AUTHORIZATION"] = bearer(add_token(engine, "admin", NOW))[
        "Authorization"
    ]
    return client


def test_users_are_added_changed_and_removed(engine, api):
    body = {"name": "Ada", "role": "viewer", "password": PASSWORD}
    made = api.post(f"{API}/users", json=body)
    assert made.status_code == 201
    assert (made.json["name"], made.json["role"], made.json["seen_at"]) == ("ada", "viewer", None)
    assert log_in(make_client(engine), "ada").status_code == 303
    changed = api.patch(f"{API}/users/ada", json={"role": "editor", "disabled": True})
    assert (changed.json["role"], changed.json["disabled"]) == ("editor", True)
    assert api.patch(f"{API}/users/ada", json={"disabled": False}).json["disabled"] is False
    assert [u["name"] for u in api.get(f"{API}/users").json["users"]] == ["ada", "root"]
    assert api.delete(f"{API}/users/ada").status_code == 200
    assert api.delete(f"{API}/users/ada").status_code == 404
    assert {e.who for e in audited(engine, "user-role")} == {"token admin"}


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"name": "root", "role": "viewer", "password": PASSWORD}, "body.name"),
        ({"name": "a b", "role": "viewer", "password": PASSWORD}, "body.name"),
        ({"name": "ada", "role": "owner", "password": PASSWORD}, "body.role"),
        ({"name": "ada", "role": "viewer", "password": "short"}, "body.password"),
        ({"name": "ada", "role": "viewer"}, "body.password"),
        ({"name": "ada", "role": "viewer", "password": PASSWORD, "id": 1}, "body.id"),
    ],
)
def test_a_user_that_cannot_be_is_a_problem(api, body, at):
    answer = api.post(f"{API}/users", json=body)
    assert answer.status_code == 400
    assert [error["at"] for error in answer.json["errors"]] == [at]
    assert PASSWORD not in answer.text


def test_the_last_admin_stays(api):
    for answer in (
        api.delete(f"{API}/users/root"),
        api.patch(f"{API}/users/root", json={"role": "viewer"}),
        api.patch(f"{API}/users/root", json={"disabled": True}),
    ):
        assert answer.status_code == 400
        assert "root is the last admin" in answer.json["detail"]


def test_sessions_are_ended(engine, api):
    client = make_client(engine)
    log_in(client, "root")
    assert api.post(f"{API}/users/root/revoke").json == {"sessions": 1}
    assert client.get("/").status_code == 303
    assert api.post(f"{API}/users/nobody/revoke").status_code == 404


def test_a_token_is_told_once_and_revoked(engine, api):
    made = api.post(f"{API}/tokens", json={"name": "ci", "scope": "gate", "days": None})
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    assert made.json["expires_at"] is None
    token = bearer(made.json["token"])
    assert make_client(engine).get(f"{API}/slos", headers=token).status_code == 403
    listed = api.get(f"{API}/tokens")
    assert made.json["token"] not in listed.text
    assert {t["name"] for t in listed.json["tokens"]} == {"ci", "admin"}
    assert api.delete(f"{API}/tokens/{made.json['id']}").json["name"] == "ci"
    assert make_client(engine).get(f"{API}/slos", headers=token).status_code == 401
    assert api.delete(f"{API}/tokens/nothing").status_code == 404


def test_a_token_of_a_user_may_no_more_than_they_do(engine, api):
    add_user(engine, "bo", "viewer")
    body = {"name": "x", "scope": "write", "user": "bo"}
    assert api.post(f"{API}/tokens", json=body).json["errors"][0]["at"] == "body.scope"
    assert api.post(f"{API}/tokens", json={**body, "user": "nobody"}).status_code == 404
    made = api.post(f"{API}/tokens", json={**body, "scope": "read"}).json
    assert (made["owner"], made["created_by"]) == ("bo", "token admin")


def test_when_a_token_was_used_is_told(engine, api):
    add_token(engine, "read", NOW)
    used = {t["name"]: t["used_at"] for t in api.get(f"{API}/tokens").json["tokens"]}
    assert used["read"] is None
    assert used["admin"] is not None


def test_the_audit_is_read_on_without_gaps(engine, api):
    with writing(engine) as session:
        for n in range(25):
            audit.add(session, NOW - n, "mia", "do", f"shop/{n}", {"n": n}, old={"a": n})
    seen, cursor = [], None
    for _ in range(4):
        query = {"who": "mia", "limit": 10} | ({"cursor": cursor} if cursor else {})
        body = api.get(f"{API}/audit", query_string=query).json
        seen += [e["detail"]["n"] for e in body["entries"]]
        cursor = body["next"]
        if cursor is None:
            break
    assert seen == list(reversed(range(25)))
    assert body["entries"][0]["old"] == {"a": 4}
    narrowed = api.get(f"{API}/audit?from=10s&subject=shop/").json["entries"]
    assert len(narrowed) == 11


def test_where_nobody_logs_in_nobody_makes_users(engine):
    client = make_client(engine)
    body = {"name": "eve", "role": "admin", "password": PASSWORD}
    assert client.post(f"{API}/users", json=body).status_code == 403
    assert client.post(f"{API}/tokens", json={"name": "x", "scope": "admin"}).status_code == 403
    assert client.get(f"{API}/users").json == {"users": [], "next": None}

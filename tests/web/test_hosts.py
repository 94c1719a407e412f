"""Who gets in where nobody logs in, and under which names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slo.access import users
from slo.store.engine import open_engine, writing
from slo.web.app import create_app
from tests.support.logins import add_token, add_user, bearer, begin, field_of, site_of
from tests.web.world import NOW


def make(engine, url="", **site):
    return create_app(engine, clock=lambda: NOW, loaded=site_of(url, **site)).test_client()


def get(client, host="localhost", address="127.0.0.1", path="/", **headers):
    return client.get(
        path,
        base_url=f"http://{host}",
        environ_overrides={"REMOTE_ADDR": address},
        headers=headers,
    ).status_code


def get_as(client, host, path="/"):
    """The status for a request whose header `Host` says just that."""
    return client.get(path, environ_overrides={"HTTP_HOST": host}).status_code


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_without_users_this_machine_gets_in(engine, address):
    assert get(make(engine), address=address) == 200


@pytest.mark.parametrize(
    "address", ["192.0.2.1", "10.0.0.1", "::ffff:192.0.2.1", "2001:db8::1", ""]
)
def test_without_users_nobody_else_gets_in(engine, address):
    assert get(make(engine), address=address) == 303


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "LOCALHOST", "127.0.0.1:8000", "[::1]:8000", "a.localhost"],
)
def test_the_machine_is_asked_for_by_its_own_names(engine, host):
    assert get(make(engine), host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "192.0.2.1",
        "127.0.0.1.nip.io",
        # What is no name, but resolves all the same.
        "a_b.evil.example",
        "evil.example:abc",
        "evil..example",
        f"{'x' * 64}.example",
        "",
    ],
)
def test_a_name_that_was_bent_to_this_machine_is_refused(engine, host):
    client = make(engine)
    assert get_as(client, host) == 421
    assert get_as(client, host, "/api/v1/slos") == 421
    assert get_as(client, host, "/metrics") == 421
    assert get_as(client, host, "/no/such") in {404, 421}
    named = {"environ_overrides": {"HTTP_HOST": host}}
    assert client.post("/silences", data={"scope": "*"}, **named).status_code == 421
    # Whoever watches the service may use any name.
    assert get_as(client, host, "/healthz") == 200


def test_the_names_of_slo_yaml_are_the_site_s_too(engine):
    client = make(engine, "https://slo.example.com", hosts=("slo.internal",))
    assert get(client, "slo.example.com") == 200
    assert get(client, "slo.internal:8080") == 200
    assert get(client, "other.example.com") == 421


def test_where_a_login_is_asked_for_any_name_will_do_unless_names_are_given(engine):
    add_user(engine)
    assert get(make(engine), "any.example") == 303
    client = make(engine, hosts=("slo.internal",))
    assert get(client, "any.example") == 421
    assert get(client, "slo.internal") == 303
    assert get(client, "localhost") == 303
    assert get(client, "any.example", path="/readyz") == 503
    token = bearer(add_token(engine, "read", NOW))
    assert get(client, "any.example", **token) == 200


def test_public_metrics_may_be_scraped_by_address(engine):
    client = make(engine, auth="users", hosts=("slo.internal",), public=("metrics",))
    assert get(client, "192.0.2.9:8000", "192.0.2.1", "/metrics") == 200
    assert get(client, "192.0.2.9:8000", "192.0.2.1", "/") == 421


def test_where_slo_yaml_says_so_everybody_gets_in(engine):
    client = make(engine, auth="none")
    assert get(client, "any.example", "192.0.2.1") == 200
    add_user(engine)
    assert get(client, "any.example", "192.0.2.1") == 200


def test_from_the_first_user_on_everybody_logs_in(engine):
    client = make(engine)
    assert get(client) == 200
    add_user(engine)
    assert get(client) == 303
    assert get(client, path="/api/v1/slos") == 401


def test_without_its_users_the_site_does_not_fall_open(engine):
    add_user(engine)
    client = make(engine)
    secret = begin(engine, "ada", NOW)
    with writing(engine) as session:
        users.remove(session, "ada", who="tests", now=NOW, last=True)
    client.set_cookie("session", secret)
    assert get(client, address="192.0.2.1") == 303


@pytest.mark.parametrize("path", ["/access/users", "/access/tokens"])
def test_who_did_not_log_in_makes_no_users_and_no_tokens(engine, path):
    form = {"name": "eve", "role": "admin", "password": "a long enough one", "scope": "admin"}
    answer = make(engine, auth="none").post(path, data=form)
    assert answer.status_code == 403
    assert "slo user add" in answer.text


def test_a_site_that_is_open_shows_how_to_close_it(engine):
    page = make(engine).get("/access").text
    assert "Nobody has to log in" in page
    assert "Add a user" not in page


def test_a_body_that_is_too_large_is_refused(engine):
    client = make(engine, auth="none")
    answer = client.post("/silences", data={"why": "x" * 5_000_000})
    assert answer.status_code == 413


def test_while_the_store_is_away_only_health_and_metrics_answer(tmp_path, engine):
    client = make(engine, auth="users")
    add_user(engine)
    token = bearer(add_token(engine, "metrics", NOW))
    assert get(client, path="/metrics", **token) == 200
    away = open_engine(f"sqlite:///{tmp_path / 'no' / 'slo.db'}")
    extensions = client.application.extensions
    extensions["slo"] = replace(extensions["slo"], engine=away)
    assert get(client) == 503
    assert get(client, path="/api/v1/slos", **token) == 503
    assert get(client, path="/healthz") == 200
    assert get(client, path="/no/such") == 404
    assert get(client, path="/metrics", **token) == 200
    assert get(client, path="/metrics", **bearer("slo_0_0_0")) == 401
    assert get(client, path="/metrics") == 401
    away.dispose()


@pytest.mark.parametrize("path", ["/", "/incidents", "/api/v1/slos", "/api/v1/gate/api"])
def test_where_the_store_is_is_told_only_to_those_who_may_read(tmp_path, path):
    url = f"sqlite:///{tmp_path / 'no' / 'slo.db'}"
    for site, peer, known in (
        ({"auth": "users"}, "192.0.2.1", False),
        ({"auth": "users"}, "127.0.0.1", True),
        ({}, "192.0.2.1", False),
        ({"auth": "none"}, "192.0.2.1", True),
    ):
        away = open_engine(url)
        answer = make(away, **site).get(path, environ_overrides={"REMOTE_ADDR": peer})
        away.dispose()
        assert answer.status_code == 503
        assert "The store does not answer" in answer.text
        assert (str(tmp_path) in answer.text) == known


@pytest.mark.parametrize(
    ("days", "seen", "later", "status"),
    [
        (None, 0, 3600, 200),
        (None, 0, 3601, 401),
        (None, 3000, 6000, 200),
        (1, 86_000, 86_399, 200),
        (1, 86_000, 86_400, 401),
    ],
)
def test_while_the_store_is_away_a_scraper_is_known_for_an_hour_and_until_its_token_expires(
    tmp_path, engine, days, seen, later, status
):
    now = [NOW]
    app = create_app(engine, clock=lambda: now[0], loaded=site_of(auth="users"))
    token = bearer(add_token(engine, "metrics", NOW, days=days))
    for after in (0, seen):
        now[0] = NOW + after
        assert get(app.test_client(), path="/metrics", **token) == 200
    away = open_engine(f"sqlite:///{tmp_path / 'no' / 'slo.db'}")
    app.extensions["slo"] = replace(app.extensions["slo"], engine=away)
    now[0] = NOW + later
    assert get(app.test_client(), path="/metrics", **token) == status
    away.dispose()


def test_of_many_scrapers_those_that_were_seen_last_are_known_while_the_store_is_away(
    tmp_path, engine
):
    app = create_app(engine, clock=lambda: NOW, loaded=site_of(auth="users"))
    tokens = [bearer(add_token(engine, "metrics", NOW)) for _ in range(101)]
    for token in (*tokens[:100], tokens[0], tokens[100]):
        assert get(app.test_client(), path="/metrics", **token) == 200
    away = open_engine(f"sqlite:///{tmp_path / 'no' / 'slo.db'}")
    app.extensions["slo"] = replace(app.extensions["slo"], engine=away)
    found = [get(app.test_client(), path="/metrics", **token) for token in tokens]
    assert found == [200, 401, *[200] * 99]
    away.dispose()


def test_forms_of_the_login_hold_their_token(engine):
    add_user(engine)
    assert len(field_of(make(engine).get("/login").text)) == 64

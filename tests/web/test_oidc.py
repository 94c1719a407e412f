"""Logging in at a provider: a small real one, that can be made to lie."""

from __future__ import annotations

import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import OctKey, RSAKey

from slo.access import oidc, users
from slo.config.settings import Oidc
from slo.store import users as kept
from slo.store.engine import reading, writing
from slo.web.app import create_app
from slo.web.pages.access.oidc import _provider_of
from slo.web.site import MOST_TURNS
from tests.support.logins import (
    PASSWORD,
    add_token,
    add_user,
    audited,
    bearer,
    log_in,
    logged_in,
    site_of,
)
from tests.support.oidc_server import CLIENT, SECRET, OidcServer
from tests.support.waiting import wait_until
from tests.web.world import NOW

HOME = "http://localhost"
WEAK = "a secret that both sides know, and everybody else may"


@pytest.fixture(scope="module")
def running():
    with OidcServer() as server:
        yield server


@pytest.fixture
def provider(running):
    """The provider, honest again."""
    running.claims = {"sub": "0001", "email": "Ada@example.com", "groups": ["sre"]}
    running.userinfo, running.bent, running.asked = {}, {}, []
    running.signed_by, running.alg = None, "RS256"
    running.answers.set()
    running.published, running.now = [running.key], NOW
    _provider_of.cache_clear()
    return running


def site(engine, provider, **more):
    settings = {
        "roles": (("sre", "admin"), ("dev", "editor")),
        "default_role": None,
        **more,
    }
    at_provider = Oidc(provider.issuer, CLIENT, SECRET, **settings)
    loaded = site_of(HOME, auth="oidc", oidc=at_provider)
    return create_app(engine, clock=lambda: NOW, loaded=loaded).test_client()


@pytest.fixture
def client(engine, provider):
    return site(engine, provider)


def there(client, to="/alerts"):
    """Where the browser is sent at the provider."""
    sent = client.get("/login/oidc", query_string={"next": to})
    assert sent.status_code == 303, sent.text
    return sent.location


def back(client, provider, **more):
    """What the site answers to a browser that logged in at the provider."""
    return client.get(provider.authorize(there(client, **more)))


def user(engine, name="ada@example.com"):
    with reading(engine) as session:
        return kept.named(session, name)


def test_the_first_login_makes_a_user_with_the_role_of_the_group(engine, client, provider):
    answer = back(client, provider)
    assert (answer.status_code, answer.location) == (303, "/alerts")
    made = user(engine)
    assert (made.role, made.has_password) == ("admin", False)
    assert made.subject == f"{provider.issuer}|0001"
    assert client.get("/access").status_code == 200
    assert "ada@example.com" in client.get("/").text
    assert [e.who for e in audited(engine, "user-add")] == ["oidc"]
    assert [e.detail["by"] for e in audited(engine, "login")] == ["oidc"]


def test_the_provider_is_asked_for_just_what_is_needed(client, provider):
    asked = parse_qs(urlsplit(there(client)).query)
    assert asked["redirect_uri"] == [f"{HOME}/login/oidc/callback"]
    assert asked["scope"] == ["openid profile email"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    assert "code_verifier" not in asked
    again = parse_qs(urlsplit(there(client)).query)
    assert all(asked[name] != again[name] for name in ("state", "nonce", "code_challenge"))
    # What it publishes is kept.
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]


def test_the_next_login_is_the_same_user_with_the_role_of_that_day(engine, client, provider):
    back(client, provider)
    other = site(engine, provider)
    provider.claims = {"sub": "0001", "email": "ada.new@example.com", "groups": "dev"}
    assert back(other, provider).status_code == 303
    assert user(engine).role == "editor"
    assert user(engine, "ada.new@example.com") is None
    assert other.get("/access").status_code == 403
    # The session with the rights of before is over.
    assert client.get("/").status_code == 303
    (changed,) = audited(engine, "user-role")
    assert (changed.who, changed.old, changed.new) == (
        "oidc",
        {"role": "admin"},
        {"role": "editor"},
    )


@pytest.mark.parametrize(
    ("bent", "told"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "somebody else"}, "aud"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, "azp"),
        ({"iss": "http://127.0.0.1:1"}, "iss"),
        ({"exp": NOW - 120}, "expired"),
        ({"exp": None}, "exp"),
        ({"iat": NOW + 3600}, "future"),
        ({"sub": None}, "sub"),
        ({"email_verified": False}, "not verified"),
        ({"email": ""}, "no claim"),
    ],
)
def test_a_token_that_is_not_as_it_must_be_lets_nobody_in(engine, client, provider, bent, told):
    provider.bent = bent
    answer = back(client, provider)
    assert answer.status_code == 403
    assert told in answer.text.lower()
    assert user(engine) is None
    assert client.get("/").status_code == 303


def test_a_token_of_another_key_lets_nobody_in(engine, client, provider):
    provider.signed_by = RSAKey.generate_key(2048, {"kid": "first"})
    assert back(client, provider).status_code == 403
    assert user(engine) is None


def test_a_token_that_is_signed_by_a_shared_secret_lets_nobody_in(engine, client, provider):
    provider.signed_by, provider.alg = OctKey.import_key(WEAK, {"kid": "first"}), "HS256"
    assert back(client, provider).status_code == 403
    assert user(engine) is None


def test_a_new_key_of_the_provider_is_found_by_itself(engine, client, provider, monkeypatch):
    there(client)
    monkeypatch.setattr(oidc, "REFRESHED_EVERY", -1)
    old, provider.key = provider.key, RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
    provider.published = [old, provider.key]
    try:
        assert back(client, provider).status_code == 303
    finally:
        provider.key = old
    assert user(engine) is not None


def test_a_login_comes_back_once(engine, client, provider):
    url = provider.authorize(there(client))
    assert client.get(url).status_code == 303
    again = client.get(url)
    assert again.status_code == 403
    assert "was used before" in again.text
    assert len(audited(engine, "login")) == 1


def test_a_login_comes_back_to_the_browser_that_began_it(engine, client, provider):
    url = provider.authorize(there(client))
    victim = site(engine, provider)
    assert victim.get(url).status_code == 403
    assert victim.get("/").status_code == 303
    assert user(engine) is None


def test_a_login_that_takes_too_long_begins_again(engine, provider):
    now = [float(NOW)]
    at_provider = Oidc(provider.issuer, CLIENT, SECRET, default_role="viewer")
    loaded = site_of(HOME, auth="oidc", oidc=at_provider)
    client = create_app(engine, clock=lambda: now[0], loaded=loaded).test_client()
    url = provider.authorize(there(client))
    now[0] += 601
    assert client.get(url).status_code == 403


def test_an_invented_state_is_refused_before_the_provider_is_asked(client, provider):
    there(client)
    provider.asked.clear()
    assert client.get("/login/oidc/callback?state=x&code=y").status_code == 403
    assert client.get("/login/oidc/callback").status_code == 403
    assert provider.asked == []


def test_who_cancels_at_the_provider_is_told(client, provider):
    state = parse_qs(urlsplit(there(client)).query)["state"][0]
    answer = client.get(
        "/login/oidc/callback", query_string={"state": state, "error": "access_denied"}
    )
    assert answer.status_code == 403
    assert "access_denied" in answer.text
    assert provider.asked.count("/token") == 0


def test_who_has_no_role_is_turned_away_and_loses_what_they_had(engine, client, provider):
    back(client, provider)
    provider.claims = {**provider.claims, "groups": ["sales"]}
    other = site(engine, provider)
    answer = back(other, provider)
    assert answer.status_code == 403
    assert "none of your groups has a role" in answer.text
    assert client.get("/").status_code == 303
    assert len(audited(engine, "login-failed")) == 1


def test_who_is_turned_away_may_nothing_by_tokens_either(engine, client, provider):
    add_user(engine, "root")
    back(client, provider)
    held = bearer(add_token(engine, "admin", NOW, days=None, owner=user(engine)))
    program = site(engine, provider)
    body = {"name": "eve", "role": "admin", "password": PASSWORD}
    assert program.get("/api/v1/users", headers=held).status_code == 200
    provider.claims = {**provider.claims, "groups": ["sales"]}
    assert back(client, provider).status_code == 403
    assert program.get("/api/v1/users", headers=held).status_code == 401
    assert program.post("/api/v1/users", headers=held, json=body).status_code == 401
    admin = logged_in(site(engine, provider), engine, "root", NOW)
    assert "no role" in admin.get("/access").text
    assert admin.get("/api/v1/users").json["users"][0]["role"] is None
    provider.claims = {**provider.claims, "groups": ["dev"]}
    assert back(client, provider).status_code == 303
    assert program.get("/api/v1/slos", headers=held).status_code == 200
    assert program.get("/api/v1/users", headers=held).status_code == 403


def test_an_admin_of_the_provider_counts_while_slo_yaml_names_it(engine, client, provider):
    add_user(engine, "root")
    back(client, provider)
    held = bearer(add_token(engine, "admin", NOW))
    alone = create_app(engine, clock=lambda: NOW, loaded=site_of(HOME)).test_client()
    for change in ({"disabled": True}, {"role": "viewer"}):
        refused = alone.patch("/api/v1/users/root", headers=held, json=change)
        assert "last admin" in refused.json["detail"]
    assert "last admin" in alone.delete("/api/v1/users/root", headers=held).json["detail"]
    named = site(engine, provider)
    assert named.patch("/api/v1/users/root", headers=held, json={"disabled": True}).json["disabled"]
    assert named.delete("/api/v1/users/root", headers=held).status_code == 200


def test_who_has_no_role_gets_the_default_one(engine, provider):
    provider.claims = {"sub": "0002", "email": "bo@example.com"}
    client = site(engine, provider, default_role="viewer")
    assert back(client, provider).status_code == 303
    assert user(engine, "bo@example.com").role == "viewer"


def test_a_disabled_user_is_not_let_in(engine, client, provider):
    add_user(engine, "root")
    back(client, provider)
    with writing(engine) as session:
        users.disable(session, "ada@example.com", who="root", now=NOW)
    assert client.get("/").status_code == 303
    answer = back(client, provider)
    assert answer.status_code == 403
    assert "is disabled" in answer.text


def test_nobody_gets_the_account_of_another_by_having_their_name(engine, client, provider):
    add_user(engine, "ada@example.com", "viewer")
    answer = back(client, provider)
    assert answer.status_code == 403
    assert "there is a user ada@example.com already" in answer.text
    assert user(engine).subject is None


def test_what_the_id_token_leaves_out_is_asked_for(engine, client, provider):
    provider.claims = {"sub": "0003"}
    provider.userinfo = {"email": "eve@example.com", "groups": ["dev"]}
    assert back(client, provider).status_code == 303
    assert user(engine, "eve@example.com").role == "editor"


def test_userinfo_of_somebody_else_is_refused(client, provider):
    provider.claims = {"sub": "0003"}
    provider.userinfo = {"sub": "0004", "email": "eve@example.com", "groups": ["dev"]}
    assert back(client, provider).status_code == 403


def test_a_name_with_spaces_becomes_one_that_fits(engine, provider):
    provider.claims = {"sub": "5", "name": "Ada  King-Noël", "groups": ["sre"]}
    client = site(engine, provider, name_claim="name")
    assert back(client, provider).status_code == 303
    assert user(engine, "ada-king-noël") is not None


def test_a_provider_that_hangs_is_told_of_in_time(client, provider, monkeypatch):
    monkeypatch.setattr(oidc, "TIMEOUT", (0.2, 0.2))
    provider.answers.clear()
    answer = client.get("/login/oidc")
    assert answer.status_code == 403
    assert "the provider does not answer" in answer.text


def test_a_provider_that_hangs_holds_few_threads_and_the_others_are_told(
    engine, provider, monkeypatch
):
    monkeypatch.setattr(oidc, "_PATIENCE", 0.05)
    loaded = site_of(HOME, auth="oidc", oidc=Oidc(provider.issuer, CLIENT, SECRET))
    app = create_app(engine, clock=lambda: NOW, loaded=loaded)
    provider.answers.clear()
    held = [threading.Thread(target=app.test_client().get, args=("/login/oidc",)) for _ in range(2)]
    for thread in held:
        thread.start()
    turns = _provider_of(loaded.settings.site.oidc, HOME + "/login/oidc/callback")._turns
    wait_until(lambda: provider.asked and turns._value == 0)
    answer = app.test_client().get("/login/oidc")
    assert all(thread.is_alive() for thread in held)
    assert answer.status_code == 403
    assert "slow to answer those who came before" in answer.text
    provider.answers.set()
    for thread in held:
        thread.join()
    assert app.test_client().get("/login/oidc").status_code == 303


def test_a_login_at_the_provider_waits_for_its_turn_where_it_writes(engine, provider):
    loaded = site_of(HOME, auth="oidc", oidc=Oidc(provider.issuer, CLIENT, SECRET))
    app = create_app(engine, clock=lambda: NOW, loaded=loaded)
    turns = app.extensions["slo"].turns
    for _ in range(MOST_TURNS):
        turns.acquire()
    answer = app.test_client().get("/login/oidc")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert provider.asked
    turns.release()
    assert app.test_client().get("/login/oidc").status_code == 303


def test_a_provider_of_another_name_is_told_of(engine, provider):
    at_provider = Oidc(f"{provider.issuer}/", CLIENT, SECRET, default_role="viewer")
    loaded = site_of(HOME, auth="oidc", oidc=at_provider)
    client = create_app(engine, clock=lambda: NOW, loaded=loaded).test_client()
    answer = client.get("/login/oidc")
    assert answer.status_code == 403
    assert "write site.oidc.issuer as it does" in answer.text


def test_a_user_with_a_password_logs_in_beside_the_provider(engine, client, provider):
    assert 'name="password"' not in client.get("/login").text
    add_user(engine, "root")
    page = client.get("/login").text
    assert "Log in at 127.0.0.1" in page
    assert log_in(client, "root").status_code == 303
    assert provider.asked == []


def test_roles_by_an_address_that_nobody_verified_are_refused(engine, provider):
    provider.claims = {"sub": "6", "email": "boss@example.com", "name": "Eve"}
    by_address = {
        "name_claim": "name",
        "roles_claim": "email",
        "roles": (("boss@example.com", "admin"),),
    }
    for said in (False, "false"):
        provider.bent = {"email_verified": said}
        client = site(engine, provider, **by_address)
        assert back(client, provider).status_code == 403
    provider.bent = {"email_verified": True}
    assert back(site(engine, provider, **by_address), provider).status_code == 303


def test_a_provider_without_what_a_login_needs_is_told_of(engine, provider, monkeypatch):
    monkeypatch.setattr(provider, "configuration", lambda: {"issuer": provider.issuer})
    answer = site(engine, provider).get("/login/oidc")
    assert answer.status_code == 403
    assert "has no authorization_endpoint" in answer.text


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
def test_a_provider_of_tls_must_not_drop_it(name):
    issuer = "https://idp.example"
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
    document = {key: f"{issuer}/{key}" for key in names}
    oidc._ensure_endpoints(document, issuer)
    with pytest.raises(ValueError, match=f"no {name} that begins with https://"):
        oidc._ensure_endpoints({**document, name: f"http://idp.example/{name}"}, issuer)


def test_where_there_is_no_provider_there_is_nothing_to_begin(engine):
    client = create_app(engine, clock=lambda: NOW, loaded=site_of(auth="users")).test_client()
    assert client.get("/login/oidc").status_code == 404
    assert client.get("/login/oidc/callback").status_code == 404

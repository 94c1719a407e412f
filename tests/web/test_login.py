"""Logging in and out, sessions, cookies, and what guesses cost."""

from __future__ import annotations

import pytest

from slo.access import logins, passwords, users
from slo.store import sessions
from slo.store.engine import reading, writing
from slo.web.app import create_app
from slo.web.pages.access.login import local
from tests.support.logins import (
    OWN,
    PASSWORD,
    add_token,
    add_user,
    audited,
    bearer,
    field_of,
    log_in,
    logged_in,
    site_of,
)
from tests.web.world import NOW

TLS = {"base_url": "https://slo.example.com"}
MINUTE, HOUR, DAY = 60, 3600, 86_400


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = float(NOW)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def app(engine, clock):
    add_user(engine)
    return create_app(engine, clock=clock, loaded=site_of())


@pytest.fixture
def client(app):
    return app.test_client()


def cookies_of(response):
    return {head.partition("=")[0]: head for head in response.headers.getlist("Set-Cookie")}


def running(engine, now=NOW):
    with reading(engine) as session:
        return sessions.running(session, now)


def test_a_right_password_opens_the_page_that_was_asked_for(client, engine):
    asked = client.get("/alerts?severity=page")
    assert asked.status_code == 303
    assert asked.location == "/login?next=%2Falerts%3Fseverity%3Dpage"
    answer = log_in(client, to="/alerts?severity=page")
    assert (answer.status_code, answer.location) == (303, "/alerts?severity=page")
    page = client.get("/alerts")
    assert page.status_code == 200
    assert "ada" in page.text
    assert "Log out" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert [(e.who, e.subject) for e in audited(engine, "login")] == [("ada", "user/ada")]


def test_the_name_may_be_written_in_any_case(client):
    assert log_in(client, "  ADA ").status_code == 303


@pytest.mark.parametrize(("name", "password"), [("ada", "a guess"), ("nobody", PASSWORD), ("", "")])
def test_whatever_is_wrong_is_told_in_the_same_words(client, name, password):
    answer = log_in(client, name, password)
    assert answer.status_code == 403
    assert "The name or the password is wrong." in answer.text
    assert password not in answer.text or not password
    assert client.get("/").status_code == 303


def test_an_unknown_name_costs_the_same_hash(client, monkeypatch):
    checked = []
    matches = passwords.matches
    monkeypatch.setattr(
        passwords, "matches", lambda kept, word: checked.append(kept) or matches(kept, word)
    )
    log_in(client, "nobody", "wrong")
    log_in(client, "ada", "wrong")
    assert [kept is None for kept in checked] == [True, False]


def test_a_failed_login_is_written_down_without_what_was_typed(client, engine):
    log_in(client, "my password by mistake", "x")
    log_in(client, "ada", "wrong guess")
    entries = audited(engine, "login-failed")
    assert [(e.who, e.subject) for e in entries] == [
        ("anonymous", "user/ada"),
        ("anonymous", "user/unknown"),
    ]
    assert "mistake" not in str(entries)
    assert "guess" not in str(entries)


def test_a_disabled_user_is_let_in_nowhere(client, engine):
    add_user(engine, "root")
    log_in(client)
    with writing(engine) as session:
        users.disable(session, "ada", who="root", now=NOW)
    assert client.get("/").status_code == 303
    assert log_in(client).status_code == 403


def test_the_cookie_is_bound_to_the_site(client):
    cookie = cookies_of(log_in(client))["session"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie


def test_over_tls_the_cookie_is_for_tls_and_the_host_alone(client):
    answer = log_in(client, **TLS)
    cookie = cookies_of(answer)["__Host-session"]
    assert "Secure" in cookie
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert client.get("/", **TLS).status_code == 200
    # What was given over TLS is not taken without.
    assert client.get("/").status_code == 303


def test_a_cookie_without_tls_is_not_taken_over_tls(engine, client):
    logged_in(client, engine, "ada", NOW)
    assert client.get("/").status_code == 200
    assert client.get("/", **TLS).status_code == 303


def test_the_store_holds_no_session_that_could_be_used(client, engine):
    secret = cookies_of(log_in(client))["session"].partition("=")[2].partition(";")[0]
    assert len(secret) >= 22
    (kept,) = running(engine)
    assert kept.digest == logins.digest(secret)
    client.set_cookie("session", kept.digest)
    assert client.get("/").status_code == 303


def test_each_login_gives_a_new_session_and_ends_that_of_before(client, engine):
    page = client.get("/login")
    form = {"name": "ada", "password": PASSWORD, "csrf": field_of(page.text)}
    login = client.get_cookie("login").value
    first = cookies_of(client.post("/login", data=form))["session"]
    # The same form, still open in another tab.
    client.set_cookie("login", login)
    session = {"csrf": field_of(client.get("/account").text)}
    assert client.post("/login", data=form).status_code == 403
    assert client.post("/login", data=form | session).status_code == 403
    assert cookies_of(log_in(client.application.test_client()))["session"] != first
    assert [s.name for s in running(engine)] == ["ada", "ada"]


def test_logging_out_ends_the_session_in_the_store(client, engine):
    log_in(client)
    old = client.get_cookie("session").value
    answer = client.post("/logout", data={"csrf": field_of(client.get("/account").text)})
    assert (answer.status_code, answer.location) == (303, "/login")
    assert running(engine) == []
    client.set_cookie("session", old)
    assert client.get("/").status_code == 303


def test_a_session_ends_after_eight_hours_without_a_request(client, clock):
    log_in(client)
    for _ in range(3):
        clock.now += 7 * HOUR
        assert client.get("/").status_code == 200
    clock.now += 8 * HOUR + 1
    assert client.get("/").status_code == 303


def test_a_session_ends_after_seven_days_whatever_happens(client, clock):
    log_in(client)
    for _ in range(27):
        clock.now += 6 * HOUR
        assert client.get("/").status_code == 200
    clock.now += 6 * HOUR + 1
    assert client.get("/").status_code == 303


def test_when_a_session_was_seen_is_written_once_a_minute(client, engine, clock):
    log_in(client)
    seen = []
    for _ in range(5):
        clock.now += 25
        client.get("/healthz")
        client.get("/account")
        seen.append(running(engine, clock.now)[0].seen_at - NOW)
    assert seen == [0, 0, 75, 75, 75]


def test_sessions_that_are_over_leave_the_store(client, engine, clock):
    log_in(client)
    clock.now += 9 * HOUR
    log_in(client)
    with reading(engine) as session:
        assert session.execute(sessions._x.select()).all() != []
        assert len(session.execute(sessions._x.select()).all()) == 1


def test_guesses_at_an_account_cost_more_and_more(client, clock):
    for _ in range(5):
        assert log_in(client, password="wrong").status_code == 403
    waits = []
    for _ in range(12):
        answer = log_in(client, password="wrong")
        assert answer.status_code == 429
        assert "Too many logins have failed" in answer.text
        waits.append(int(answer.headers["Retry-After"]))
        clock.now += waits[-1]
        assert log_in(client, password="wrong").status_code == 403
    assert waits == [2, 3, 5, 9, 17, 33, 65, 129, 257, 513, 901, 901]
    # It is never for ever.
    clock.now += 901
    assert log_in(client).status_code == 303


def test_a_restart_forgives_no_guesses(app, engine, clock):
    for _ in range(5):
        log_in(app.test_client(), password="wrong")
    again = create_app(engine, clock=clock, loaded=site_of())
    assert log_in(again.test_client()).status_code == 429


def test_no_secret_gets_into_the_log(app, engine, caplog):
    caplog.set_level("DEBUG")
    client, text = app.test_client(), add_token(engine, "read", NOW)
    log_in(client)
    session = client.get_cookie("session").value
    # Most is logged when the store fails, and then of the very row that was asked for.
    for table in (None, "user_session", "token", "throttle"):
        if table is not None:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO gone_{table}")
        log_in(app.test_client(), password="a wrong guess")
        log_in(app.test_client())
        client.get("/")
        for headers in (bearer(text), bearer(f"{text}x"), {}):
            app.test_client().get("/no/such", headers=headers)
            app.test_client().get("/api/v1/slos", headers=headers)
    assert "the store does not answer '/'" in caplog.text
    assert "the store does not answer '/api/v1/slos'" in caplog.text
    assert "the store does not answer '/login'" in caplog.text
    for secret in (text, session, PASSWORD, "a wrong guess"):
        assert secret not in caplog.text


def test_a_slowed_login_is_not_even_looked_at(client, monkeypatch):
    for _ in range(5):
        log_in(client, password="wrong")
    monkeypatch.setattr(passwords, "matches", lambda *_: pytest.fail("it was"))
    assert log_in(client).status_code == 429


def test_a_right_password_forgives(client):
    for _ in range(4):
        log_in(client, password="wrong")
    assert log_in(client).status_code == 303
    client.delete_cookie("session")
    for _ in range(5):
        assert log_in(client, password="wrong").status_code == 403


def test_an_address_that_tries_many_names_is_slowed(app):
    client = app.test_client()
    answers = [log_in(client, f"name{n}", "x").status_code for n in range(22)]
    assert answers[:20] == [403] * 20
    assert answers[20] == 429
    elsewhere = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.7"}}
    assert log_in(client, **elsewhere).status_code == 303


def test_a_network_of_ipv6_is_one_address(app):
    client = app.test_client()
    for n in range(20):
        log_in(client, f"name{n}", "x", environ_overrides={"REMOTE_ADDR": f"2001:db8::{n:x}"})
    same = {"environ_overrides": {"REMOTE_ADDR": "2001:db8::ffff"}}
    assert log_in(client, **same).status_code == 429
    other = {"environ_overrides": {"REMOTE_ADDR": "2001:db8:0:1::1"}}
    assert log_in(client, **other).status_code == 303


def test_the_guesses_of_others_lock_nobody_out_who_was_here_before(app):
    mine, theirs = app.test_client(), app.test_client()
    assert log_in(mine).status_code == 303
    attacker = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.7"}}
    for _ in range(8):
        log_in(theirs, password="wrong", **attacker)
    assert log_in(theirs, password="wrong", **attacker).status_code == 429
    mine.delete_cookie("session")
    assert log_in(mine).status_code == 303


def test_a_new_password_lets_in_who_was_locked_out(client, engine):
    for _ in range(6):
        log_in(client, password="wrong")
    with writing(engine) as session:
        hashed = users.new_password("ada", "another long password")
        users.set_password(session, "ada", hashed, who="root", now=NOW)
    assert log_in(client, password="another long password").status_code == 303


@pytest.mark.parametrize("change", ["password", "remove", "another"])
def test_a_password_that_is_taken_away_while_it_is_compared_lets_nobody_in(
    client, engine, monkeypatch, change
):
    add_user(engine, "root")
    matches, hashed = passwords.matches, passwords.hashed("another long password")

    def slow(kept, word):
        with writing(engine) as session:
            if change == "password":
                users.set_password(session, "ada", hashed, who="root", now=NOW)
            else:
                users.remove(session, "ada", who="root", now=NOW)
            if change == "another":
                users.add_user(session, "eve", "admin", password=hashed, who="root", now=NOW)
        return matches(kept, word)

    monkeypatch.setattr(passwords, "matches", slow)
    assert log_in(client).status_code == 403
    assert client.get("/").status_code == 303
    assert running(engine) == []


def test_an_old_hash_is_made_anew_at_the_login(client, engine):
    from argon2 import PasswordHasher  # noqa: PLC0415 -- for this alone.

    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with writing(engine) as session:
        users.set_password(session, "ada", weak, who="root", now=NOW)
    assert log_in(client).status_code == 303
    from slo.store import users as kept  # noqa: PLC0415 -- for this alone.

    with reading(engine) as session:
        hashed = kept.password_of(session, kept.named(session, "ada").id)
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    client.delete_cookie("session")
    assert log_in(client).status_code == 303


def test_a_login_form_of_another_site_is_refused(client):
    client.get("/login")
    form = {"name": "ada", "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 403
    assert client.post("/login", data={**form, "csrf": "x"}).status_code == 403
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert log_in(client, headers=cross).status_code == 403
    assert client.get("/").status_code == 303


@pytest.mark.parametrize(
    "bad",
    [
        "//evil.example/",
        "//[",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "evil.example",
        "javascript:alert(1)",
        "/a\nLocation: x",
        "/login?next=/",
        "/logout",
        "",
        "/" + "a" * 3000,
    ],
)
def test_the_login_leads_to_pages_of_this_site_only(bad):
    assert local(bad) == "/"


def test_an_origin_that_is_no_url_is_another_site(client):
    for origin in ("http://[", "null", "", "evil.example"):
        assert log_in(client, headers={"Origin": origin}).status_code == 403
    assert client.get("/").status_code == 303


@pytest.mark.parametrize("good", ["/", "/[", "/slo/a/b?range=6h", "/reports/2026-10#a", "/a%0Ab"])
def test_the_login_leads_on_to_where_one_was_going(good):
    assert local(good) == good


def test_who_is_logged_in_is_sent_on_from_the_login_page(client):
    log_in(client)
    answer = client.get("/login?next=/alerts")
    assert (answer.status_code, answer.location) == (303, "/alerts")


def test_where_nobody_has_to_log_in_the_login_page_leads_on(engine):
    client = create_app(engine, clock=lambda: NOW, loaded=site_of(auth="none")).test_client()
    assert client.get("/login").location == "/"


def test_before_the_first_user_the_login_page_says_how_to_make_one(engine):
    client = create_app(engine, clock=lambda: NOW, loaded=site_of(auth="users")).test_client()
    assert "slo user add NAME --role admin" in client.get("/login").text


def test_a_password_in_the_clear_is_refused_where_tls_is_meant(engine):
    add_user(engine)
    loaded = site_of("https://slo.example.com", auth="users")
    client = create_app(engine, clock=lambda: NOW, loaded=loaded).test_client()
    plain = {"base_url": "http://slo.example.com"}
    answer = log_in(client, **plain)
    assert answer.status_code == 403
    assert "site.proxies" in answer.text
    assert log_in(client, **TLS).status_code == 303


def test_the_audit_names_the_login_whatever_the_form_says(client, engine):
    log_in(client)
    form = {"scope": "*", "for": "2h", "why": "x", "who": "somebody else", "all": "1"}
    form["csrf"] = field_of(client.get("/account").text)
    assert client.post("/silences", data=form).status_code == 303
    assert [e.who for e in audited(engine, "silence")] == ["ada"]


def test_who_is_logged_out_and_sends_a_form_is_led_to_the_login(client, engine):
    add_user(engine, "bo")
    answer = client.post("/silences", data={"scope": "*"}, headers=OWN)
    assert answer.status_code == 403
    assert "<h1>You are not logged in any more</h1>" in answer.text
    assert "Nothing was changed." in answer.text
    assert '<a href="/login">Log in</a>' in answer.text


def test_who_may_not_do_something_is_told_in_plain_words(client, engine):
    add_user(engine, "bo", "viewer")
    answer = logged_in(client, engine, "bo", NOW).get("/access")
    assert answer.status_code == 403
    assert "<h1>This is not allowed</h1>" in answer.text
    assert "Your role does not let you administer this." in answer.text


def test_a_form_without_its_token_changes_nothing(client, engine):
    log_in(client)
    form = {"scope": "*", "for": "2h", "why": "x", "all": "1"}
    assert client.post("/silences", data=form, headers=OWN).status_code == 403
    assert client.post("/silences", data={**form, "csrf": "0" * 64}).status_code == 403
    assert client.post("/logout").status_code == 403
    assert audited(engine, "silence") == []


def test_json_by_a_cookie_must_come_from_the_site_itself(client, engine):
    log_in(client)
    body = {"scope": "*", "until": "2h", "why": "x", "all": True}
    assert client.post("/api/v1/silences", json=body).status_code == 403
    foreign = {"Origin": "http://evil.example"}
    assert client.post("/api/v1/silences", json=body, headers=foreign).status_code == 403
    form = {"data": "{}", "content_type": "text/plain"}
    assert client.post("/api/v1/silences", headers=OWN, **form).status_code == 415
    assert audited(engine, "silence") == []
    assert client.post("/api/v1/silences", json=body, headers=OWN).status_code == 201
    own = {"Origin": "http://localhost"}
    assert client.post("/api/v1/silences", json=body, headers=own).status_code == 201


def test_a_token_needs_no_origin(app, engine):
    body = {"scope": "*", "until": "2h", "why": "x", "all": True, "who": "mia"}
    headers = bearer(add_token(engine, "write", NOW))
    answer = app.test_client().post("/api/v1/silences", json=body, headers=headers)
    assert answer.status_code == 201
    assert [e.who for e in audited(engine, "silence")] == ["token write"]


def test_a_token_beside_a_cookie_is_what_counts(client, engine):
    log_in(client)
    headers = bearer(add_token(engine, "metrics", NOW))
    assert client.get("/", headers=headers).status_code == 403

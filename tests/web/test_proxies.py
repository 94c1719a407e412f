"""Which proxies are believed, and who comes through one that nobody told of."""

from __future__ import annotations

import pytest

from slo.access import users
from slo.store.engine import writing
from slo.web.app import create_app
from slo.web.proxies import is_proxy
from tests.support.logins import add_user, audited, log_in, site_of
from tests.web.world import NOW

FAR = {"X-Forwarded-For": "192.0.2.1"}


def make(engine, **site):
    return create_app(engine, clock=lambda: NOW, loaded=site_of(**site)).test_client()


def get(client, peer="127.0.0.1", **headers):
    """The status of `/`, asked for by this machine or by a proxy at `peer`."""
    return client.get("/", headers=headers, environ_overrides={"REMOTE_ADDR": peer}).status_code


def test_as_many_proxies_are_believed_as_there_are(engine):
    add_user(engine)
    said = {
        "X-Forwarded-For": "198.51.100.9, 192.0.2.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "slo.example.com",
    }
    login = make(engine).get("/login", headers=said)
    assert "Secure" not in login.headers["Set-Cookie"]
    login = make(engine, proxies=1).get("/login", headers=said)
    assert login.headers["Set-Cookie"].startswith("__Host-login=")
    assert "Strict-Transport-Security" in login.headers


def test_throttling_sees_who_asked_the_first_proxy(engine):
    add_user(engine)
    client = make(engine, proxies=1)
    for n in range(21):
        # What somebody claims before our proxy adds what it sees.
        said = {"X-Forwarded-For": f"10.0.0.{n}, 192.0.2.1", "X-Forwarded-Proto": "http"}
        last = log_in(client, f"name{n}", "x", headers=said)
    assert last.status_code == 429
    other = {"X-Forwarded-For": "192.0.2.1, 192.0.2.2", "X-Forwarded-Proto": "http"}
    assert log_in(client, "ada", headers=other).status_code == 303


def test_a_new_connection_to_the_proxy_is_no_new_address(engine):
    client = make(engine, proxies=1)
    for n in range(21):
        said = {"X-Forwarded-For": f"192.0.2.1:{40_000 + n}", "X-Forwarded-Proto": "http"}
        last = log_in(client, f"name{n}", "x", headers=said)
    assert last.status_code == 429


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("198.51.100.9:1, 192.0.2.1:2", "192.0.2.1"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        # What is no address: whoever it is, they came through this proxy.
        ("unknown", "10.0.0.5"),
        ("_hidden:80", "10.0.0.5"),
        ("[", "10.0.0.5"),
        ("192.0.2.1:x:y", "10.0.0.5"),
        ("", "10.0.0.5"),
    ],
)
def test_who_asks_the_proxy_is_an_address_however_the_proxy_writes_it(engine, said, seen):
    client = make(engine, proxies=1)
    headers = {"X-Forwarded-For": said, "X-Forwarded-Proto": "http"}
    log_in(client, "x", headers=headers, environ_overrides={"REMOTE_ADDR": "10.0.0.5"})
    assert audited(engine, "login-failed")[0].detail["address"] == seen


def test_who_comes_through_a_proxy_is_not_this_machine(engine):
    client = make(engine, proxies=1)
    assert get(client, **{"X-Forwarded-For": "192.0.2.1"}) == 303


def test_a_change_through_a_proxy_comes_from_the_name_that_the_browser_used(engine):
    add_user(engine)
    client = make(engine, proxies=1)
    said = {
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "slo.example.com",
        "Origin": "https://slo.example.com",
    }
    assert log_in(client, headers=said).status_code == 303


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Host": "localhost"},
        {"X-Forwarded-Proto": "http"},
        {"X-Real-IP": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
@pytest.mark.parametrize("proxies", [0, 1])
def test_who_is_passed_on_by_a_proxy_here_is_not_this_machine(engine, header, proxies):
    client = make(engine, proxies=proxies)
    assert get(client) == 200
    assert get(client, **header) == 303
    answer = client.get("/metrics", headers=header)
    assert answer.status_code == 401


def test_nobody_claims_to_be_this_machine_once_the_last_user_is_gone(engine):
    add_user(engine)
    client = make(engine, proxies=1)
    with writing(engine) as session:
        users.remove(session, "ada", who="tests", now=NOW, last=True)
    # Straight to the port of a service that listens to all, as if a proxy had sent it.
    claim = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost"}
    for peer in ("192.168.0.9", "198.51.100.7", "127.0.0.1"):
        assert get(client, peer, **claim) == 303


@pytest.mark.parametrize(
    ("peer", "addresses", "believed"),
    [
        ("127.0.0.1", (), True),
        ("10.1.2.3", (), True),
        ("100.64.0.1", (), True),
        ("fd00::1", (), True),
        ("fe80::1%eth0", (), True),
        ("::ffff:10.0.0.1", (), True),
        ("8.8.8.8", (), False),
        ("2606:4700::1", (), False),
        ("::ffff:8.8.8.8", (), False),
        ("", (), False),
        ("10.1.2.3", ("10.1.0.0/16",), True),
        ("10.2.0.1", ("10.1.0.0/16", "::1/128"), False),
        ("127.0.0.1", ("10.1.0.0/16",), False),
        ("8.8.8.8", ("8.8.8.8/32",), True),
    ],
)
def test_a_proxy_is_known_by_its_address(peer, addresses, believed):
    assert is_proxy(peer, addresses) == believed


def test_only_a_proxy_of_ours_says_who_asks(engine):
    add_user(engine)
    client = make(engine, proxies=1, proxy_addresses=("10.0.0.5/32",))
    said = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    for peer, name in (("10.0.0.5", "__Host-login="), ("10.0.0.6", "login=")):
        answer = client.get("/login", headers=said, environ_overrides={"REMOTE_ADDR": peer})
        assert answer.headers["Set-Cookie"].startswith(name)


def test_a_proxy_that_is_not_believed_is_told_of_once(engine, caplog):
    add_user(engine)
    client = make(engine)
    for _ in range(3):
        get(client, **FAR)
    (told,) = [r.getMessage() for r in caplog.records if r.name == "slo.web.proxies"]
    assert "site.proxies" in told
    caplog.clear()
    get(make(engine, proxies=1), **FAR)
    assert caplog.records == []

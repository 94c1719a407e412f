"""Who has to log in, and which addresses `slo serve` may listen on."""

from __future__ import annotations

import socket

import pytest

from slo.access.mode import (
    OpenError,
    ensure_closed,
    is_loopback,
    is_loopback_name,
    mode_of,
    only_loopback,
)
from slo.config.settings import Oidc, SiteSettings

OIDC = Oidc("https://idp.example", "a", "b", default_role="viewer")


@pytest.mark.parametrize(
    ("site", "users", "mode"),
    [
        (SiteSettings(), False, "loopback"),
        (SiteSettings(), True, "login"),
        (SiteSettings("none"), False, "open"),
        (SiteSettings("none"), True, "open"),
        (SiteSettings("users"), False, "login"),
        (SiteSettings("oidc", oidc=OIDC), False, "login"),
        (SiteSettings(oidc=OIDC), False, "login"),
    ],
)
def test_the_mode_follows_from_slo_yaml_and_whether_there_are_users(site, users, mode):
    assert mode_of(site, users=users) == mode


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "localhost", "0:0:0:0:0:0:0:1"]
)
def test_addresses_that_reach_this_machine_alone(host):
    assert only_loopback(host)
    ensure_closed(SiteSettings(), host, users=False)


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "::",
        "",
        "192.0.2.1",
        "::ffff:192.0.2.1",
        "::ffff:0.0.0.0",
        "0",
        "no.such.invalid",
    ],
)
def test_addresses_that_let_others_in_need_a_login(host):
    assert not only_loopback(host)
    with pytest.raises(OpenError) as caught:
        ensure_closed(SiteSettings(), host, users=False)
    for remedy in ("slo user add NAME --role admin", "site.oidc", "site: {auth: none}"):
        assert remedy in str(caught.value)


@pytest.mark.parametrize(
    ("site", "users"),
    [
        (SiteSettings(), True),
        (SiteSettings("none"), False),
        (SiteSettings("users"), False),
        (SiteSettings("oidc", oidc=OIDC), False),
    ],
)
def test_any_address_will_do_once_somebody_said_who_gets_in(site, users):
    ensure_closed(site, "0.0.0.0", users=users)


@pytest.mark.parametrize(
    ("found", "only"),
    [
        (["127.0.0.1"], True),
        (["127.0.0.1", "::1"], True),
        (["127.0.0.1", "192.0.2.1"], False),
        (["::1%lo"], True),
        (["fe80::1%eth0"], False),
        ([], False),
    ],
)
def test_a_name_is_judged_by_all_that_it_resolves_to(monkeypatch, found, only):
    answers = [(0, 0, 0, "", (address, 0)) for address in found]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    assert only_loopback("some.name") == only


@pytest.mark.parametrize("text", ["", "localhost", "not an address", "256.0.0.1"])
def test_what_is_no_address_is_not_loopback(text):
    assert not is_loopback(text)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("localhost", True),
        ("LocalHost.", True),
        ("x.localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost.example.com", False),
        ("notlocalhost", False),
        ("127.0.0.1.example.com", False),
        ("0.0.0.0", False),
        ("", False),
    ],
)
def test_names_of_this_machine(name, own):
    assert is_loopback_name(name) == own

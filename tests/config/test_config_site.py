"""`site:` of slo.yaml: what it means, and what is wrong with it."""

from __future__ import annotations

import pytest

from slo.config import ConfigError, parse
from slo.config.settings import Oidc, SiteSettings

BASE = "services: {a: {slos: {b: {objective: 99%, slices: {query: m, at_least: 0}}}}}\n"
URL = "url: https://slo.example.com\n"
WHERE = "issuer: https://idp.example/, client_id: slo, client_secret: '${SECRET}'"
ENV = {"SECRET": "very secret"}


def site_of(text):
    return parse(BASE + text, "slo.yaml", ENV).site


def faults_of(text):
    with pytest.raises(ConfigError) as caught:
        parse(BASE + text, "slo.yaml", ENV)
    return [str(fault) for fault in caught.value.faults]


def test_nothing_said_is_nothing_decided():
    assert site_of("") == SiteSettings()
    assert site_of("site: {}") == SiteSettings()


def test_every_key():
    hosts = "[SLO.Example.com, 10.0.0.1, '::1']"
    text = f"site: {{auth: users, public: [status, metrics], hosts: {hosts}, proxies: 2, "
    text += "proxy_addresses: [10.1.0.0/16, '::1']}"
    assert site_of(text) == SiteSettings(
        "users",
        ("status", "metrics"),
        ("slo.example.com", "10.0.0.1", "::1"),
        2,
        ("10.1.0.0/16", "::1/128"),
    )


def test_a_provider():
    roles = "roles: {sre: admin, dev: editor}, default_role: viewer"
    site = site_of(f"{URL}site: {{oidc: {{{WHERE}, {roles}}}}}")
    assert site.auth == "oidc"
    # A slash at its end is part of the name that a provider calls itself.
    assert site.oidc == Oidc(
        "https://idp.example/",
        "slo",
        "very secret",
        roles=(("sre", "admin"), ("dev", "editor")),
        default_role="viewer",
    )
    assert "very secret" not in repr(site)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("site: {auth: maybe}", "site: auth: 'maybe' is not known"),
        ("site: {auth: none, pubic: [status]}", "unknown key; did you mean `public`?"),
        ("site: {public: [everything]}", "public.0: 'everything' is not known"),
        ("site: {hosts: ['https://a.b']}", "hosts.0: 'https://a.b' is not the name of a host"),
        ("site: {hosts: ['a.b:80']}", "is not the name of a host"),
        ("site: {hosts: ['a..b']}", "is not the name of a host"),
        ("site: {proxies: 11}", "proxies: must lie from 0 to 10"),
        ("site: {proxies: -1}", "proxies: must lie from 0 to 10"),
        ("site: {proxies: many}", "'many' is not a number of proxies"),
        ("site: {proxies: 1, proxy_addresses: [a.b]}", "'a.b' is no address or network"),
        ("site: {proxies: 1, proxy_addresses: [10.0.0.1/8]}", "is no address or network"),
        ("site: {proxy_addresses: [10.0.0.1]}", "are of no use without proxies"),
        ("site: {auth: oidc}", "auth: needs the provider"),
        (f"{URL}site: {{auth: users, oidc: {{{WHERE}, default_role: viewer}}}}", "auth: is users"),
        (f"site: {{oidc: {{{WHERE}, default_role: viewer}}}}", "oidc: needs url at the top"),
        (f"{URL}site: {{oidc: {{{WHERE}}}}}", "oidc.roles: is empty, so nobody is let in"),
        (f"{URL}site: {{oidc: {{{WHERE}, roles: {{a: boss}}}}}}", "roles.a: 'boss' is not known"),
        (
            f"{URL}site: {{oidc: {{{WHERE}, scopes: [email], default_role: viewer}}}}",
            "scopes: must hold openid",
        ),
        (
            f"{URL}site: {{oidc: {{{WHERE.replace('https', 'http')}, default_role: viewer}}}}",
            "issuer: must begin with https://",
        ),
        (f"{URL}site: {{oidc: {{client_id: a, default_role: viewer}}}}", "oidc.issuer: is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text, told):
    faults = faults_of(text)
    assert any(told in fault for fault in faults), faults
    assert all(fault.startswith("slo.yaml:") for fault in faults)
    assert "very secret" not in str(faults)


@pytest.mark.parametrize("host", ["localhost:8443", "127.0.0.1", "[::1]:80/realm"])
def test_a_provider_on_this_machine_needs_no_tls(host):
    where = WHERE.replace("https://idp.example/", f"http://{host}")
    text = f"{URL}site:\n  oidc:\n    default_role: viewer\n    " + where.replace(", ", "\n    ")
    assert site_of(text).oidc.issuer == f"http://{host}"


def test_a_host_that_only_begins_like_this_machine_does():
    where = WHERE.replace("https://idp.example/", "http://localhost.evil.example")
    assert "must begin with https://" in str(
        faults_of(f"{URL}site: {{oidc: {{{where}, default_role: viewer}}}}")
    )

"""Receivers of every type, facts of every kind, and servers for them to meet."""

from __future__ import annotations

import ssl
from dataclasses import replace
from types import SimpleNamespace

import pytest

from slo.config.settings import Outbound, Receiver, Settings
from slo.domain.notification import Contributor, Facts, Notification
from tests.support.certificates import openssl
from tests.support.receiver_server import ReceiverServer

NOW = 1_795_206_000.25
"""2026-11-20 20:20 UTC."""
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = {
    "pagerduty": "R0UTINGKEYR0UTINGKEYR0UTINGKEY99",
    "alertmanager": "am-bearer-token-4711",
    "slack": "T0000SECRET/B0000SECRET/XXXXSECRET",
    "teams": "sig=teams-signature-4711",
    "opsgenie": "genie-key-0815-4711",
    "webhook": "hook-path-secret-4711",
    "email": "smtp-password-4711",
    "apprise": "apprise-token-4711",
}
HTTP_TYPES = ("pagerduty", "alertmanager", "slack", "teams", "opsgenie", "webhook")


def receiver_at(kind, url, **fields):
    """A receiver of this type at a server of the test; its secret is that of `SECRETS`."""
    secret = SECRETS[kind]
    options = {
        "pagerduty": {"routing_key": secret, "url": f"{url}/v2/enqueue"},
        "alertmanager": {"url": url, "bearer_token": secret, "labels": (("cluster", "eu"),)},
        "slack": {"url": f"{url}/services/{secret}"},
        "teams": {"url": f"{url}/workflows/1?{secret}"},
        "opsgenie": {"url": url, "api_key": secret, "team": "payments", "tags": ("slo", "burn")},
        "webhook": {"url": f"{url}/hooks/{secret}", "secret": SIGNING},
    }[kind]
    options |= fields.pop("options", {})
    return Receiver("there", kind, tuple(sorted(options.items())), **fields)


def facts(kind="opened", **fields):
    """Facts of an incident with plain values."""
    given = {
        "kind": kind,
        "severity": "page",
        "dedup_key": "slo-prod-eu/incident/142",
        "title": "checkout/availability burns its error budget",
        "summary": "burned 16.2x over 1h and 15.8x over 5m; pages at 14.4x",
        "at": 1_795_205_700,
        "service": "checkout",
        "installation": "slo-prod-eu",
        "incident": 142,
        "slos": ("checkout/availability",),
        "owner": "payments",
        "runbook": "https://runbooks.example.com/checkout",
        "labels": (("team", "pay"), ("tier", "1")),
        "opened_at": 1_795_205_700,
        "resolved_at": 1_795_205_900 if kind in {"resolved", "budget-over"} else None,
        "objective": "99.9%",
        "window": "30d",
        "budget_remaining": 0.613,
        "burn_rates": (("1h", 16.2), ("5m", 15.8), ("3d", None)),
        "exhausted_at": 1_795_292_100,
        "contributors": (Contributor('{"code":"500"}', 812, 20_000), Contributor("other", 3, 9)),
        "url": "https://slo.example.com/incidents/142",
    }
    return Facts(**{**given, **fields})


def notification(of=None, **fields):
    """A message of the outbox."""
    of = facts() if of is None else of
    given = {
        "id": 1,
        "msg_id": "msg_abcdefghijklmnopqrstuvwxyz",
        "receiver": "there",
        "subject": "incident/142",
        "transition": of.kind,
        "facts": of,
        "state": "pending",
        "attempts": 1,
        "next_at": NOW,
        "created_at": NOW,
        "expires_at": NOW + 3600,
    }
    return Notification(**{**given, **fields})


def hostile(kind="opened", size=10_000):
    """Facts whose every text is long and holds line ends, markup and control characters."""
    text = (
        "x\r\nBcc: a@b.example\r\n\r\n<script>&lt;[l](http://e) *b* <!here> \x00\x1b\u202e\ud800 ğ"
    )
    text = (text * (size // len(text) + 1))[:size]
    return facts(
        kind,
        title=text,
        summary=text,
        dedup_key="slo/" + text,
        service=text,
        installation=text,
        slos=(text,) * 20,
        owner=text,
        runbook="javascript:alert(1)//" + text,
        labels=tuple((f"{i}{text}", text) for i in range(20)),
        objective=text,
        window=text,
        burn_rates=((text, 1.5),) * 20,
        contributors=(Contributor('{"a":' + text, 1, 2), Contributor(text, 1, 2)) * 10,
        url="http://x/\r\n" + text,
    )


def settings(port=80, **fields):
    """Settings under which a server of the test may be reached."""
    outbound = Outbound(("127.0.0.0/8", "::1/128"), (port,))
    given = {"sources": (), "slos": (), "outbound": outbound, "name": "slo-prod-eu"}
    return Settings(**{**given, **fields})


@pytest.fixture
def server():
    with ReceiverServer() as server:
        yield server


@pytest.fixture(scope="session")
def make():
    """The helpers above, for tests."""
    return SimpleNamespace(
        NOW=NOW,
        SECRETS=SECRETS,
        SIGNING=SIGNING,
        receiver=receiver_at,
        facts=facts,
        notification=notification,
        hostile=hostile,
        settings=settings,
        replace=replace,
    )


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A server's TLS context whose certificate is of `localhost` alone, and its file."""
    folder = tmp_path_factory.mktemp("tls")
    openssl(
        folder,
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=DNS:localhost"),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return SimpleNamespace(context=context, file=folder / "cert.pem")

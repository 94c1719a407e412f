from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from slo.config import ConfigError, Outbound, PostmortemSettings, QuietHours, Route, load, parse

HERE = "§"
SHORT = "SLO: {availability: 99.9%}\n"
HOOK = "receivers: {a: {type: webhook, url: 'https://h.example.com', "
MAIL = "receivers: {a: {type: email, host: h, from: f@x.example, to: [t@x.example], "
AM = "receivers: {a: {type: alertmanager, "
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def settings(text, env=None):
    return parse(f"{text}\n{SHORT}", "slo.yaml", env or {})


def receiver(text):
    return settings(text).receivers[0]


def faults(text, env=None):
    with pytest.raises(ConfigError) as caught:
        settings(text, env)
    return caught.value.faults


def ensure_fault(text, message):
    before, _, after = text.partition(HERE)
    (fault,) = faults(before + after)
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert (fault.line, fault.column) == place, fault
    assert message in str(fault)


def test_options_are_sorted_texts_tuples_and_pairs():
    found = receiver(
        HOOK + f"secret: [{KEY}, 'sixteen letters!'], headers: {{X-B: b, X-A: a}}, "
        "body: hook.j2, content_type: text/plain, username: u, password: p, timeout: 5s, "
        "send_resolved: false}}"
    )
    assert found.options == (
        ("body", str(Path("hook.j2").absolute())),
        ("content_type", "text/plain"),
        ("headers", (("X-A", "a"), ("X-B", "b"))),
        ("password", "p"),
        ("secret", (KEY, "sixteen letters!")),
        ("url", "https://h.example.com"),
        ("username", "u"),
    )
    assert (found.timeout, found.send_resolved) == (timedelta(seconds=5), False)
    assert found.pairs("headers") == (("X-A", "a"), ("X-B", "b"))
    assert found.texts("secret") == (KEY, "sixteen letters!")


def test_the_other_types_have_their_keys():
    am = receiver(AM + "urls: ['https://a', 'https://b'], bearer_token: t, labels: {x: y}}}")
    assert am.texts("urls") == ("https://a", "https://b")
    assert am.pairs("labels") == (("x", "y"),)
    assert receiver(MAIL + "tls: starttls}}").text("tls") == "starttls"
    genie = "receivers: {a: {type: opsgenie, api_key: k, team: t, tags: [b, a]}}"
    assert receiver(genie).texts("tags") == ("b", "a")
    assert receiver("receivers: {a: {type: apprise, url: 'ntfy://x'}}").text("url") == "ntfy://x"


def test_no_secret_is_shown():
    text = (
        HOOK + "secret: 'hunter2 hunter2 hunter2', bearer_token: hunter2, headers: {X: hunter2}}}"
    )
    assert "hunter2" not in repr(settings(text + "\nheartbeat: https://h.example.com/hunter2"))


@pytest.mark.parametrize(
    "text",
    [
        HOOK + "secret: '${S}'}}",
        HOOK + "secret: ['${S}']}}",
        HOOK + "secret: hunter2}}",
        HOOK + "secret: whsec_hunter2}}",
        HOOK + "headers: {X: '${S}\u00e9'}}}",
        "receivers: {a: {type: webhook, url: '${S}'}}",
        "receivers: {a: {type: apprise, url: '${S}'}}",
        "receivers: {a: {type: email, host: h, from: '${S}', to: [t@x]}}",
        HOOK + "fallback: '${S}'}}",
        "heartbeat: '${S}'",
        "url: '${S}'",
        "name: '${S} '",
        "outbound: {allow: ['${S}']}",
        "quiet_hours: {from: '${S}', to: '1:00'}",
        "alerts: {budget: ['${S}']}",
        "alerts: {page-1h: {factor: '${S}'}}",
        "alerts: {page-1h: '${S}'}",
        "routes: [{receivers: ['${S}']}]",
        "routes: [{receivers: [], service: '${S}'}]",
        "no_data: '${S}'",
    ],
)
def test_faults_never_repeat_what_may_be_secret(text):
    found = faults(text, {"S": "hunter2"})
    assert found
    assert not any("hunter2" in str(fault) for fault in found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HOOK + "secret: §short}}", "receivers/a: secret: is too short"),
        (HOOK + f"secret: ['{KEY}', §short]}}}}", "secret.1: is too short"),
        (HOOK + "secret: §whsec_AAAA}}", "must hold 24 to 64 bytes"),
        (HOOK + f"secret: §whsec_{'A' * 88}}}}}", "must hold 24 to 64 bytes"),
        (HOOK + "secret: §whsec_%%%}}", "is not base64"),
        (HOOK + "§secret: []}}", "must be a secret, or a list of them"),
        (HOOK + "secret: §1234567890123456}}", "a number needs quotes"),
        (HOOK + "§username: a}}", "needs password beside it"),
        (HOOK + "§password: a}}", "needs username beside it"),
        (HOOK + "username: a, password: b, §bearer_token: c}}", "cannot stand beside username"),
        (HOOK + "headers: {§hOst: a}}}", "cannot be set here; url says where it goes"),
        (HOOK + "headers: {§Content-Type: a}}}", "write content_type instead"),
        (HOOK + "headers: {§Content-Length: a}}}", "the sender counts it"),
        (HOOK + "headers: {§Webhook-Id: a}}}", "carry the signature"),
        (HOOK + "headers: {§X A: a}}}", "is not the name of an HTTP header"),
        (HOOK + 'headers: {X: §"a\\r\\nb"}}}', "one line of ASCII text"),
        (HOOK + "bearer_token: t, headers: {§authorization: a}}}", "cannot stand beside username"),
        (HOOK + "§content_type: text/plain}}", "needs body"),
        (HOOK + "§labels: {a: b}}}", "is no key of webhook; allowed: type, url, secret"),
        (HOOK + "timeout: §3m}}", "is too long for one attempt; at most 2m"),
        (HOOK + "fallback: §b}}", "'b' is not a declared receiver; declared: a"),
        (HOOK + "fallback: §a}}", "is the receiver itself; name another receiver"),
        (AM + "url: 'http://a', §urls: ['http://b']}}", "cannot stand beside url"),
        (AM + "urls: ['http://a', §nowhere]}}", "urls.1: is not a URL"),
        (AM + "§urls: []}}", "is empty; write at least one address"),
        (AM + "url: 'http://a', labels: {§0a: b}}}", "is not a label name"),
        ("receivers: {§a: {type: alertmanager}}", "needs url, or urls for several"),
        ("receivers: {a: {type: apprise, url: §nowhere}}", "is not an address of Apprise"),
        ("receivers: {a: {type: slack, url: §'http://u:p@h'}}", "write username and password"),
        (MAIL + "tls: §ssl}}", "allowed: starttls, tls, none"),
        (
            "receivers: {a: {type: email, host: h, from: §f, to: [t@x]}}",
            "from: is not an address",
        ),
        ("routes: [§{severity: page}]", "routes: 0.receivers: is missing"),
        ("routes: [{§receivers: []}]", "is empty; write at least one receiver"),
        ("routes: [{receivers: [§a]}]", "0.receivers.0: 'a' is not a declared receiver"),
        ("routes: §pager", "must be a mapping such as {page: [pager]}, or a list of routes"),
        ("quiet_hours: {from: §25:00, to: 07:00}", "'25:00' is not a time of day"),
        ("quiet_hours: {from: 22:00, to: §22:00}", "must differ from from"),
        ("§quiet_hours: {from: 22:00}", "to: is missing"),
        ("quiet_hours: {from: 22:00, to: 07:00, days: [§monday]}", "did you mean `mon`?"),
        ("quiet_hours: {from: 22:00, to: 07:00, §days: []}", "write at least one day"),
        ("quiet_hours: {from: 22:00, to: 07:00, zone: §Berlin}", "is not a time zone"),
        ("outbound: {allow: [§10.0.0.1/8]}", "is an address inside a network; write 10.0.0.0/8"),
        ("outbound: {allow: [§localhost]}", "is not a network"),
        ("outbound: {ports: [§0]}", "is not a port"),
        ("heartbeat: §nowhere", "is not a URL"),
        ("postmortems: {required_over: §0%}", "is not a share of the budget"),
        ("url: §https://a/?x=1", "must end with its path"),
        ("name: §'a b'", "is not a name of at most 64 letters"),
        (f"name: §{'a' * 65}", "is not a name of at most 64 letters"),
    ],
)
def test_faults_name_their_place(text, message):
    ensure_fault(text, message)


def test_fallbacks_in_a_circle_are_told_once():
    text = """\
receivers:
  a: {type: slack, url: "https://h.example.com", fallback: §b}
  b: {type: slack, url: "https://h.example.com", fallback: c}
  c: {type: slack, url: "https://h.example.com", fallback: a}
  d: {type: slack, url: "https://h.example.com", fallback: a}
"""
    ensure_fault(text, "goes in a circle: a -> b -> c -> a")


CHATS = """\
receivers:
  a: {type: slack, url: "https://h.example.com/a", fallback: b}
  b: {type: slack, url: "https://h.example.com/b"}
"""


def test_routes_as_a_list():
    text = """\
routes:
  - {receivers: [a], service: default, labels: {t: x}}
  - {severity: page, owner: o, receivers: [b]}
"""
    found = settings(CHATS + text)
    labels = (("t", "x"),)
    assert found.routes == (
        Route("page", ("a",), service="default", labels=labels),
        Route("ticket", ("a",), service="default", labels=labels),
        Route("page", ("b",), owner="o"),
    )
    assert found.warnings == (
        "routes: no SLO fits the route to a by its service and t",
        "routes: no SLO fits the route to b by its owner",
    )


def test_a_route_of_an_unknown_service_is_a_fault():
    ensure_fault(CHATS + "routes: [{receivers: [a], service: §defualt}]", "did you mean `default`?")
    ensure_fault(CHATS + "routes: [{receivers: [a], severity: §paeg}]", "did you mean `page`?")


def test_a_fallback_counts_as_named():
    assert settings(CHATS + "routes: {page: [a]}").warnings == ()
    assert settings(CHATS + "routes: {page: [b]}").warnings == (
        "receivers/a gets nothing, since no route names it",
    )


def test_what_will_be_refused_when_it_is_used_is_a_warning():
    text = "routes: {page: [a]}\n" + AM + "url: 'http://127.0.0.1:9093'}}"
    port, address = settings(text).warnings
    assert port == "receivers/a is at port 9093, which is refused; add outbound: {ports: [9093]}"
    assert "allow it, as in outbound: {allow: [127.0.0.1]}" in address
    allowed = "\noutbound: {allow: [127.0.0.0/8], ports: [9093]}"
    assert settings(text + allowed).warnings == ()
    assert "port 81" in settings("heartbeat: http://h.example.com:81").warnings[0]
    mail = "routes: {page: [a]}\n" + MAIL + "username: u, password: p, tls: none}}"
    assert settings(mail).warnings[0].startswith("receivers/a sends its password unencrypted")


def test_the_rest_of_the_top():
    found = settings(
        "quiet_hours: {from: 22:00, to: 07:30, zone: Europe/Berlin, days: [tue, mon]}\n"
        "outbound: {allow: [10.0.0.0/8, 127.0.0.1, '::1'], ports: [9001, 9000]}\n"
        "heartbeat: https://h.example.com/x\n"
        "postmortems: {required_over: 30%, template: a/b.md}\n"
        "url: https://slo.example.com/\nname: slo-prod-eu\n"
    )
    assert found.quiet_hours == QuietHours(1320, 450, "Europe/Berlin", (0, 1))
    assert found.outbound == Outbound(("10.0.0.0/8", "127.0.0.1/32", "::1/128"), (9000, 9001))
    assert found.heartbeat == "https://h.example.com/x"
    assert found.postmortems == PostmortemSettings(Decimal("0.3"), Path("a/b.md").absolute())
    assert (found.url, found.name) == ("https://slo.example.com", "slo-prod-eu")


def test_templates_are_read_at_the_start(tmp_path):
    path = tmp_path / "slo.yaml"
    path.write_text(HOOK + "body: hook.j2}}\npostmortems: {template: pm.md}\n" + SHORT)
    (tmp_path / "pm.md").write_text("line\n{% if %}\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    body, template = caught.value.faults
    assert (body.line, template.line) == (1, 2)
    assert f"body: the template {tmp_path / 'hook.j2'} cannot be read: No such file" in body.message
    assert f"template {tmp_path / 'pm.md'} is wrong on line 2" in template.message
    (tmp_path / "hook.j2").write_bytes(b"\xff")
    (tmp_path / "pm.md").write_text("{{ incident }}\n")
    with pytest.raises(ConfigError, match=r"hook\.j2 is not UTF-8 text"):
        load(path, {})
    (tmp_path / "hook.j2").write_text("{{ title }}")
    assert load(path, {}).receivers[0].text("body") == str(tmp_path / "hook.j2")

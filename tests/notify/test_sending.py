"""What comes of an attempt: every status, every failure, every receiver."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from datetime import timedelta

import pytest

from slo.domain.delivery import Reply, judge
from slo.notify.sending import PAGER_SECONDS, deadline_of, ping, send
from slo.notify.transport import KEPT_BYTES, READ_BYTES, tls_context
from tests.support.receiver_server import ReceiverServer, close, raw, reset, status

HTTP_TYPES = ("pagerduty", "alertmanager", "slack", "teams", "opsgenie", "webhook")
every_type = pytest.mark.parametrize("kind", HTTP_TYPES)

_SPECIAL = {
    **dict.fromkeys((400, 415, 422), "dead"),
    **dict.fromkeys((401, 403, 404), "refused"),
    410: "gone",
    413: "shorten",
}


def sent(make, server, kind, message=None, lookup=None, **fields):
    receiver = make.receiver(kind, server.url, **fields)
    message = make.notification() if message is None else message
    return send(make.settings(server.port), receiver, message, make.NOW, lookup=lookup)


def shown(reply):
    """All of a reply's texts."""
    return f"{reply.error} {reply.body} {reply.ref} {reply.retry_after}"


@every_type
def test_every_status_has_the_decision_of_the_policy(kind, make, server):
    receiver, settings = make.receiver(kind, server.url), make.settings(server.port)
    message = make.notification()
    for number in range(200, 600):
        server.answer = status(number, "ok")
        reply = send(settings, receiver, message, make.NOW)
        expected = "delivered" if number < 300 else _SPECIAL.get(number, "retry")
        assert (reply.status, judge(reply).action) == (number, expected)
        assert bool(reply.error) == (number >= 300)
    assert len(server.seen) == 400


@every_type
def test_a_refused_connection_is_tried_again(kind, make):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    receiver = make.receiver(kind, f"http://127.0.0.1:{port}")
    reply = send(make.settings(port), receiver, make.notification(), make.NOW)
    assert (reply.status, reply.failure) == (None, "refused")
    assert (judge(reply).action, judge(reply).unclear) == ("retry", False)
    assert f"127.0.0.1:{port}" in reply.error


@every_type
def test_a_server_that_hangs_is_left_at_the_deadline(kind, make, server):
    server.answer = server.hang
    begun = time.monotonic()
    reply = sent(make, server, kind, timeout=timedelta(seconds=0.2))
    assert time.monotonic() - begun < 2
    assert (reply.status, reply.failure) == (None, "timeout")
    assert (judge(reply).action, judge(reply).unclear) == ("retry", True)


@every_type
@pytest.mark.parametrize("how", [reset, close])
def test_a_connection_that_is_cut_may_have_delivered(kind, how, make, server):
    server.answer = how
    reply = sent(make, server, kind)
    assert (reply.status, reply.failure) == (None, "reset")
    assert (judge(reply).action, judge(reply).unclear) == ("retry", True)


@every_type
def test_an_answer_that_is_no_http_is_tried_again(kind, make, server):
    server.answer = raw(b"220 mail.example.com ESMTP\r\n\r\n")
    assert sent(make, server, kind).failure == "protocol"


@every_type
def test_a_name_without_an_address_is_tried_again(kind, make, server):
    def lookup(*_):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    receiver = make.receiver(kind, f"http://nowhere.example.com:{server.port}")
    reply = send(make.settings(server.port), receiver, make.notification(), make.NOW, lookup=lookup)
    assert (reply.failure, judge(reply).action, judge(reply).unclear) == ("dns", "retry", False)


@every_type
def test_a_certificate_of_nobody_is_not_accepted(kind, make, certificate):
    with ReceiverServer(certificate.context) as server:
        reply = sent(make, server, kind)
        assert (reply.failure, judge(reply).action) == ("tls", "retry")
        assert "certificate" in reply.error
        assert server.seen == []


@every_type
def test_a_certificate_of_another_host_is_not_accepted(kind, make, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    with ReceiverServer(certificate.context) as server:
        # Its certificate names localhost, and the URL 127.0.0.1.
        reply = sent(make, server, kind)
        assert reply.failure == "tls"
        assert server.seen == []


@every_type
def test_a_certificate_of_an_authority_in_ssl_cert_file_is_accepted(
    kind, make, certificate, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    with ReceiverServer(certificate.context) as server:
        server.answer = status(200, "ok")
        receiver = make.receiver(kind, f"https://localhost:{server.port}")
        settings = make.settings(server.port)
        reply = send(
            settings, receiver, make.notification(), make.NOW, lookup=lambda *_: ["127.0.0.1"]
        )
        assert reply.status == 200
        assert len(server.seen) == 1


def test_certificates_and_names_are_always_verified():
    context = tls_context()
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"


def test_tls_that_never_begins_ends_at_the_deadline(make):
    """The server takes the connection and says nothing: no handshake comes about."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        receiver = make.receiver(
            "webhook", f"https://127.0.0.1:{port}", timeout=timedelta(seconds=0.2)
        )
        begun = time.monotonic()
        reply = send(make.settings(port), receiver, make.notification(), make.NOW)
    assert time.monotonic() - begun < 2
    assert (reply.failure, judge(reply).unclear) == ("refused", False)


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 "],
)
def test_the_deadline_holds_against_an_answer_that_comes_byte_by_byte(head, make, server):
    server.answer = server.drip(head)
    begun = time.monotonic()
    reply = sent(make, server, "webhook", timeout=timedelta(seconds=0.3))
    assert time.monotonic() - begun < 2
    assert (reply.status, reply.failure) == (None, "timeout")


def test_a_body_that_never_ends_does_not_take_the_status_back(make, server):
    server.answer = server.drip(b"HTTP/1.1 202 Accepted\r\nContent-Length: 9999\r\n\r\n")
    begun = time.monotonic()
    reply = sent(make, server, "webhook", timeout=timedelta(seconds=0.3))
    assert time.monotonic() - begun < 2
    assert reply.status == 202


def test_slack_must_have_said_ok_in_time(make, server):
    server.answer = server.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
    reply = sent(make, server, "slack", timeout=timedelta(seconds=0.3))
    assert (reply.status, judge(reply).action, judge(reply).unclear) == (200, "retry", True)


def test_of_a_long_answer_only_the_head_is_kept(make, server):
    server.answer = status(500, "ğ" * READ_BYTES)
    reply = sent(make, server, "webhook")
    assert 0 < len(reply.body.encode()) <= KEPT_BYTES
    assert set(reply.body) == {"ğ"}


def test_an_answer_may_hold_any_bytes(make, server):
    server.answer = raw(b"HTTP/1.1 500 Odd\r\nContent-Length: 4\r\n\r\n\xff\x00a\xfe")
    reply = sent(make, server, "webhook")
    assert reply.status == 500
    assert "a" in reply.body
    assert "\0" not in reply.body


def test_an_answer_that_comes_before_all_was_sent_counts(make, server):
    server.early = status(413)
    message = make.notification(make.facts(summary="x" * 3_000_000))
    assert sent(make, server, "webhook", message).status == 413


def test_retry_after_is_handed_on(make, server):
    server.answer = status(429, Retry_After="17")
    reply = sent(make, server, "pagerduty")
    assert (reply.retry_after, judge(reply).wait) == ("17", 17.0)


def test_a_receiver_at_an_address_that_is_not_allowed_pauses(make, server):
    receiver = make.receiver("webhook", server.url)
    settings = make.settings(server.port, outbound=type(make.settings().outbound)())
    reply = send(settings, receiver, make.notification(), make.NOW)
    assert (reply.failure, judge(reply).action) == ("forbidden", "refused")


def test_pagers_are_given_less_time_and_timeout_overrides(make):
    pager, hook = make.receiver("pagerduty", "http://x"), make.receiver("webhook", "http://x")
    assert (deadline_of(pager), deadline_of(hook)) == (PAGER_SECONDS, 15.0)
    assert deadline_of(make.receiver("webhook", "http://x", timeout=timedelta(seconds=5))) == 5.0


@every_type
@pytest.mark.parametrize("number", [200, 302, 400, 401, 429, 500])
def test_no_secret_is_in_what_is_kept_of_an_answer(kind, number, make, server):
    """The server repeats all that it was told: address, headers and body."""

    def echo(connection, seen):
        told = f"{seen.target} {json.dumps(seen.headers)} {seen.body.decode()[:1500]}"
        status(number, told, Retry_After="1")(connection, seen)

    server.answer = echo
    options = {"bearer_token": "hook-bearer-4711"} if kind == "webhook" else {}
    reply = sent(make, server, kind, options=options)
    assert reply.status == number
    told = shown(reply)
    assert "checkout" in told
    for secret in (make.SECRETS[kind], make.SIGNING, "hook-bearer-4711"):
        assert secret not in told
    assert "v1," not in told
    if kind == "slack":
        assert "XXXXSECRET" not in told


@every_type
def test_no_secret_is_in_the_words_for_a_failure(kind, make, server):
    for how in (reset, close, raw(b"\0\0"), server.hang):
        server.answer = how
        reply = sent(make, server, kind, timeout=timedelta(seconds=0.1))
        assert reply.error
        assert make.SECRETS[kind] not in shown(reply)
    for receiver in (make.receiver(kind, "http://127.0.0.1:1"), make.receiver(kind, "http://a b")):
        reply = send(make.settings(), receiver, make.notification(), make.NOW)
        assert reply.failure in {"forbidden", "dns"}
        assert make.SECRETS[kind] not in shown(reply)
        assert make.SECRETS[kind] not in repr(receiver)


def test_basic_auth_is_not_kept_where_a_server_repeats_it(make, server):
    server.answer = lambda c, seen: status(401, seen.headers["authorization"])(c, seen)
    login = {"username": "slo", "password": "pw-4711-pw"}
    reply = sent(make, server, "webhook", options=login)
    assert server.seen[0].headers["authorization"] == "Basic c2xvOnB3LTQ3MTEtcHc="
    assert "c2xvOnB3LTQ3MTEtcHc=" not in reply.body


@every_type
@pytest.mark.parametrize("kind_of_notice", ["opened", "raised", "resolved", "test"])
def test_any_text_makes_a_request_that_is_understood(kind, kind_of_notice, make, server):
    server.answer = status(200, "ok")
    message = make.notification(make.hostile(kind_of_notice))
    reply = sent(make, server, kind, message)
    assert judge(reply).action == "delivered"
    for seen in server.seen:
        assert seen.json()
        assert "bcc" not in seen.headers
        if kind == "webhook":
            continue
        # What people are shown holds no control characters and turns no writing around.
        text = json.dumps(seen.json(), ensure_ascii=False)
        assert not set("\x00\x1b\u202e\ud800") & set(text)
        assert "\\u001b" not in text
        assert "javascript:" not in text


def test_a_webhook_is_told_the_facts_as_they_are(make, server):
    title = "ğ </script> \u202e"
    sent(make, server, "webhook", make.notification(make.facts(title=title)))
    assert server.seen[0].json()["data"]["title"] == title


def test_a_heartbeat_is_asked_for(make, server):
    server.answer = status(200, "OK")
    reply = ping(make.settings(server.port), f"{server.url}/ping/secret-uuid?x=1", make.NOW)
    assert (reply.status, reply.error, reply.body) == (200, "", "")
    assert (server.seen[0].method, server.seen[0].target) == ("GET", "/ping/secret-uuid?x=1")
    assert server.seen[0].headers["user-agent"].startswith("slo-ledger/")


def test_a_heartbeat_that_fails_does_not_tell_its_path(make, server):
    server.answer = lambda c, seen: status(500, seen.target)(c, seen)
    for url in (f"{server.url}/ping/secret-uuid", "http://127.0.0.1:1/secret-uuid", "http://"):
        reply = ping(make.settings(server.port), url, make.NOW)
        assert reply.error
        assert "secret-uuid" not in shown(reply)


def test_one_member_of_a_cluster_that_takes_it_is_enough(make, server):
    server.answer = status(200)
    with ReceiverServer() as down:
        down.answer = status(500)
        urls = (down.url, server.url)
        receiver = make.replace(
            make.receiver("alertmanager", server.url), options=(("urls", urls),)
        )
        outbound = make.replace(make.settings().outbound, ports=(down.port, server.port))
        settings = make.settings(outbound=outbound)
        assert judge(send(settings, receiver, make.notification(), make.NOW)).action == "delivered"
        server.answer = status(400)
        assert send(settings, receiver, make.notification(), make.NOW).status == 500
        down.answer = status(400)
        assert send(settings, receiver, make.notification(), make.NOW).status == 400
        assert len(down.seen) == len(server.seen) == 3


def test_members_of_a_cluster_do_not_wait_for_each_other(make, server):
    server.answer = status(200)
    with ReceiverServer() as slow:
        slow.answer = slow.hang
        receiver = make.replace(
            make.receiver("alertmanager", server.url),
            options=(("urls", (slow.url, server.url)),),
            timeout=timedelta(seconds=0.3),
        )
        outbound = make.replace(make.settings().outbound, ports=(slow.port, server.port))
        reply = send(make.settings(outbound=outbound), receiver, make.notification(), make.NOW)
        assert reply.status == 200


def test_a_message_whose_content_cannot_be_written_is_dead():
    assert judge(Reply(failure="content", error="the template fails")).action == "dead"


def test_what_a_receiver_has_no_word_for_is_delivered_without_being_sent(make, server):
    message = make.notification(make.facts("acknowledged"))
    reply = sent(make, server, "alertmanager", message)
    assert (judge(reply).action, server.seen) == ("delivered", [])


# Its plug-ins import what Python has deprecated.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
class TestApprise:
    def test_it_tells_a_service(self, make, server):
        receiver = self._receiver(make, f"json://127.0.0.1:{server.port}/apprise-token-4711")
        server.answer = status(200)
        reply = send(make.settings(server.port), receiver, make.notification(), make.NOW)
        assert judge(reply).action == "delivered"
        told = server.seen[0].json()
        assert told["title"] == "#142 checkout/availability burns its error budget"
        assert told["type"] == "failure"
        assert "Budget left: 61.3 %" in told["message"]

    def test_a_service_that_does_not_take_it_is_tried_again(self, make, server, caplog):
        receiver = self._receiver(make, f"json://127.0.0.1:{server.port}/apprise-token-4711")
        server.answer = status(500)
        reply = send(make.settings(server.port), receiver, make.notification(), make.NOW)
        assert judge(reply).action == "retry"
        assert "apprise-token-4711" not in shown(reply) + caplog.text

    def test_an_address_that_it_does_not_know_is_for_good(self, make, caplog):
        receiver = self._receiver(make, "nosuchscheme://apprise-token-4711")
        reply = send(make.settings(), receiver, make.notification(), make.NOW)
        assert judge(reply).action == "dead"
        assert "apprise-token-4711" not in shown(reply) + caplog.text

    def test_without_the_library_the_error_says_what_to_install(self, make, monkeypatch):
        monkeypatch.setitem(sys.modules, "apprise", None)
        reply = send(
            make.settings(), self._receiver(make, "json://x"), make.notification(), make.NOW
        )
        assert "install slo-ledger[apprise]" in reply.error
        assert judge(reply).action == "retry"

    @staticmethod
    def _receiver(make, url):
        return make.replace(
            make.receiver("webhook", "http://x"), type="apprise", options=(("url", url),)
        )


def test_many_attempts_at_once_leave_no_thread_behind(make, server):
    server.answer = status(202)
    before = threading.active_count()
    for _ in range(20):
        sent(make, server, "webhook")
    assert threading.active_count() <= before + 2

"""Mails: what is in them, and what comes of sending them."""

from __future__ import annotations

import base64
import contextlib
import socket
import time
from datetime import timedelta

import pytest

from slo.config.settings import Receiver
from slo.domain.delivery import judge
from slo.notify.receivers.email import message
from slo.notify.sending import send
from tests.support.receiver_server import ReceiverServer
from tests.support.smtp_server import SMTPServer

PASSWORD = "smtp-password-4711"


def receiver(port=25, tls="none", host="127.0.0.1", **fields):
    options = {
        "from": "SLO Ledger <slo@example.com>",
        "host": host,
        "port": str(port),
        "tls": tls,
        "to": ("a@example.com", "B Person <b@example.com>"),
    }
    timeout = fields.pop("timeout", None)
    options |= fields
    return Receiver("mail", "email", tuple(sorted(options.items())), timeout=timeout)


@pytest.fixture
def mail_server():
    with SMTPServer() as server:
        yield server


def sent(make, to, of=None, **kwargs):
    return send(make.settings(), to, make.notification(of), make.NOW, **kwargs)


def verdict(reply):
    return judge(reply, smtp=True)


def test_a_mail_arrives_as_text_and_html(make, mail_server):
    reply = sent(make, receiver(mail_server.port))
    assert (reply.status, verdict(reply).action) == (250, "delivered")
    (mail,) = mail_server.mails
    assert mail.sender == "slo@example.com"
    assert mail.recipients == ["a@example.com", "b@example.com"]
    found = mail.message
    assert found["Subject"] == "[page] #142 checkout/availability burns its error budget"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Date"].datetime.timestamp() == int(make.NOW)
    plain = found.get_body(("plain",)).get_content()
    assert plain.startswith("burned 16.2x over 1h and 15.8x over 5m; pages at 14.4x")
    assert "Budget left: 61.3 %" in plain
    assert "Runbook: https://runbooks.example.com/checkout" in plain
    html = found.get_body(("html",)).get_content()
    assert '<a href="https://slo.example.com/incidents/142">' in html


def test_mails_of_one_subject_make_a_thread_and_an_attempt_keeps_its_id(make):
    first, again = (message(make.settings(), receiver(), make.notification(), at) for at in (1, 2))
    ended = make.notification(make.facts("resolved"), msg_id="msg_other")
    last = message(make.settings(), receiver(), ended, 3)
    assert (
        first["Message-ID"] == again["Message-ID"] == f"<{make.notification().msg_id}@example.com>"
    )
    assert last["Message-ID"] == "<msg_other@example.com>"
    assert first["References"] == last["References"]
    other = message(make.settings(), receiver(), make.notification(make.facts(dedup_key="x")), 3)
    assert other["References"] != first["References"]


@pytest.mark.parametrize("kind", ["opened", "resolved", "test"])
@pytest.mark.parametrize("size", [1, 200, 10_000])
def test_no_text_makes_a_header_or_markup(kind, size, make, mail_server):
    reply = sent(make, receiver(mail_server.port), make.hostile(kind, size))
    assert reply.status == 250
    (mail,) = mail_server.mails
    assert mail.recipients == ["a@example.com", "b@example.com"]
    found = mail.message
    assert found["Bcc"] is None
    assert len(found["Subject"]) <= 230
    html = found.get_body(("html",)).get_content()
    assert "<script" not in html
    assert "javascript:" not in html
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998
    assert b"\n" not in mail.content.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("command", "answer", "action"),
    [
        ("MAIL", "550 no", "dead"),
        ("MAIL", "451 later", "retry"),
        ("MAIL", "552 too large", "shorten"),
        ("RCPT", "550 unknown", "dead"),
        ("RCPT", "450 greylisted", "retry"),
        ("DATA", "554 no", "dead"),
        ("DATA", "452 full", "retry"),
        ("CONTENT", "554 spam", "dead"),
        ("CONTENT", "451 later", "retry"),
        ("CONTENT", "421 closing", "retry"),
        # What it says to a greeting is about us, and not about the mail.
        ("CONNECT", "554 go away", "retry"),
        ("CONNECT", "421 busy", "retry"),
        ("CONNECT", "hello", "retry"),
        ("CONNECT", "", "retry"),
        ("MAIL", "", "retry"),
        ("CONTENT", "", "retry"),
        ("MAIL", "999 odd", "retry"),
    ],
)
def test_every_answer_has_the_decision_of_the_policy(command, answer, action, make, mail_server):
    mail_server.answers = {command: answer}
    reply = sent(make, receiver(mail_server.port))
    assert verdict(reply).action == action
    assert reply.error
    assert mail_server.mails == []


def test_every_status_has_the_decision_of_the_policy(make, mail_server):
    refused = dict.fromkeys((530, 534, 535, 538), "refused")
    special = {250: "delivered", 552: "shorten", **refused}
    to = receiver(mail_server.port)
    for number in range(200, 600):
        mail_server.answers = {"CONTENT": f"{number} so"}
        expected = special.get(number, "dead" if number >= 500 else "retry")
        assert (number, verdict(sent(make, to)).action) == (number, expected)


@pytest.mark.parametrize("command", ["MAIL", "DATA"])
def test_an_answer_out_of_turn_is_no_success(command, make, mail_server):
    mail_server.answers = {command: "251 so"}
    assert verdict(sent(make, receiver(mail_server.port))).action == "retry"


def test_a_greeting_that_is_not_taken_is_tried_again(make, mail_server):
    mail_server.answers = {"EHLO": "504 no", "HELO": "550 go away"}
    reply = sent(make, receiver(mail_server.port))
    assert verdict(reply).action == "retry"
    assert "550 to the greeting" in reply.error


def test_a_recipient_that_may_be_taken_later_decides(make, mail_server):
    mail_server.answers = {"RCPT TO:<a@": "550 unknown", "RCPT TO:<b@": "450 later"}
    assert verdict(sent(make, receiver(mail_server.port))).action == "retry"


def test_a_mail_that_some_recipients_have_is_delivered_and_says_who_has_not(make, mail_server):
    mail_server.answers = {"RCPT TO:<a@": "550 unknown"}
    reply = sent(make, receiver(mail_server.port))
    assert verdict(reply).action == "delivered"
    assert reply.body == "a@example.com was refused: 550"


@pytest.mark.parametrize("command", ["CONNECT", "EHLO", "MAIL", "DATA", "CONTENT"])
def test_a_server_that_falls_silent_is_left_at_the_deadline(command, make, mail_server):
    mail_server.answers = {command: None}
    begun = time.monotonic()
    reply = sent(make, receiver(mail_server.port, timeout=timedelta(seconds=0.3)))
    assert time.monotonic() - begun < 2
    assert (reply.status, reply.failure) == (None, "timeout")
    assert verdict(reply).action == "retry"


def test_the_deadline_holds_against_a_greeting_that_comes_byte_by_byte(make):
    with ReceiverServer() as server:
        drip = server.drip(b"220-")

        def greet(connection):
            with contextlib.suppress(OSError), connection:
                drip(connection, None)

        server._serve = greet
        begun = time.monotonic()
        reply = sent(make, receiver(server.port, timeout=timedelta(seconds=0.3)))
        assert time.monotonic() - begun < 2
        assert reply.failure == "timeout"


def test_starttls_encrypts_before_the_password_is_told(make, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    with SMTPServer(certificate.context) as server:
        to = receiver(server.port, "starttls", "localhost", username="slo", password=PASSWORD)
        reply = sent(make, to, lookup=lambda *_: ["127.0.0.1"])
        assert reply.status == 250
        assert server.mails[0].encrypted
        login = next(line for line in server.lines if line.startswith("AUTH"))
        assert base64.b64decode(login.split(" ")[2]) == f"\0slo\0{PASSWORD}".encode()
        assert server.lines.index("STARTTLS") < server.lines.index(login)


def test_tls_from_the_first_byte(make, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    with SMTPServer(certificate.context, implicit=True) as server:
        to = receiver(server.port, "tls", "localhost")
        assert sent(make, to, lookup=lambda *_: ["127.0.0.1"]).status == 250
        assert server.mails[0].encrypted


@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize("host", ["localhost", "mail.example.com"])
def test_a_certificate_must_be_trusted_and_of_the_host(tls, host, make, certificate, monkeypatch):
    if host != "localhost":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    with SMTPServer(certificate.context, implicit=tls == "tls") as server:
        to = receiver(server.port, tls, host, username="slo", password=PASSWORD)
        reply = sent(make, to, lookup=lambda *_: ["127.0.0.1"])
        assert (reply.failure, verdict(reply).action) == ("tls", "retry")
        assert server.mails == []
        assert not any(line.startswith("AUTH") for line in server.lines)


def test_without_starttls_nothing_is_told(make, mail_server):
    to = receiver(mail_server.port, "starttls", username="slo", password=PASSWORD)
    reply = sent(make, to)
    assert reply.failure == "tls"
    assert "STARTTLS" in reply.error
    assert not any(line.startswith("AUTH") for line in mail_server.lines)


def test_a_server_that_cannot_encrypt_just_now_is_tried_again(make, certificate):
    with SMTPServer(certificate.context) as server:
        server.answers = {"STARTTLS": "502 not today"}
        reply = sent(make, receiver(server.port, "starttls"))
        assert (reply.failure, verdict(reply).action) == ("tls", "retry")
        assert server.mails == []


def test_a_wrong_password_pauses_and_is_not_repeated(make, mail_server):
    mail_server.answers = {"AUTH": f"535 no, not {PASSWORD}"}
    reply = sent(make, receiver(mail_server.port, username="slo", password=PASSWORD))
    assert verdict(reply).action == "refused"
    assert PASSWORD not in reply.error + reply.body


def test_nobody_is_told_where_no_server_listens(make):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        reply = sent(make, receiver(probe.getsockname()[1]))
    assert (reply.failure, verdict(reply).unclear) == ("refused", False)


def test_an_address_that_is_not_allowed_is_not_reached(make, mail_server):
    settings = make.settings(outbound=type(make.settings().outbound)())
    reply = send(settings, receiver(mail_server.port), make.notification(), make.NOW)
    assert (reply.failure, verdict(reply).action) == ("forbidden", "refused")
    assert mail_server.lines == []


def test_a_name_without_an_address_is_tried_again(make):
    def lookup(*_):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    assert sent(make, receiver(host="mail.example.com"), lookup=lookup).failure == "dns"


def test_a_header_that_cannot_be_written_is_dead(make):
    to = make.replace(
        receiver(), options=(("from", "a\nb@x"), ("host", "127.0.0.1"), ("to", "b@x"))
    )
    assert verdict(sent(make, to)).action == "dead"

"""E-mail: plain text with an HTML alternative, by SMTP; mails of one subject make a thread."""

from __future__ import annotations

import hashlib
import smtplib
import socket
import ssl
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from html import escape
from typing import TYPE_CHECKING, Any, cast

from slo.domain.delivery import Reply
from slo.notify.guard import connect
from slo.notify.transport import KEPT_BYTES, not_connected, timed_file, tls_context
from slo.notify.wording import details, headline, links, one_line, summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slo.config.settings import Outbound, Receiver, Settings
    from slo.domain.delivery import Failure
    from slo.domain.notification import Facts, Notification
    from slo.notify.guard import Lookup

PORTS = {"starttls": 587, "tls": 465, "none": 25}
SUBJECT = 200
"""Characters of the subject line."""
_OK = 250
_LEAST, _MOST = 400, 599
"""Answers that refuse; where another one is not what is expected, it means nothing."""


def message(
    settings: Settings, receiver: Receiver, notification: Notification, now: float
) -> EmailMessage:
    """The mail. The Message-ID is the message's, the same in each attempt."""
    facts = notification.facts
    sender = receiver.text("from")
    domain = parseaddr(sender)[1].rpartition("@")[2] or "slo-ledger.invalid"
    thread = hashlib.sha256(facts.dedup_key.encode("utf-8", "replace")).hexdigest()[:32]
    root = f"<{thread}@{domain}>"
    mail = EmailMessage(SMTP_POLICY)
    mail["Subject"] = f"[{facts.severity}] {headline(facts, SUBJECT)}"
    mail["From"] = sender
    mail["To"] = ", ".join(receiver.texts("to"))
    mail["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    mail["Message-ID"] = f"<{notification.msg_id}@{domain}>"
    mail["In-Reply-To"] = root
    mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_plain(facts, settings.name))
    mail.add_alternative(_html(facts, settings.name), subtype="html")
    return mail


def _plain(facts: Facts, name: str) -> str:
    lines = [summary(facts), ""]
    lines += [f"{key}: {value}" for key, value in details(facts)]
    lines += ["", *(f"{text}: {url}" for text, url in links(facts))]
    return "\n".join([*lines, "", f"-- \n{_source(facts, name)}", ""])


def _html(facts: Facts, name: str) -> str:
    rows = "".join(
        f'<tr><th align="left">{escape(key)}</th><td>{escape(value)}</td></tr>\n'
        for key, value in details(facts)
    )
    found = " &middot; ".join(
        f'<a href="{escape(url)}">{escape(text)}</a>' for text, url in links(facts)
    )
    return (
        f"<!doctype html>\n<html><body>\n<h2>{escape(headline(facts))}</h2>\n"
        f"<p>{escape(summary(facts))}</p>\n<table>\n{rows}</table>\n"
        f"<p>{found}</p>\n<p><small>{escape(_source(facts, name))}</small></p>\n</body></html>\n"
    )


def _source(facts: Facts, name: str) -> str:
    return f"SLO Ledger, {one_line(facts.installation or name, SUBJECT)}"


def deliver(
    settings: Settings,
    receiver: Receiver,
    notification: Notification,
    now: float,
    seconds: float,
    lookup: Lookup | None = None,
) -> Reply:
    """Sends the mail once within so many seconds; the status is SMTP's (RFC 5321)."""
    deadline = time.monotonic() + seconds
    security = receiver.text("tls") or "starttls"
    host, port = receiver.text("host"), int(receiver.text("port") or PORTS[security])
    name = f"{host}:{port}"
    try:
        mail = message(settings, receiver, notification, now)
    except (ValueError, IndexError) as error:
        # A header that cannot be written, such as an address that is none.
        return Reply(failure="content", error=f"the mail cannot be written: {type(error).__name__}")
    try:
        client = _Client(host, port, settings.outbound, deadline, lookup, tls=security == "tls")
    except (_UnreachedError, smtplib.SMTPException, OSError) as error:
        return _failed(error, name, deadline)
    try:
        if security == "starttls":
            _encrypt(client, name)
        if user := receiver.text("username"):
            client.login(user, receiver.text("password"))
        refused = client.send_message(mail)
    except (_UnreachedError, smtplib.SMTPException, OSError, ValueError) as error:
        return _failed(error, name, deadline)
    else:
        return Reply(status=_OK, body=_refused_text(refused))
    finally:
        client.close()


def _encrypt(client: smtplib.SMTP, name: str) -> None:
    try:
        client.starttls(context=tls_context())
    except smtplib.SMTPHeloError:
        raise
    except smtplib.SMTPResponseException as error:
        why = f"{name} answered {error.smtp_code} to STARTTLS"
        raise _UnreachedError(Reply(failure="tls", error=why)) from None


class _UnreachedError(Exception):
    """No connection came about, or none that is encrypted; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.error)
        self.reply = reply


class _Client(smtplib.SMTP):
    """Connects by the guard, and holds the whole conversation to one deadline."""

    def __init__(
        self,
        host: str,
        port: int,
        outbound: Outbound,
        deadline: float,
        lookup: Lookup | None,
        *,
        tls: bool,
    ) -> None:
        self._outbound, self._deadline, self._lookup = outbound, deadline, lookup
        self._tls = tls
        super().__init__(host, port, local_hostname=_own_name())

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        try:
            sock = connect(host, port, self._outbound, self._deadline, self._lookup)
            try:
                return tls_context().wrap_socket(sock, server_hostname=host) if self._tls else sock
            except BaseException:
                sock.close()
                raise
        except (OSError, UnicodeError) as error:
            raise _UnreachedError(not_connected(error, f"{host}:{port}")) from None

    def getreply(self) -> tuple[int, bytes]:
        """The server's answer, read until the deadline."""
        if self.file is None and self.sock is not None:
            self.file = timed_file(self.sock, self._deadline)
        return super().getreply()

    def send(self, s: Any) -> None:
        """Sends with what time is left."""
        if self.sock is not None:
            self.sock.settimeout(max(self._deadline - time.monotonic(), 0.001))
        super().send(s)


def _own_name() -> str:
    """This machine's name for EHLO; looking up a full one may take long."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _failed(error: Exception, name: str, deadline: float) -> Reply:
    match error:
        case _UnreachedError():
            return error.reply
        case smtplib.SMTPRecipientsRefused():
            answers = cast("Mapping[str, tuple[int, bytes]]", error.recipients)
            # One that may be taken later decides: then all are tried again.
            return _answer(*min(answers.values(), key=lambda answer: answer[0]), name)
        case smtplib.SMTPConnectError() | smtplib.SMTPHeloError():
            # It is about us, and not about the mail: no 5yz of it is for good.
            why = f"{name} answered {error.smtp_code} to the greeting"
            return Reply(failure="refused", error=why, body=_text(error.smtp_error))
        case smtplib.SMTPResponseException():
            return _answer(error.smtp_code, error.smtp_error, name)
        case ssl.SSLError():
            return not_connected(error, name)
    kind, why = _unanswered(error, deadline)
    return Reply(failure=kind, error=f"{name}: {why}")


def _unanswered(error: Exception, deadline: float) -> tuple[Failure, str]:
    match error:
        case smtplib.SMTPNotSupportedError() if "STARTTLS" in str(error):
            return "tls", "it offers no STARTTLS; write tls: tls, or none in a network you trust"
        case smtplib.SMTPNotSupportedError():
            return "protocol", "it does not offer what is asked of it"
        case OSError() if time.monotonic() >= deadline:
            return "timeout", "no answer in time"
        case smtplib.SMTPServerDisconnected() | ConnectionError():
            return "reset", "it closed the connection"
        case _:
            return "protocol", type(error).__name__


def _answer(status: int, said: bytes | str, name: str) -> Reply:
    if not _LEAST <= status <= _MOST:
        return Reply(failure="protocol", error=f"{name}: its answer is no SMTP", body=_text(said))
    return Reply(status=status, error=f"{name} answered {status}", body=_text(said))


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return text[: KEPT_BYTES // 4]


def _refused_text(refused: Mapping[str, tuple[int, bytes]]) -> str:
    """The recipients that were refused while others were taken; they are not tried again."""
    return "; ".join(f"{to} was refused: {answer[0]}" for to, answer in refused.items())

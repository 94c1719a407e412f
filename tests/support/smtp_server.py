"""A mail server on 127.0.0.1 for tests, by hand: it keeps mails, or fails as a test says."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from email.message import EmailMessage


@dataclass
class Mail:
    """One mail as it came."""

    sender: str
    recipients: list[str]
    content: bytes
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=default)


@dataclass
class Talk:
    """One conversation."""

    connection: socket.socket
    encrypted: bool = False
    sender: str = ""
    recipients: list[str] = field(default_factory=list)


class SMTPServer:
    """A server on a free port of 127.0.0.1, as a context manager.

    `answers` overrides what it says to a command, such as `{"MAIL": "550 no"}`, or to what
    begins with more of a line: `{"RCPT TO:<b@": "450 later"}`. An answer of None is silence,
    "" closes the connection.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, *, implicit: bool = False):
        self.answers: dict[str, str | None] = {}
        self.mails: list[Mail] = []
        self.lines: list[str] = []
        self.closing = threading.Event()
        self._tls, self._implicit = tls, implicit
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._serving: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in (self._thread, *self._serving):
            thread.join(10)

    def _run(self) -> None:
        while not self.closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            thread.start()
            self._serving.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            talk = Talk(connection)
            if self._implicit:
                talk = self._encrypted(talk, stack)
            self._say(talk, "CONNECT", "220 ready")
            while True:
                line = self._line(talk)
                self.lines.append(line)
                if self._say(talk, line, self._answer(talk, line)) and line == "STARTTLS":
                    talk = self._encrypted(talk, stack)

    def _encrypted(self, talk: Talk, stack: contextlib.ExitStack) -> Talk:
        wrapped = self._tls.wrap_socket(talk.connection, server_side=True)
        return Talk(stack.enter_context(wrapped), encrypted=True)

    def _line(self, talk: Talk) -> str:
        found = b""
        while not found.endswith(b"\n"):
            part = talk.connection.recv(1)
            if not part:
                raise EOFError
            found += part
        return found.decode().rstrip("\r\n")

    def _say(self, talk: Talk, line: str, usual: str) -> bool:
        special = [key for key in self.answers if line.upper().startswith(key.upper())]
        answer = self.answers[special[0]] if special else usual
        if answer is None:
            self.closing.wait(30)
            raise EOFError
        if not answer:
            raise EOFError
        talk.connection.sendall(answer.encode() + b"\r\n")
        if answer.startswith("354") and line.upper() == "DATA":
            self._take(talk)
        return not special

    def _take(self, talk: Talk) -> None:
        content = b""
        while not content.endswith(b"\r\n.\r\n"):
            part = talk.connection.recv(65_536)
            if not part:
                raise EOFError
            content += part
        if "CONTENT" not in self.answers:  # Kept before it says so, as a test looks then.
            self.mails.append(Mail(talk.sender, talk.recipients, content[:-5], talk.encrypted))
        self._say(talk, "CONTENT", "250 kept")

    def _answer(self, talk: Talk, line: str) -> str:
        verb = line.split(" ", 1)[0].upper()
        if verb == "EHLO":
            offered = ["SIZE 10000000", "AUTH PLAIN"]
            if self._tls is not None and not talk.encrypted:
                offered.append("STARTTLS")
            return "\r\n".join(
                ["250-here", *(f"250-{o}" for o in offered[:-1]), f"250 {offered[-1]}"]
            )
        if verb == "MAIL":
            talk.sender = line.partition("<")[2].partition(">")[0]
        if verb == "RCPT":
            talk.recipients.append(line.partition("<")[2].partition(">")[0])
        return {"DATA": "354 go on", "AUTH": "235 welcome", "STARTTLS": "220 go on"}.get(
            verb, "250 ok"
        )

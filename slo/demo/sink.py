"""The demo's receiver: a webhook on this machine that shows each message as it comes."""

from __future__ import annotations

import hmac
import html
import http.server
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from slo.demo.processes import ProcessError
from slo.notify.signing import signature

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 200_000
"""Bytes of a message; the ledger's are far shorter."""
SHOWN = 200
"""Messages that the page shows."""
OLDEST = 300
"""Seconds for which a signature holds, as Standard Webhooks recommends."""

_WORDS = {
    "opened": "incident opened",
    "raised": "incident raised",
    "reopened": "incident reopened",
    "acknowledged": "acknowledged",
    "resolved": "incident resolved",
    "flapping": "incident is flapping",
    "budget": "budget",
    "budget-over": "budget recovered",
    "system": "SLO Ledger itself",
    "system-over": "SLO Ledger itself",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came: when, on the local clock, and what it says."""

    at: str
    severity: str
    event: str
    title: str
    summary: str
    url: str
    postmortem: str
    """Where the draft of its postmortem is, if there is one."""

    def line(self) -> str:
        """What the terminal shows."""
        what = "PAGE  " if self.severity == "page" else "ticket"
        links = [self.url] if self.url else []
        links += [f"postmortem draft: {self.postmortem}"] if self.postmortem else []
        return f"{self.at} {what} {self.event}: {self.title}  {'  '.join(links)}".rstrip()


def message_of(event: dict[str, Any], now: float) -> Message:
    """What a CloudEvent of the ledger says."""
    data = event["data"]
    kind, url = str(data["kind"]), str(data["url"])
    site, found, _ = url.partition("/incidents/")
    drafted = kind == "resolved" and found
    return Message(
        time.strftime("%H:%M:%S", time.localtime(now)),
        str(data["severity"]),
        _WORDS.get(kind, kind),
        str(data["title"]),
        str(data["summary"]),
        url,
        f"{site}/postmortems/{data['incident']}" if drafted else "",
    )


class Sink:
    """A webhook on 127.0.0.1, as a context manager; it tells `show` of each message once.

    It takes what is signed with `secret` (Standard Webhooks), and its page lists it.
    """

    def __init__(self, port: int, secret: str, show: Callable[[Message], None]) -> None:
        self.secret = secret
        self.messages: list[Message] = []
        self._show = show
        self._known: set[str] = set()
        self._lock = threading.Lock()
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise ProcessError(f"the receiver cannot listen on port {port}: {error}") from None
        self._server.sink = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="sink", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, headers: dict[str, str], body: bytes, now: float) -> int:
        """Takes one message; gives the HTTP status: 401 for a signature that is not ours."""
        msg_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not at.isdecimal() or abs(now - int(at)) > OLDEST:
            return 401
        ours = signature(self.secret, msg_id, int(at), body)
        given = headers.get("webhook-signature", "").split()
        if not any(hmac.compare_digest(ours.encode(), one.encode()) for one in given):
            return 401
        try:
            message = message_of(json.loads(body), now)
        except (ValueError, KeyError, TypeError):
            return 400
        with self._lock:
            if msg_id in self._known:
                return 200  # It may come twice: what counts is its id.
            self._known.add(msg_id)
            self.messages.append(message)
        self._show(message)
        return 200

    def page(self) -> str:
        """The messages as HTML, newest first."""
        with self._lock:
            found = self.messages[: -SHOWN - 1 : -1]
        rows = (
            "".join(map(_row, found)) or "<tr><td>Nothing yet: break the model by a key.</td></tr>"
        )
        return _PAGE.replace("ROWS", rows)


def _row(message: Message) -> str:
    links = (("incident", message.url), ("postmortem draft", message.postmortem))
    shown = " ".join(f'<a href="{html.escape(url)}">{word}</a>' for word, url in links if url)
    cells = (message.at, message.severity, message.event, message.title, message.summary)
    return (
        f'<tr class="{html.escape(message.severity)}">'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        + f"<td>{shown}</td></tr>"
    )


_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<title>The demo's receiver</title><style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color-scheme: light dark; }
td { padding: .3rem .8rem .3rem 0; vertical-align: top; }
.page td:nth-child(2) { color: #d0342c; font-weight: 600; }
</style></head><body>
<h1>The demo's receiver</h1>
<p>Webhooks that SLO Ledger has sent here, each checked by its signature.</p>
<table>ROWS</table></body></html>
"""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    sink: Sink


class _Handler(http.server.BaseHTTPRequestHandler):
    """The page, and the webhook."""

    server: _Server
    timeout = 10

    def do_GET(self) -> None:
        self._answer(200, self.server.sink.page().encode(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST:
            self._answer(413, b"")
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._answer(self.server.sink.take(headers, self.rfile.read(int(length)), time.time()), b"")

    def _answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: each message is shown already."""

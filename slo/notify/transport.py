"""Transport: one HTTP request by the guard, and what came of it as a Reply.

A redirect is an answer and is never followed. The certificate is always verified, against
the system's authorities or those of SSL_CERT_FILE. The deadline holds for the whole
exchange, also against a server that sends byte by byte. Proxies are not used.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import json
import os
import re
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

from slo import __version__
from slo.domain.delivery import Reply
from slo.notify.guard import ForbiddenError, connect, port_fault

if TYPE_CHECKING:
    from slo.config.settings import Outbound
    from slo.domain.delivery import Failure
    from slo.notify.guard import Lookup

READ_BYTES = 64 * 1024
"""Of an answer's body; more is not read."""
KEPT_BYTES = 4 * 1024
"""Of an answer's body, in the Reply."""
MOST_BYTES = 1024 * 1024
"""Of all that is read over one connection."""
USER_AGENT = f"slo-ledger/{__version__}"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?")
_SAFE_PATH = "/%:@!$&'()*+,;=-._~"


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent to a receiver. URL, headers and body may hold secrets."""

    url: str = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads."""

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    """Path and query, in ASCII."""

    @property
    def name(self) -> str:
        """Host and port, for errors; the path may be a secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def place_of(url: str, outbound: Outbound) -> Place:
    """Where a URL leads; `ForbiddenError` when it may not be asked, without repeating it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ForbiddenError("the URL cannot be read") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ForbiddenError("the URL must begin with http:// or https:// and name a host")
    if "@" in parts.netloc:
        raise ForbiddenError("the URL must hold no user and password")
    host = _ascii_host(parts.hostname)
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    if fault := port_fault(port, outbound):
        raise ForbiddenError(fault)
    target = quote(parts.path or "/", safe=_SAFE_PATH)
    if parts.query:
        target += "?" + quote(parts.query, safe=_SAFE_PATH + "?")
    return Place(parts.scheme, host, port, target)


def _ascii_host(host: str) -> str:
    """The host as it is looked up, verified and sent: a name in ASCII, or an address."""
    try:
        name = host if ":" in host else host.encode("idna").decode()
    except UnicodeError:
        name = ""
    if not _HOST.fullmatch(name):
        raise ForbiddenError("the URL names no host that there can be")
    return name


def exchange(
    request: Request, outbound: Outbound, seconds: float, lookup: Lookup | None = None
) -> Reply:
    """Sends a request once and gives what came of it within so many seconds.

    It never raises for what the network or the other side does. Errors name host and
    port, and neither path nor headers.
    """
    deadline = time.monotonic() + seconds
    try:
        place = place_of(request.url, outbound)
    except ForbiddenError as error:
        return Reply(failure="forbidden", error=str(error))
    connection = _Connection(place, outbound, deadline, lookup)
    try:
        try:
            connection.connect()
        except (OSError, UnicodeError) as error:
            return not_connected(error, place.name)
        return _answered(connection, request, place)
    except (OSError, http.client.HTTPException) as error:
        return _not_answered(error, place)
    except ValueError:
        return Reply(failure="content", error="a header of the request cannot be written")
    finally:
        connection.close()


def _answered(connection: _Connection, request: Request, place: Place) -> Reply:
    headers = {"User-Agent": USER_AGENT, "Accept": "*/*", **dict(request.headers)}
    try:
        body = request.body if request.method == "POST" or request.body else None
        connection.request(request.method, place.target, body, headers)
    except (BrokenPipeError, ConnectionResetError):
        # It may have answered early, as with 413, and closed before all was sent.
        if connection.sock is None:
            raise
    response = connection.getresponse()
    head = _head(response)
    return Reply(
        status=response.status,
        error="" if response.status < 300 else f"{place.name} answered {response.status}",  # noqa: PLR2004 -- HTTP's successes end there.
        body=head,
        retry_after=response.getheader("Retry-After", ""),
    )


def _head(response: http.client.HTTPResponse) -> str:
    """The head of the body; what does not arrive in time or in order is left out."""
    parts, size = [], 0
    # The status has come, and it decides.
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        while size < READ_BYTES and (part := response.read1(READ_BYTES - size)):
            parts.append(part)
            size += len(part)
    # Bytes that are no UTF-8 take up to three as the sign for that.
    text = b"".join(parts)[:KEPT_BYTES].decode("utf-8", "replace").replace("\0", "")
    return text.encode()[:KEPT_BYTES].decode("utf-8", "ignore")


def answer_of(reply: Reply) -> dict[str, Any]:
    """The JSON object of an answer's body; an empty one where there is none."""
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def not_connected(error: OSError | UnicodeError, name: str) -> Reply:
    """What came of it where nothing was sent: the notification has not arrived."""
    kind: Failure = "refused"
    match error:
        case ForbiddenError():
            return Reply(failure="forbidden", error=f"{name} is not reached: {error}")
        case socket.gaierror() | UnicodeError():
            kind, why = "dns", "the name cannot be looked up"
            if isinstance(error, socket.gaierror) and error.strerror:
                why = f"{why}: {error.strerror}"
        case ssl.SSLCertVerificationError():
            kind, why = "tls", f"its certificate is not accepted: {error.verify_message}"
        case ssl.SSLError():
            kind, why = "tls", f"no TLS: {error.reason or error.strerror or 'it failed'}"
        case TimeoutError():
            why = "it took no connection in time"
        case OSError():
            why = f"no connection: {error.strerror or type(error).__name__}"
    return Reply(failure=kind, error=f"{name}: {why}")


def _not_answered(error: Exception, place: Place) -> Reply:
    """What came of it where the request was sent, or a part of it: it may have arrived."""
    kind: Failure = "protocol"
    match error:
        case TimeoutError():
            kind, why = "timeout", "no answer in time"
        case ssl.SSLEOFError() | ConnectionError():
            # Also http.client.RemoteDisconnected.
            kind, why = "reset", "it closed the connection without an answer"
        case ssl.SSLError():
            why = f"TLS failed: {error.reason or error.strerror or 'it failed'}"
        case http.client.HTTPException():
            why = f"its answer is no HTTP: {type(error).__name__}"
        case OSError():
            kind, why = "reset", f"the connection failed: {error.strerror or type(error).__name__}"
        case _:
            why = type(error).__name__
    return Reply(failure=kind, error=f"{place.name}: {why}")


@functools.lru_cache(maxsize=4)
def _context(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    # OpenSSL reads the two variables by itself; they are the key of the cache.
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def tls_context() -> ssl.SSLContext:
    """Verifies certificates and host names by the authorities in force."""
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


class TimedReader(io.RawIOBase):
    """Reads a socket until a deadline; a socket's own timeout starts anew with each byte."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)
        self._deadline = deadline
        self._left = MOST_BYTES

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        """Reads once; `TimeoutError` after the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        self._sock.settimeout(left)
        count = self._file.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise OSError("it sends without end")
        return count

    def close(self) -> None:
        """Closes the file; the socket stays."""
        self._file.close()
        super().close()


def timed_file(sock: socket.socket, deadline: float) -> io.BufferedReader:
    """The socket as a file for reading, until a deadline of `time.monotonic()`."""
    return io.BufferedReader(TimedReader(sock, deadline))


class _TimedResponse(http.client.HTTPResponse):
    """A response that must have been read when the deadline passes."""

    def __init__(self, sock: socket.socket, *args: Any, deadline: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = timed_file(sock, deadline)


class _Connection(http.client.HTTPConnection):
    """One connection by the guard, with TLS for https; the host's name is what is verified."""

    def __init__(
        self, place: Place, outbound: Outbound, deadline: float, lookup: Lookup | None
    ) -> None:
        super().__init__(place.host, place.port)
        self._place, self._outbound, self._lookup = place, outbound, lookup
        self._deadline = deadline
        # http.client leaves the port out of the Host header where it is this one.
        self.default_port = _DEFAULT_PORTS[place.scheme]
        self.response_class = cast("Any", functools.partial(_TimedResponse, deadline=deadline))

    def connect(self) -> None:
        """Connects, with TLS for https."""
        sock = connect(
            self._place.host, self._place.port, self._outbound, self._deadline, self._lookup
        )
        try:
            if self._place.scheme == "https":
                sock = tls_context().wrap_socket(sock, server_hostname=self._place.host)
            sock.settimeout(max(self._deadline - time.monotonic(), 0.001))
        except BaseException:
            sock.close()
            raise
        self.sock = sock

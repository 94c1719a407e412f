"""The HTTP session that the client library is given.

The library alone waits for ever, retries for seconds, follows redirects, loses
error texts, and puts a POST's query into the URL. This session does the HTTP itself
and hands the library a finished, checked answer, or raises a `SourceError`.
"""

from __future__ import annotations

import http.client
import re
import ssl
import threading
import time
from base64 import b64encode
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias
from urllib.parse import urlencode

import requests
import urllib3
from requests.auth import AuthBase

from slo import __version__
from slo.prometheus.answer import Body, MalformedError, parse_body
from slo.prometheus.errors import (
    NotPrometheus,
    Timeout,
    TooManySamples,
    Unauthorized,
    Unreachable,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slo.domain.source import Source

MAX_BYTES = 512 * 1024 * 1024
"""The largest body that is read, unpacked; some 20 million samples."""
_PIECE = 256 * 1024
_LONGEST_GET = 1500
_BY_POST = re.compile(r"/api/v1/(query|query_range|series)$")
_HEADER_VALUE = re.compile(r"[\x21-\x7e\x80-\xff]([\x20-\x7e\x80-\xff\t]*[\x21-\x7e\x80-\xff])?")
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_FAULTS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
)
_STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


_Reply: TypeAlias = tuple[int, dict[str, str], bytes]


class Session(requests.Session):
    """A session to one URL of a source; may be used by several threads at once.

    Every request ends within the source's timeout, whatever the server does; only the
    look-up of its name is the system's own time. The last body that a thread got is
    in `body`, its length in bytes in `bytes_read`.
    """

    def __init__(self, source: Source, url: str, auth: Credentials) -> None:
        super().__init__()
        self._name = source.name
        self._url = url
        self._timeout = source.timeout.total_seconds()
        self._gets_only = False
        self._told = threading.local()
        self.auth = auth
        # Prometheus packs slower than a network within one site sends: a large answer
        # takes three times as long with gzip. `headers` may ask for it.
        self.headers.update(
            {
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": f"slo/{__version__}",
            }
        )
        self.headers.update(source.headers)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        tls = source.tls
        self.cert = (tls.cert, tls.key) if tls.cert and tls.key else tls.cert
        # Proxies and CA files of the environment are looked up once; for each request
        # they are a quarter of its cost.
        verify = tls.verify and (tls.ca or True)
        found = self.merge_environment_settings(
            url=url, proxies={}, stream=True, verify=verify, cert=self.cert
        )
        self.verify = found["verify"]
        self.proxies = found["proxies"]
        self.trust_env = False
        if not tls.verify:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def begin(self) -> None:
        """Forget what this thread was told before."""
        self._told.body = None
        self._told.bytes = 0

    @property
    def body(self) -> Body:
        """The last body of this thread."""
        body: Body = self._told.body
        return body

    @property
    def bytes_read(self) -> int:
        """The unpacked bytes that this thread got since `begin`."""
        count: int = self._told.bytes
        return count

    def request(
        self,
        method: str | bytes,  # noqa: ARG002 -- the library names it; the length decides
        url: str | bytes,
        *_: Any,
        **kwargs: Any,
    ) -> requests.Response:
        """A finished answer to a request of the library: a success, or a `SourceError`."""
        try:
            status, headers, body = self._exchange(str(url), kwargs.get("params") or {})
        except _FAULTS as error:
            self._raise_from(error)
        if status != requests.codes.ok:
            raise refusal(self._name, self._url, status, headers, body)
        try:
            parsed = parse_body(body)
        except MalformedError as error:
            raise self.not_prometheus(str(error)) from error
        told = parsed.envelope.get("status")
        if told == "error":
            raise refusal(self._name, self._url, status, headers, body)
        if told != "success" or "data" not in parsed.envelope:
            raise self.not_prometheus("its JSON has no status and data")
        self._told.body = parsed
        return _Finished(parsed)

    def not_prometheus(self, what: str) -> NotPrometheus:
        """The error for an answer that is not as Prometheus's API says."""
        return NotPrometheus(
            self._name,
            self._url,
            what,
            "check that the url, with its path prefix, is Prometheus's own and not a login page",
        )

    def _exchange(self, url: str, params: Mapping[str, Any]) -> _Reply:
        form = urlencode(params, doseq=True)
        deadline = time.monotonic() + self._timeout
        # GET where it fits: some proxies let readers send nothing else.
        posts = bool(len(form) > _LONGEST_GET and _BY_POST.search(url) and not self._gets_only)
        try:
            reply = self._send(url, form, deadline, posts=posts)
        except requests.ConnectionError as error:
            # A kept connection that the server closed while it was idle, as load
            # balancers do after a minute. Reading twice does no harm.
            if not any(isinstance(cause, _STALE) for cause in _causes(error)):
                raise
            reply = self._send(url, form, deadline, posts=posts)
        if posts and reply[0] == requests.codes.method_not_allowed:
            self._gets_only = True
            reply = self._send(url, form, deadline, posts=False)
        return reply

    def _send(self, url: str, form: str, deadline: float, *, posts: bool) -> _Reply:
        # The stubs know no urllib3.Timeout, which requests takes.
        timeout: Any = urllib3.Timeout(total=max(0.001, deadline - time.monotonic()))
        with super().request(
            "POST" if posts else "GET",
            url,
            params=None if posts else form,
            data=form if posts else None,
            headers=_FORM if posts else None,
            verify=self.verify,
            cert=self.cert,
            timeout=timeout,
            stream=True,
            allow_redirects=False,
        ) as response:
            body = self._read(response)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return response.status_code, headers, body

    def _read(self, response: requests.Response) -> bytes:
        pieces: list[bytes] = []
        size = 0
        for piece in response.raw.stream(_PIECE, decode_content=True):
            size += len(piece)
            self._told.bytes = size
            if size > MAX_BYTES:
                raise TooManySamples(
                    self._name,
                    self._url,
                    f"the answer is over {MAX_BYTES // 1024**2} MiB",
                    "ask for a shorter span or fewer series",
                )
            pieces.append(piece)
        return b"".join(pieces)

    def _raise_from(self, error: Exception) -> NoReturn:
        """Raise the `SourceError` that `error` stands for, without its chain of wrappers."""
        causes = list(_causes(error))
        args = self._name, self._url
        if any(isinstance(cause, TimeoutError | requests.Timeout) for cause in causes):
            raise Timeout(
                *args,
                f"no whole answer within {self._timeout:g} s",
                "see the server's load, or raise the source's timeout",
            ) from None
        if any(isinstance(cause, urllib3.exceptions.DecodeError) for cause in causes):
            raise self.not_prometheus("its body is packed wrongly") from None
        for cause in causes:
            if isinstance(cause, ssl.SSLError):
                reason = f"TLS: {getattr(cause, 'verify_message', '') or cause.reason or cause}"
                raise Unreachable(*args, reason, "check tls: ca, cert, key and verify") from None
        raise Unreachable(
            *args, _reason(causes), "check the url, and that the server runs"
        ) from None


class Credentials(AuthBase):
    """Basic authentication or the token in a file, read for each request so that it may rotate."""

    def __init__(self, source: Source, url: str, basic: tuple[str, str] | None) -> None:
        self._name = source.name
        self._url = url
        self._token_file = source.bearer_token_file
        self._basic = None
        if basic is not None:
            self._basic = "Basic " + b64encode(":".join(basic).encode()).decode()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """`request` with our credentials, if there are any."""
        if self._token_file is not None:
            request.headers["Authorization"] = f"Bearer {self._token(self._token_file)}"
        elif self._basic is not None:
            request.headers["Authorization"] = self._basic
        return request

    def _token(self, file: str) -> str:
        try:
            token = Path(file).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not plain text"
            raise self._no_token(f"cannot be read: {why}") from None
        # An invalid header value would be quoted in http.client's error.
        if not is_header_value(token):
            raise self._no_token("is empty or has more than one line")
        return token

    def _no_token(self, what: str) -> Unauthorized:
        return Unauthorized(
            self._name, self._url, f"bearer_token_file {self._token_file} {what}", "write it anew"
        )


def is_header_value(text: str) -> bool:
    """Whether `text` can be sent as the value of a header."""
    return _HEADER_VALUE.fullmatch(text) is not None


class _Finished(requests.Response):
    """What the library reads: success, and JSON that is parsed already."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        self.status_code = int(requests.codes.ok)
        self._body = body

    def json(self, **_: Any) -> Any:
        return self._body.envelope


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what lies inside it, as requests and urllib3 wrap their errors."""
    waiting = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inside = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        waiting += [each for each in inside if isinstance(each, BaseException)]


def _reason(causes: list[BaseException]) -> str:
    """The words of the operating system if there are any, else those of the innermost error."""
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return str(causes[-1]) or type(causes[-1]).__name__

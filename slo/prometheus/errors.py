"""What can go wrong when a source is asked, as types.

    SourceError
    |-- Unreachable      no connection, or it broke; TLS that does not match
    |-- Timeout          no whole answer within the source's timeout
    |-- Unavailable      5xx, 429: the server says that it cannot now
    |-- NotPrometheus    a web page, a redirect, JSON that is cut short or means nothing
    |-- BadQuery         the server refuses the query
    |-- TooManySamples   the query needs more than the server, or we, will load
    |-- PartialAnswer    an answer that says itself that data is missing
    `-- Unauthorized     401, 403, or a token file that cannot be read

Messages name the source, its URL without credentials, and what to do.
"""

# ruff: noqa: N818 -- the names say what is wrong; that they are errors shows in SourceError.

from __future__ import annotations

import re
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import urljoin, urlsplit

import orjson

_TOO_MANY = re.compile(
    r"too many (samples|points|series|chunks)"
    r"|(exceed|hit the max|more than).*(samples|points|resolution|series|chunks|limit|bytes)",
    re.IGNORECASE,
)
_TOO_SLOW = re.compile(r"deadline exceeded|timed out", re.IGNORECASE)
_LONGEST_TEXT = 400
_CHEAPER = "make the query cheaper, or raise the source's timeout"
_REFUSED = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
}
_BAD = {"bad_data", "execution", "not_found"}
_BAD_STATUS = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.REQUEST_URI_TOO_LONG,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}


class SourceError(Exception):
    """A source that gave no usable answer.

    `kind` is a stable word for metrics; `retry` says whether the same request may
    work later; `fails_over` whether another URL of the source may do better.
    """

    kind: ClassVar[str]
    retry: ClassVar[bool] = True
    fails_over: ClassVar[bool] = False

    def __init__(self, source: str, url: str, what: str, remedy: str) -> None:
        self.source = source
        self.url = shown(url)
        self.what = what
        self.remedy = remedy
        super().__init__(f"{source} ({self.url}): {what}; {remedy}")


class Unreachable(SourceError):
    """No connection, or one that broke before the answer was whole."""

    kind = "unreachable"
    fails_over = True


class Timeout(SourceError):
    """No whole answer within the source's timeout."""

    kind = "timeout"
    fails_over = True


class Unavailable(SourceError):
    """The server answers that it cannot now; `retry_after` in seconds if it told."""

    kind = "unavailable"
    fails_over = True

    def __init__(
        self, source: str, url: str, what: str, remedy: str, retry_after: float | None = None
    ) -> None:
        super().__init__(source, url, what, remedy)
        self.retry_after = retry_after


class NotPrometheus(SourceError):
    """Something answered, but not with what Prometheus's API says."""

    kind = "not_prometheus"
    fails_over = True


class BadQuery(SourceError):
    """The server refuses the query; the message holds its words."""

    kind = "bad_query"
    retry = False


class TooManySamples(SourceError):
    """The query needs more samples than the server, or we, will load: ask for a shorter span."""

    kind = "too_many_samples"
    retry = False


class PartialAnswer(SourceError):
    """The answer lacks data and says so in its `warnings`."""

    kind = "partial"

    def __init__(self, source: str, url: str, warnings: tuple[str, ...]) -> None:
        super().__init__(
            source,
            url,
            f"the answer is partial: {_shortened('; '.join(warnings))}",
            "see to the store or remote read that it names",
        )
        self.warnings = warnings


class Unauthorized(SourceError):
    """The server refuses us, or there are no credentials to send."""

    kind = "unauthorized"
    retry = False


def shown(url: str) -> str:
    """`url` as it may be shown: without user, password, query and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def refusal(
    source: str, url: str, status: int, headers: dict[str, str], body: bytes
) -> SourceError:
    """The error that an answer other than success stands for.

    `headers` have lower-case names. Prometheus's own `errorType` decides before the
    HTTP status, because proxies and forks do not agree on the status.
    """
    kind, text = _error_of(body)
    told = f"HTTP {status}" + (f": {text}" if text else "")
    if status in _REFUSED:
        remedy = "check basic_auth, bearer_token_file, headers and tls"
        return Unauthorized(source, url, told, remedy)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return _redirect(source, url, status, headers.get("location", ""))
    if kind in _BAD or (not kind and status in _BAD_STATUS):
        return _bad(source, url, told, kind, body)
    if kind == "timeout" or status == HTTPStatus.GATEWAY_TIMEOUT:
        return Timeout(source, url, told, _CHEAPER)
    if kind or status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        after = _seconds(headers.get("retry-after"))
        return Unavailable(source, url, told, "see the server's log and load", after)
    return _not_api(source, url, told)


def _redirect(source: str, url: str, status: int, location: str) -> NotPrometheus:
    try:
        where = shown(urljoin(url, location))
    except ValueError:
        where = "elsewhere"
    remedy = "set the url to where Prometheus itself answers; redirects are not followed"
    return NotPrometheus(source, url, f"HTTP {status} redirects to {where}", remedy)


def _bad(source: str, url: str, told: str, kind: str, body: bytes) -> SourceError:
    if not kind and body.lstrip().startswith(b"<"):
        return _not_api(source, url, told)
    # Thanos reports a query that ran out of time as one that cannot be executed.
    if kind == "execution" and _TOO_SLOW.search(told):
        return Timeout(source, url, told, _CHEAPER)
    if _TOO_MANY.search(told):
        return TooManySamples(source, url, told, "ask for a shorter span or fewer series")
    return BadQuery(source, url, told, "correct the query")


def _not_api(source: str, url: str, told: str) -> NotPrometheus:
    return NotPrometheus(
        source, url, told, "there is no Prometheus API here; check the url and its path prefix"
    )


def _error_of(body: bytes) -> tuple[str, str]:
    """Prometheus's `errorType` and `error` in `body`, or "" and its first words."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", _plain(body)
    if not isinstance(answer, dict) or answer.get("status") != "error":
        return "", _plain(body)
    return str(answer.get("errorType", "unknown")), _shortened(str(answer.get("error", "")))


def _plain(body: bytes) -> str:
    if body.lstrip().startswith(b"<"):
        return "a web page"
    return _shortened(" ".join(body[:2000].decode(errors="replace").split()))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."


def _seconds(retry_after: str | None) -> float | None:
    """`Retry-After` in seconds; None for a date, which nobody sends here."""
    try:
        return max(0.0, float(retry_after or ""))
    except ValueError:
        return None

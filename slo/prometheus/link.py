"""One URL of a source: the library's client, the session it works on, and one request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from prometheus_api_client.prometheus_connect import PrometheusConnect

from slo.prometheus.answer import HistogramError, MalformedError
from slo.prometheus.errors import BadQuery, PartialAnswer, SourceError, shown
from slo.prometheus.session import Credentials, Session
from slo.prometheus.transport import Adapter

if TYPE_CHECKING:
    from collections.abc import Callable

    from slo.domain.source import Source
    from slo.prometheus.answer import Body

T = TypeVar("T")
# Remarks on the query itself; the data is whole.
_ABOUT_QUERY = "PromQL warning:"


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request: to whom, what (`instant`, `range`, `series`, ...), and how it went.

    `seconds` until the answer was parsed, `bytes` of its unpacked body, `samples_read`
    by the server as it tells, `error` the kind of its `SourceError`, if any.
    """

    source: str
    what: str
    query: str
    seconds: float
    samples_read: int = 0
    bytes: int = 0
    error: str | None = None


class Link:
    """One URL of `source`; `api` is the library's client, for `call`."""

    def __init__(
        self,
        source: Source,
        url: str,
        on_request: Callable[[RequestRecord], None] | None,
        accept_partial: bool,
    ) -> None:
        parts = urlsplit(url)
        basic = source.basic_auth
        if basic is None and parts.username is not None:
            basic = unquote(parts.username), unquote(parts.password or "")
        # Without credentials, so that no error or log of a library can show them; and
        # without a last slash, which would ask for `//api`.
        self.url = shown(url)
        self.session = Session(source, self.url, Credentials(source, self.url, basic))
        self.api = PrometheusConnect(self.url, session=self.session)
        # After the library has mounted an adapter that retries.
        self.session.mount(self.url, Adapter())
        self._name = source.name
        self._on_request = on_request
        self._accept_partial = accept_partial

    def call(
        self, what: str, query: str, ask: Callable[[], object], read: Callable[[Body], T]
    ) -> T:
        """What `read` makes of the answer, once `ask` has sent one request; recorded."""
        self.session.begin()
        started = time.monotonic()
        count = 0
        kind: str | None = None
        try:
            body = self._body(ask)
            count = body.samples_read
            self._ensure_whole(body)
            return self._read(body, read)
        except SourceError as error:
            kind = error.kind
            raise
        finally:
            if self._on_request is not None:
                seconds = time.monotonic() - started
                size = self.session.bytes_read
                self._on_request(RequestRecord(self._name, what, query, seconds, count, size, kind))
            # A large answer must not live until this thread's next request.
            self.session.begin()

    def _body(self, ask: Callable[[], object]) -> Body:
        try:
            ask()
        except (LookupError, TypeError, AttributeError) as error:
            # The library takes the answer's shape for granted.
            raise self.session.not_prometheus("its JSON lacks what the API promises") from error
        return self.session.body

    def _ensure_whole(self, body: Body) -> None:
        missing = tuple(one for one in body.warnings if not one.startswith(_ABOUT_QUERY))
        if missing and not self._accept_partial:
            raise PartialAnswer(self._name, self.url, missing)

    def _read(self, body: Body, read: Callable[[Body], T]) -> T:
        try:
            return read(body)
        except MalformedError as error:
            raise self.session.not_prometheus(str(error)) from error
        except HistogramError as error:
            remedy = "use histogram_count() or histogram_sum() of it"
            raise BadQuery(self._name, self.url, str(error), remedy) from error

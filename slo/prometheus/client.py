"""The client for one source: every question that SLO Ledger asks Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

from slo.prometheus.answer import (
    Answer,
    answer_of,
    list_of,
    merged,
    object_of,
    types_of,
)
from slo.prometheus.errors import SourceError
from slo.prometheus.link import Link, RequestRecord
from slo.prometheus.session import is_header_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slo.domain.source import Source

__all__ = ["MAX_POINTS", "PrometheusClient", "RequestRecord"]

T = TypeVar("T")
MAX_POINTS = 11_000
"""The most points a series may have in one range query; Prometheus refuses more."""
_INSTANT = frozenset({"vector", "matrix", "scalar"})
_RANGE = frozenset({"matrix"})
_SUFFIXES = ("_total", "_bucket", "_sum", "_count", "_created")


class PrometheusClient:
    """Asks one source; every fault is a `SourceError`, within the source's timeout per URL.

    A call goes to the URL that answered last, and to the next ones if that is
    unreachable, too slow, unavailable or not Prometheus; it never mixes the
    answers of two. Nothing is asked again: the next cycle does that. Answers with
    warnings about missing data raise `PartialAnswer`, unless `accept_partial`. May be used by
    several threads; `on_request` is called in the thread that asks.
    """

    def __init__(
        self,
        source: Source,
        *,
        on_request: Callable[[RequestRecord], None] | None = None,
        accept_partial: bool = False,
    ) -> None:
        for name, value in source.headers:
            if not is_header_value(value):
                raise ValueError(
                    f"source {source.name}: the value of header {name} is empty, has spaces "
                    "around it or line breaks; write it on one line"
                )
        self._source = source
        self._links = tuple(Link(source, url, on_request, accept_partial) for url in source.urls)
        self._good = 0

    def __repr__(self) -> str:
        urls = ", ".join(link.url for link in self._links)
        return f"PrometheusClient({self._source.name}: {urls})"

    @property
    def name(self) -> str:
        """The source's name."""
        return self._source.name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        for link in self._links:
            link.api.close()

    def instant(self, query: str, at: float) -> Answer:
        """The answer to `query` at `at` (epoch seconds): a vector, a matrix or a scalar."""
        params = self._query_params(query, time=_seconds(at))
        return self._ask(lambda link: self._instant(link, query, params))

    def range(self, query: str, start: float, end: float, step: float) -> Answer:
        """`query` at `start`, `start + step`, ... up to `end` (epoch seconds), in any number."""
        pieces = _pieces(start, end, step)
        return self._ask(
            lambda link: merged([self._range(link, query, piece, step) for piece in pieces])
        )

    def series(self, matches: Sequence[str], start: float, end: float) -> list[dict[str, str]]:
        """The label sets of all series that `matches` select between `start` and `end`."""
        times = datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)
        params = self._params({"match[]": list(matches)})
        found: list[dict[str, str]] = self._ask(
            lambda link: link.call(
                "series",
                " or ".join(matches),
                lambda: link.api.get_series(*times, params=params),
                list_of(dict),
            )
        )
        return found

    def label_values(
        self, label: str, matches: Sequence[str], start: float, end: float
    ) -> list[str]:
        """The values of `label` in the series that `matches` select; all series if none."""
        params = self._params(
            {"match[]": list(matches), "start": _seconds(start), "end": _seconds(end)}
        )
        found: list[str] = self._ask(
            lambda link: link.call(
                "label_values",
                f"{label}: {' or '.join(matches)}",
                lambda: link.api.get_label_values(quote(label, safe=""), params=params),
                list_of(str),
            )
        )
        return found

    def metadata(self, metric: str) -> str | None:
        """The type of `metric` as its exporters tell: `counter`, `gauge`, `histogram`, `summary`.

        Parts such as `x_total` and `x_bucket` are looked up as `x` too. None if nothing is told,
        or if exporters differ.
        """
        names = [metric, *(metric.removesuffix(end) for end in _SUFFIXES if metric.endswith(end))]

        def ask(link: Link) -> str | None:
            for name in names:
                types = link.call("metadata", name, _metadata(link, name), types_of)
                if types:
                    return types.pop() if len(types) == 1 else None
            return None

        return self._ask(ask)

    def now(self) -> float:
        """The server's own clock, in epoch seconds."""
        params = self._query_params("time()")

        def read(link: Link) -> float:
            answer = self._instant(link, "time()", params)
            if len(answer.series) != 1 or not answer.series[0].values:
                raise link.session.not_prometheus("time() is not one value")
            return answer.series[0].values[0]

        return self._ask(read)

    def build_info(self) -> dict[str, str]:
        """The server's build: `version` and more."""
        return self._ask(
            lambda link: link.call(
                "build_info",
                "",
                # The library has no call for this page.
                lambda: link.session.get(f"{link.url}/api/v1/status/buildinfo"),
                lambda body: {key: str(value) for key, value in object_of(body.data).items()},
            )
        )

    def _instant(self, link: Link, query: str, params: dict[str, Any]) -> Answer:
        return link.call(
            "instant",
            query,
            lambda: link.api.custom_query(query, params=params),
            lambda body: answer_of(body, _INSTANT),
        )

    def _range(self, link: Link, query: str, piece: tuple[float, float], step: float) -> Answer:
        start, end = piece
        # The library rounds the datetimes to seconds; `params` come after them and win.
        params = self._query_params(query, start=_seconds(start), end=_seconds(end))
        times = datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)
        return link.call(
            "range",
            query,
            lambda: link.api.custom_query_range(query, *times, _seconds(step), params=params),
            lambda body: answer_of(body, _RANGE),
        )

    def _ask(self, operation: Callable[[Link], T]) -> T:
        """`operation` on the URL that was good last, or else on the next that is."""
        count = len(self._links)
        first = self._good
        errors: list[SourceError] = []
        for index in ((first + turn) % count for turn in range(count)):
            try:
                result = operation(self._links[index])
            except SourceError as error:
                if not error.fails_over:
                    raise
                errors.append(error)
            else:
                # A race between threads is harmless: either URL has just answered.
                self._good = index
                return result
        for other in errors[1:]:
            errors[0].add_note(f"then {other}")
        raise errors[0]

    def _params(self, own: dict[str, Any]) -> dict[str, Any]:
        params: dict[str, Any] = {}
        for name, value in self._source.params:
            params.setdefault(name, []).append(value)
        return params | own

    def _query_params(self, query: str, **times: str) -> dict[str, Any]:
        # A number: Prometheus refuses `10.0s`.
        timeout = f"{self._source.timeout.total_seconds():g}"
        return self._params({"query": query, "stats": "all", "timeout": timeout, **times})


def _pieces(start: float, end: float, step: float) -> list[tuple[float, float]]:
    """Spans of at most `MAX_POINTS` points each, computed in milliseconds to stay on the grid."""
    first, last, each = round(start * 1000), round(end * 1000), round(step * 1000)
    if each < 1 or last < first:
        raise ValueError(
            f"no range from {start} to {end} by {step}: step must be >= 1 ms, end >= start"
        )
    width = (MAX_POINTS - 1) * each
    return [
        (at / 1000, min(at + width, last) / 1000) for at in range(first, last + 1, width + each)
    ]


def _seconds(at: float) -> str:
    """Epoch seconds to the millisecond, which is all that Prometheus keeps."""
    return f"{at:.3f}".rstrip("0").rstrip(".")


def _metadata(link: Link, metric: str) -> Callable[[], object]:
    return lambda: link.api.get_metric_metadata(metric)

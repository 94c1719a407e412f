"""What a source answers: series of samples, read from JSON with little work per sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

_VALUES = b'"values":[['
_END = b"]]"
_INFO = "PromQL info:"


class MalformedError(ValueError):
    """The body is not what Prometheus's API says; the message says where it differs."""


class HistogramError(ValueError):
    """The query gives native histograms, which are no values."""


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of one series: `times` in epoch milliseconds, `values` beside them.

    NaN that was scraped stays `nan`; staleness marks are never in an answer.
    """

    labels: dict[str, str]
    times: list[int]
    values: list[float]


@dataclass(frozen=True, slots=True)
class Answer:
    """All series of an answer, and the samples that the server read for it (0 if not told)."""

    series: tuple[Series, ...]
    samples_read: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """A body read from JSON, but for the sample arrays of its series, which are left in `text`.

    Where `envelope` has `"values": [[k]]`, `cuts[k]` is where they lie. JSON of ten
    million `[time, "value"]` pairs would be as many lists and strings; the
    cuts are read as flat numbers instead, six times faster.
    """

    envelope: dict[str, Any]
    text: bytes
    cuts: list[tuple[int, int]]

    @property
    def data(self) -> object:
        """What the answer is about."""
        return self.envelope.get("data")

    @property
    def samples_read(self) -> int:
        """The samples that the server read, as `stats=all` tells; 0 if it does not."""
        try:
            return int(self.envelope["data"]["stats"]["samples"]["totalQueryableSamples"])
        except (KeyError, TypeError, ValueError):
            return 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """The answer's warnings; infos, which came among them before Prometheus 3.0, are none."""
        told = self.envelope.get("warnings") or ()
        return tuple(str(one) for one in told if not str(one).startswith(_INFO))


def parse_body(body: bytes) -> Body:
    """The JSON object in `body`; `MalformedError` if there is none."""
    pieces: list[bytes] = []
    cuts: list[tuple[int, int]] = []
    at = 0
    # Inside a JSON string the quotes would be escaped, so a label cannot look like this.
    while (start := body.find(_VALUES, at)) >= 0:
        start += len(_VALUES)
        end = body.find(_END, start)
        if end < 0:
            raise MalformedError("its JSON is cut short")
        pieces += (body[at:start], b"%d" % len(cuts))
        cuts.append((start, end))
        at = end
    pieces.append(body[at:])
    try:
        envelope = orjson.loads(b"".join(pieces))
    except orjson.JSONDecodeError as error:
        begin = body[:100].lstrip()
        if begin.startswith(b"{"):
            raise MalformedError("its JSON is broken or cut short") from error
        what = "a web page" if begin.startswith(b"<") else "something that is not JSON"
        raise MalformedError(f"it answers with {what}") from error
    if not isinstance(envelope, dict):
        raise MalformedError("its JSON is not an object")
    return Body(envelope, body, cuts)


def answer_of(body: Body, expected: frozenset[str]) -> Answer:
    """The answer to a query: a vector, a matrix or a scalar, as `expected` allows."""
    data = object_of(body.data)
    kind = data.get("resultType")
    if kind not in expected:
        raise MalformedError(f"its resultType is {kind!r}, not {' or '.join(sorted(expected))}")
    result = data.get("result")
    if not isinstance(result, list):
        raise MalformedError("its JSON has no result list")
    try:
        if kind == "scalar":
            series = [Series({}, *_numbers([result]))]
        else:
            series = [_series(one, body) for one in result]
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise MalformedError("a series in its JSON lacks labels or samples") from error
    return Answer(tuple(series), body.samples_read, body.warnings)


def types_of(body: Body) -> set[str]:
    """The types in the answer of /api/v1/metadata: {metric: [{type, help, unit}, ...]}."""
    types: set[str] = set()
    for entries in object_of(body.data).values():
        if not isinstance(entries, list):
            raise MalformedError("its metadata is not a list per metric")
        types |= {str(object_of(entry).get("type")) for entry in entries}
    return types - {"unknown", ""}


def object_of(data: object) -> dict[str, Any]:
    """`data`, which must be an object of JSON."""
    if not isinstance(data, dict):
        raise MalformedError("its data is not an object")
    return data


def list_of(kind: type) -> Callable[[Body], list[Any]]:
    """A reader of data that must be a list of `kind`."""

    def read(body: Body) -> list[Any]:
        data = body.data
        if not isinstance(data, list) or not all(isinstance(one, kind) for one in data):
            raise MalformedError(f"its data is not a list of {kind.__name__}")
        return data

    return read


def merged(answers: list[Answer]) -> Answer:
    """The answers of adjacent spans as one; series meet by their labels."""
    if len(answers) == 1:
        return answers[0]
    series: dict[tuple[tuple[str, str], ...], Series] = {}
    for answer in answers:
        for one in answer.series:
            key = tuple(sorted(one.labels.items()))
            whole = series.setdefault(key, Series(one.labels, [], []))
            whole.times.extend(one.times)
            whole.values.extend(one.values)
    return Answer(
        tuple(series.values()),
        sum(answer.samples_read for answer in answers),
        tuple(dict.fromkeys(warning for answer in answers for warning in answer.warnings)),
    )


def _series(one: dict[str, Any], body: Body) -> Series:
    if "histogram" in one or "histograms" in one:
        raise HistogramError("the query gives native histograms, not values")
    labels = object_of(one["metric"])
    if "value" in one:
        return Series(labels, *_numbers([one["value"]]))
    values = one["values"]
    if len(values) == 1 and len(values[0]) == 1:
        start, end = body.cuts[values[0][0]]
        return Series(labels, *_flat_numbers(body.text[start:end]))
    return Series(labels, *_numbers(values))


def _flat_numbers(cut: bytes) -> tuple[list[int], list[float]]:
    """Times and values of `1700000000.123,"5"],[1700000015.123,"6"`."""
    flat = cut.translate(None, b'[]"')
    try:
        parts: list[Any] = orjson.loads(b"[%b]" % flat)
    except orjson.JSONDecodeError:
        # NaN, +Inf and -Inf are no JSON, but Python reads them.
        parts = flat.split(b",")
    if len(parts) % 2:
        raise MalformedError("a sample in its JSON lacks its time or value")
    try:
        times = [round(time * 1000) for time in map(float, parts[::2])]
        return times, list(map(float, parts[1::2]))
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedError("a sample in its JSON is no number") from error


def _numbers(pairs: list[list[Any]]) -> tuple[list[int], list[float]]:
    try:
        return [round(float(at) * 1000) for at, _ in pairs], [float(value) for _, value in pairs]
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedError("a sample in its JSON is no pair of time and value") from error

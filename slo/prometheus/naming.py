"""Series by name: canonical labels, targets, and membership told by labels alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from slo.domain.reads import number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slo.domain.selector import Matcher, Selector

_TARGET_LABELS = ("job", "instance", "cluster")


def canonical_labels(labels: Mapping[str, str], ignored: Iterable[str]) -> dict[str, str]:
    """The labels that make the series: without the ignored ones, `le` written as a number."""
    kept = {k: v for k, v in labels.items() if k not in ignored}
    bound = number_of(kept["le"]) if "le" in kept else None
    if bound is not None:
        kept["le"] = repr(bound)
    return kept


def series_name(labels: Mapping[str, str]) -> str:
    """Canonical labels as canonical JSON."""
    return orjson.dumps(labels, option=orjson.OPT_SORT_KEYS).decode()


def labels_of(series: str) -> dict[str, str]:
    """The labels that `series_name` wrote."""
    parsed: dict[str, Any] = orjson.loads(series)
    return parsed


def target_of(labels: Mapping[str, str]) -> str:
    """The target that a series was scraped from: its job, instance and cluster."""
    return "\x00".join(labels.get(label, "") for label in _TARGET_LABELS)


def agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two series of one target may belong together: no shared label differs."""
    return all(other.get(k, v) == v for k, v in one.items() if k != "__name__")


def surely_inside(part: Selector, whole: Selector, labels: Mapping[str, str]) -> bool | None:
    """Whether `part` selects a series of `whole`, by equality matchers alone.

    None where a pattern decides: Prometheus's RE2 is not Python's `re`.
    """
    verdicts = [_matches(m, labels) for m in part.matchers if m not in whole.matchers]
    if any(verdict is False for verdict in verdicts):
        return False
    return None if None in verdicts else True


def _matches(matcher: Matcher, labels: Mapping[str, str]) -> bool | None:
    value = labels.get(matcher.label, "")
    match matcher.op:
        case "=":
            return value == matcher.value
        case "!=":
            return value != matcher.value
        case _:
            return None

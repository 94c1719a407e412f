"""Contributors: the label sets with most bad events, by hour."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from slo.domain.counter import Role
from slo.domain.ledger import OTHER, Contribution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slo.domain.series import Combine, Key, Series

TOP = 20
_HOUR_MS = 3_600_000
_NOT_EVIDENCE = frozenset({"__name__", "le"})


def contributions(
    series: Mapping[Key, Series], amounts: Mapping[Key, Mapping[int, float]], combine: Combine
) -> tuple[Contribution, ...]:
    """The events of each label set by hour: the `TOP` with most bad, the rest as `other`.

    `amounts` are by series and bucket end in epoch milliseconds. Slices have no
    contributors: a slice belongs to all its series.
    """
    hours: dict[int, dict[str, dict[Role, float]]] = defaultdict(dict)
    for key, by_end in amounts.items():
        roles = series[key].roles
        if not by_end or roles & (Role.SUM | Role.COUNT):
            continue
        labels = label_set(series[key].labels)
        by_hour: dict[int, float] = defaultdict(float)
        for end, amount in by_end.items():
            by_hour[(end - 1) // _HOUR_MS] += amount
        for hour, amount in by_hour.items():
            counted = hours[hour].setdefault(labels, defaultdict(float))
            for role in roles:
                counted[role] += amount
    return tuple(c for hour in sorted(hours) for c in _top(hour * 3600, hours[hour], combine))


def _top(
    hour: int, counted: Mapping[str, Mapping[Role, float]], combine: Combine
) -> list[Contribution]:
    found = []
    for labels, by_role in counted.items():
        good, total = combine(by_role)
        found.append(Contribution(hour, labels, max(0.0, total - good), total))
    found.sort(key=lambda c: (-c.bad, -c.total, c.labels))
    rest = found[TOP:]
    if rest:
        other = Contribution(hour, OTHER, sum(c.bad for c in rest), sum(c.total for c in rest))
        return [*found[:TOP], other]
    return found


def label_set(labels: Mapping[str, str]) -> str:
    """Labels as canonical JSON, without the metric's name and `le`."""
    kept = {k: v for k, v in labels.items() if k not in _NOT_EVIDENCE}
    return json.dumps(kept, sort_keys=True, ensure_ascii=False)

"""Where bad events came from: the contributors of an hour, told label by label."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.ledger import OTHER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.ledger import Contribution

MOST_SHARES = 8


@dataclass(frozen=True, slots=True)
class Share:
    """The bad events that carry one label value, and their share of all bad events."""

    label: str
    value: str
    bad: float
    share: float


def shares(contributions: Sequence[Contribution]) -> list[Share]:
    """The label values with most bad events, most first.

    A value that every label set carries tells nothing and is left out, unless
    no label differs at all.
    """
    bad = sum(c.bad for c in contributions)
    if bad <= 0:
        return []
    sums: dict[tuple[str, str], float] = defaultdict(float)
    seen: dict[tuple[str, str], int] = defaultdict(int)
    for contribution in contributions:
        for label, value in labels_of(contribution).items():
            sums[label, value] += contribution.bad
            seen[label, value] += 1
    telling = {key for key, times in seen.items() if times < len(contributions)} or set(seen)
    found = [Share(*key, sums[key], sums[key] / bad) for key in telling if sums[key] > 0]
    return sorted(found, key=lambda s: (-s.bad, s.label, s.value))[:MOST_SHARES]


def labels_of(contribution: Contribution) -> dict[str, str]:
    """The labels of a contribution; none for the rest that `other` sums up."""
    if contribution.labels == OTHER:
        return {}
    labels = json.loads(contribution.labels)
    return {str(k): str(v) for k, v in labels.items()} if isinstance(labels, dict) else {}


def label_text(contribution: Contribution) -> str:
    """A label set as PromQL writes it, or `all others`."""
    return text_of(contribution.labels)


def text_of(labels: str) -> str:
    """The same of a label set as canonical JSON."""
    if labels == OTHER:
        return "all others"
    found = json.loads(labels)
    pairs = (f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in found.items())
    return "{" + ", ".join(pairs) + "}"

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
    """The events that carry one label value, and the share of all bad events among them."""

    label: str
    value: str
    bad: float
    share: float
    total: float = 0.0

    @property
    def ratio(self) -> float | None:
        """The share of its own events that were bad; None without events."""
        return self.bad / self.total if self.total > 0 else None


def shares(contributions: Sequence[Contribution], label: str = "") -> list[Share]:
    """The label values with most bad events, most first; of one `label`, or of all.

    Of all, a value that every named label set carries tells nothing and is left out, unless
    no label differs at all. Of one, what lacks the label or is summed up is named so.
    """
    bad = sum(c.bad for c in contributions)
    if bad <= 0:
        return []
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0])
    for contribution in contributions:
        for key in _values(contribution, label):
            of = sums[key]
            of[0], of[1], of[2] = of[0] + contribution.bad, of[1] + contribution.total, of[2] + 1
    named = sum(c.labels != OTHER for c in contributions)
    telling = {key for key, (_, _, times) in sums.items() if times < named}
    found = [
        Share(*key, bad_, bad_ / bad, total)
        for key, (bad_, total, _) in sums.items()
        if bad_ > 0 and (label or key in telling or not telling)
    ]
    return sorted(found, key=lambda s: (-s.bad, s.label, s.value))[: None if label else MOST_SHARES]


def label_names(contributions: Sequence[Contribution]) -> list[str]:
    """The labels that there are, those that differ from set to set first."""
    values: dict[str, set[str]] = defaultdict(set)
    for contribution in contributions:
        for name, value in labels_of(contribution).items():
            values[name].add(value)
    return sorted(values, key=lambda name: (len(values[name]) == 1, name))


def _values(contribution: Contribution, label: str) -> list[tuple[str, str]]:
    labels = labels_of(contribution)
    if not label:
        return list(labels.items())
    if contribution.labels == OTHER:
        return [(label, "all others")]
    return [(label, labels.get(label, "(without it)"))]


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

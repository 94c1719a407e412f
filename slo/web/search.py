"""Searching: which SLOs hold the words that somebody looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.standing import Standing


def labels_of(standing: Standing) -> list[str]:
    """The labels as they are chosen and searched: `tier=1`."""
    return [f"{name}={value}" for name, value in standing.labels]


def holds(standing: Standing, words: Sequence[str]) -> bool:
    """Whether what people read of the SLO holds all of the words, which are casefolded."""
    texts = (standing.slo, standing.indicator_text, standing.owner, standing.description)
    text = "\n".join((*texts, *labels_of(standing))).casefold()
    return all(word in text for word in words)

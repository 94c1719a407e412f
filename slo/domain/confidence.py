"""Confidence: how far a share of few events may lie from the truth."""

from __future__ import annotations

from math import sqrt

Z = 1.96
"""Standard deviations of a two-sided confidence of 95 %."""


def wilson(part: float, total: float) -> tuple[float, float]:
    """The lower and upper bound of the share `part / total`; (0, 1) without events.

    Wilson's score interval (E. B. Wilson, 1927).
    """
    if total <= 0:
        return 0.0, 1.0
    share = min(1.0, max(0.0, part / total))
    square = Z * Z / total
    middle = share + square / 2
    width = Z * sqrt(share * (1 - share) / total + square / (4 * total))
    return max(0.0, (middle - width) / (1 + square)), min(1.0, (middle + width) / (1 + square))

"""Burn rates: how fast a span spends the error budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from slo.domain.ledger import Tally


def burn_rate(tally: Tally, objective: Decimal) -> float | None:
    """`(bad / total) / (1 - objective)` of a span; None without events.

    1 spends just the whole budget in one window.
    """
    if tally.total <= 0:
        return None
    return tally.bad / tally.total / float(1 - objective)

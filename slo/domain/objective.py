"""Objectives: the share of events that must be good, as an exact `Decimal`."""

from __future__ import annotations

import re
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


class ObjectiveError(ValueError):
    """The value is no objective; the message says what one looks like."""


def parse_objective(value: str | float | Decimal) -> Decimal:
    """The objective in (0, 1) that `99.9%`, `99.9` or `0.999` names.

    Values above 1 are per cent. `1`, `0%` and `100%` are refused: the first is
    ambiguous, and the others leave no budget or promise nothing.
    """
    text = str(value).strip()
    percent = text.endswith("%")
    digits = text.removesuffix("%").strip()
    if not _NUMBER.fullmatch(digits):
        raise ObjectiveError(f"{text!r} is not an objective; write for example 99.9%")
    number = Decimal(digits)
    if percent or number > 1:
        number /= 100
    if not 0 < number < 1:
        raise ObjectiveError(
            f"{text!r} must lie between 0% and 100%, both excluded; write for example 99.9%"
        )
    return number


def format_percent(share: Decimal) -> str:
    """`share` in per cent without trailing zeros, for example `99.9%`."""
    text = f"{share * 100:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"

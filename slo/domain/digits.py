"""How many digits a number is told with: those that mean something, and that tell it apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 9
"""Decimals beyond which a difference is noise of floats."""


def significant(number: float, digits: int) -> str:
    """With so many digits that mean something, never as a power of ten: `0.833`, `1,440`."""
    if number == 0 or not math.isfinite(number):
        return f"{number:z.0f}"
    decimals = digits - 1 - math.floor(math.log10(abs(number)))
    text = f"{number:z,.{min(MOST, max(0, decimals))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def told_apart(number: float, tell: Callable[[int], str], least: int, *limits: float) -> str:
    """What `tell` says with the fewest digits, from `least` on, that lie where the number does.

    That is below, at or above each of the limits. Where no digits do, the fewest are told.
    """
    place = _place(number, limits)
    for digits in range(least, MOST + 1):
        text = tell(digits)
        if _place(float(text.replace(",", "")), limits) == place:
            return text
    return tell(least)


def _place(number: float, limits: tuple[float, ...]) -> list[int]:
    return [(number > at) - (number < at) for at in limits]

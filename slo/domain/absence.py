"""Absence: buckets in which an SLO has no data although its source has some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Absence:
    """Why the bucket that ends at `end` has no data, and since when there are none.

    Dead: every target of the SLO is down. Gone: its targets have left the source.
    `since` is when the newest sample of any of them was taken. Epoch seconds.
    """

    kind: Literal["dead", "gone"]
    since: int
    end: int

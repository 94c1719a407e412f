"""Standings: an SLO's numbers as of its last cycle, and the notes that make them unsure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from decimal import Decimal

    from slo.domain.span import Span

State = Literal["new", "healthy", "caution", "restricted", "exhausted"]
DataState = Literal["fresh", "late", "none"]

BURN_SPANS: tuple[tuple[str, int], ...] = (
    ("5m", 300),
    ("30m", 1800),
    ("1h", 3600),
    ("2h", 7200),
    ("6h", 21600),
    ("1d", 86400),
    ("3d", 259200),
)
"""The spans of the SRE Workbook's alert windows, name and seconds."""

FAULT = "fault"
"""The kind of note that tells why an SLO could not be booked; it holds until it can."""

UNMATCHED = "unmatched"
"""The kind of note that tells of a selector without series; it holds until it has one."""


FROZEN = "frozen"
"""The kind of note that tells which alert rules cannot decide, and why."""


@dataclass(frozen=True, slots=True)
class Note:
    """What makes a number unsure; `amount` is in events where that makes sense."""

    kind: str
    """A stable word, such as `birth-uncounted`, `rename`, `skew`, `carried`, `estimated`."""
    text: str
    amount: float | None = None
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """An error budget: `allowed` = (1 - objective) x total, `spent` = bad events.

    `remaining` = 1 - spent / allowed, may be negative, None while there are no events.
    """

    allowed: float
    spent: float
    remaining: float | None
    projected: bool = False


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the budget will be gone at the burn of the last `basis` ("6h" or "3d")."""

    basis: str
    exhausted_at: int | None
    """Epoch seconds; None: it stays within the budget."""


@dataclass(frozen=True, slots=True)
class SparkPoint:
    """The budget remaining at one past instant; None where there was no data."""

    at: int
    remaining: float | None


@dataclass(frozen=True, slots=True)
class StandingAlert:
    """An alert that fires, or a rule that is frozen and says why."""

    rule: str
    kind: str
    severity: str
    since: int | None
    """The end of the bucket in which it fired; None: it does not fire."""
    reason: str
    frozen: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """An SLO's numbers, state and notes at `at`; what lists, /metrics and gates read."""

    slo: str
    service: str
    name: str
    objective: Decimal
    indicator: str
    indicator_text: str
    """What is counted, in words: `requests faster than 200 ms`."""
    estimated: bool
    slices: bool
    window_kind: Literal["rolling", "calendar"]
    window_label: str
    window: Span
    at: int
    """End of the last reading, epoch seconds."""
    good: float
    bad: float
    total: float
    sli: float | None
    budget: Budget
    burn_rates: tuple[tuple[str, float | None], ...]
    coverage: float | None
    state: State
    data: DataState
    exhausted_at: int | None
    """By the faster of the forecasts; the past instant where it is spent already."""
    forecasts: tuple[Forecast, ...] = ()
    notes: tuple[Note, ...] = ()
    sparkline: tuple[SparkPoint, ...] = ()
    owner: str = ""
    description: str = ""
    runbook: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    paused: bool = False
    last_data: int | None = None
    """End of the newest covered bucket; None: never."""
    fresh_for: int | None = None
    """Seconds after that in which data are fresh; None: an older version wrote it."""
    spent_as_booked: float | None = None
    """The share of the budget that is spent without corrections, which alert nobody.

    Budget rules decide by it. None while there are no events, or too little history.
    """
    alerts: tuple[StandingAlert, ...] = ()
    incident: int | None = None
    """The open incident that it is in."""

"""Alerts: what one decision leaves for the next, and the transitions that are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from slo.domain.policy import Severity

Change = Literal["fires", "resolves", "closes"]
"""An alert fires, resolves by itself, or closes since its SLO or rule was removed."""

Kind = Literal["burn", "floor", "budget", "dead", "gone", "blind"]
Number = tuple[str, float | None]

PAGED_KINDS: frozenset[Kind] = frozenset({"burn", "floor", "dead", "gone"})
"""Kinds whose alerts open incidents.

Budget alerts last for weeks, so an incident of theirs would swallow all others; blind
alerts tell of the source, which speaks for itself once. Both are kept and told, without
an incident.
"""


@dataclass(frozen=True, slots=True)
class AlertState:
    """One rule of one SLO as of its last decision. Instants are epoch seconds."""

    rule: str
    kind: Kind
    severity: Severity
    firing: bool = False
    since: int | None = None
    """The end of the bucket in which it fired; None while it does not."""
    calm_since: int | None = None
    """Since when the short window is below the threshold, while it fires."""
    absent_since: int | None = None
    """Since when there are no data, of a rule that watches for that."""
    frozen: str = ""
    """Why the rule cannot decide; empty when it can."""
    reason: str = ""
    """The last decision in words."""
    muted_until: int | None = None
    """Somebody resolved its incident by hand; until then it opens no other."""
    told: bool = False
    """Receivers were told that it fires; of kinds that open no incident."""
    alert: int | None = None
    """The id of the transition with which it fired."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of an alert, with the numbers that caused it and the reason in words."""

    slo: str
    rule: str
    kind: Kind
    severity: Severity
    change: Change
    at: int
    """The end of the bucket that decided, epoch seconds."""
    decided_at: int
    late: bool
    """Decided while catching up, long after the bucket's end."""
    reason: str
    numbers: tuple[Number, ...] = ()
    id: int = 0
    began: int | None = None
    """Of a change that ends an alert: the id of the transition with which it fired."""
    incident: int | None = None

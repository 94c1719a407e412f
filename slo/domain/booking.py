"""What one cycle or one backfill chunk books for one meter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slo.domain.absence import Absence
    from slo.domain.ledger import Contribution, Increment
    from slo.domain.meter import Edge
    from slo.domain.span import Span
    from slo.domain.standing import Note


@dataclass(frozen=True, slots=True)
class Booking:
    """The increments of `span` and all that is kept with them, for one transaction.

    `increments` holds the buckets of `span` in order, all of them; `edges` those
    that are new or have moved. A backfill's booking has no edges.
    """

    meter: int
    span: Span
    increments: tuple[Increment, ...]
    edges: tuple[Edge, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    notes: tuple[Note, ...] = ()
    absences: tuple[Absence, ...] = ()
    """One for each bucket without data although the source has some."""

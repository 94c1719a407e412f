"""Settings: all that slo.yaml says, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from slo.domain.slo import SLO
    from slo.domain.source import Source

ReceiverType = Literal[
    "pagerduty", "alertmanager", "slack", "teams", "opsgenie", "email", "webhook"
]
Severity = Literal["page", "ticket"]


@dataclass(frozen=True, slots=True)
class Keep:
    """A compaction tier: of readings older than `older_than`, one per `every` is kept."""

    older_than: timedelta
    every: timedelta


DEFAULT_KEEP = (
    Keep(older_than=timedelta(days=3), every=timedelta(minutes=5)),
    Keep(older_than=timedelta(days=35), every=timedelta(hours=1)),
    Keep(older_than=timedelta(days=400), every=timedelta(days=1)),
)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where notifications go; `options` are the keys of its type, sorted, and hold secrets."""

    name: str
    type: ReceiverType
    options: tuple[tuple[str, str | tuple[str, ...]], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Route:
    """The receivers, by name, that get alerts of one severity."""

    severity: Severity
    receivers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """What slo.yaml declares; every SLO's `source` is the name of one of `sources`."""

    sources: tuple[Source, ...]
    slos: tuple[SLO, ...]
    database_url: str = field(default="sqlite:///slo.db", repr=False)
    """A relative SQLite path is relative to the working directory."""
    interval: int = 60
    """Seconds between cycles, and the bucket of every SLO."""
    keep: tuple[Keep, ...] = DEFAULT_KEEP
    """Sorted by age. Younger readings than the first tier's are all kept."""
    max_gap: timedelta = timedelta(days=7)
    """How long the edge of a silent series is kept."""
    receivers: tuple[Receiver, ...] = ()
    routes: tuple[Route, ...] = ()
    defaults: tuple[str, ...] = ()
    """Sentences that tell what was filled in where the file says nothing."""
    warnings: tuple[str, ...] = ()
    """Sentences about what is allowed and yet is likely a mistake."""

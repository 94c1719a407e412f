"""Tallies: the incidents of a period, how many they were and how long they took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.span import Span, union

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slo.domain.incident import Incident


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long something took: the mean and the longest, in seconds."""

    mean: float
    worst: int


@dataclass(frozen=True, slots=True)
class IncidentTally:
    """The incidents that opened in a period, and the time in which any was going on."""

    number: int = 0
    pages: int = 0
    tickets: int = 0
    detect: Lengths | None = None
    resolve: Lengths | None = None
    """Of those that have resolved."""
    seconds: int = 0
    """From where a burn began to where its incident resolved, inside the period, once each."""


def tally_of(incidents: Iterable[Incident], span: Span, until: int) -> IncidentTally:
    """What a span saw of these incidents; those that are open go on until `until`."""
    known = list(incidents)
    opened = [i for i in known if span.start < i.opened_at <= span.end]
    took = [i.seconds_to_resolve for i in opened]
    parts = [part for i in known if (part := going_on(i, span, until))]
    return IncidentTally(
        number=len(opened),
        pages=sum(i.severity == "page" for i in opened),
        tickets=sum(i.severity != "page" for i in opened),
        detect=_lengths([i.seconds_to_detect for i in opened]),
        resolve=_lengths([seconds for seconds in took if seconds is not None]),
        seconds=sum(part.seconds for part in union(parts)),
    )


def going_on(incident: Incident, span: Span, until: int) -> Span | None:
    """The part of a span in which an incident was going on."""
    end = until if incident.resolved_at is None else incident.resolved_at
    return Span(min(incident.started_at, incident.opened_at), end).overlap(span)


def _lengths(seconds: Sequence[int]) -> Lengths | None:
    return Lengths(sum(seconds) / len(seconds), max(seconds)) if seconds else None

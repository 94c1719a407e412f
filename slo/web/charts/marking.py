"""What is marked on an SLO's timeline: alerts, incidents, exclusions, annotations, changes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from slo.domain.policy import SEVERE
from slo.domain.span import Span, union
from slo.store import alerts, incidents
from slo.store import annotations as kept_annotations
from slo.web import format as fmt
from slo.web.charts.marks import Mark
from slo.web.links import web_link

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.alert import Transition
    from slo.domain.annotation import Annotation
    from slo.domain.incident import Incident
    from slo.domain.ledger import Exclusion
    from slo.domain.policy import Severity
    from slo.store.slos import Revision

_MOST_TRANSITIONS = 2000
_BEFORE = 200
"""Transitions before the range among which those that began what fires at its start are."""
_MOST_INCIDENTS = 200
_RECENT = 900
"""What has not ended at the end of a chart this young is said to last until now."""
_FINEST = 400
"""Alerts that follow each other within this part of the width are drawn as one bar."""


def marks_over(
    session: Session,
    slo: str,
    shown: Span,
    exclusions: Iterable[Exclusion],
    revisions: Sequence[Revision],
    now: float,
) -> list[Mark]:
    """All that is to be marked of an SLO within `shown`, but time without data."""
    found = [
        *incident_marks(
            incidents.many(
                session, slo=slo, since=shown.start, until=shown.end + 1, limit=_MOST_INCIDENTS
            ),
            shown,
        ),
        *_alerts(session, slo, shown, now),
        *(mark for e in exclusions if (mark := exclusion_mark(e, shown)) is not None),
        *(
            annotation_mark(a)
            for a in kept_annotations.between(session, shown.start, shown.end, slo)
        ),
        *_changes(revisions, shown),
    ]
    return sorted(found, key=lambda mark: mark.start)


def gap_marks(gaps: Iterable[Span]) -> list[Mark]:
    """Spans without data as marks."""
    return [Mark("gap", gap.start, gap.end, "", "no data") for gap in gaps]


def window_mark(at: int) -> Mark:
    """Where the window begins whose numbers stand above."""
    return Mark("window", at, None, "", "the window begins")


def firing(transitions: Iterable[Transition], shown: Span) -> list[tuple[Transition, int | None]]:
    """The alerts that fired within `shown`, and their ends; None: they fire on.

    `transitions` come oldest first. Budget alerts last for weeks, so they are no spans.
    """
    open_: dict[str, Transition] = {}
    found: list[tuple[Transition, int | None]] = []
    for t in transitions:
        if t.kind == "budget":
            continue
        began = open_.pop(t.rule, None)
        if began is not None and t.at > shown.start:
            found.append((began, t.at))
        if t.change == "fires":
            open_[t.rule] = t
    return [*found, *((t, None) for t in open_.values())]


def incident_marks(found: Iterable[Incident], shown: Span) -> list[Mark]:
    """Incidents that had begun at the end of `shown`, as spans."""
    return [
        Mark(
            "incident",
            incident.started_at,
            shown.end if incident.resolved_at is None else incident.resolved_at,
            f"#{incident.id}",
            f"incident #{incident.id}, {incident.title}, {incident.status}",
            f"/incidents/{incident.id}",
            lasts=incident.resolved_at is None,
        )
        for incident in found
        if incident.started_at <= shown.end
    ]


def _alerts(session: Session, slo: str, shown: Span, now: float) -> list[Mark]:
    """Bars of what fired, one per severity and stretch of time."""
    # `until` leaves out its instant, and what is decided at the chart's end belongs to it.
    inside = alerts.history(
        session, slo=slo, since=shown.start, until=shown.end + 1, limit=_MOST_TRANSITIONS
    )
    before = alerts.history(session, slo=slo, until=shown.start, limit=_BEFORE)
    spans = firing([*before[::-1], *inside[::-1]], shown)
    current = now - shown.end < _RECENT
    return [mark for severity in SEVERE for mark in _bars(severity, spans, shown, current)]


def _bars(
    severity: Severity,
    spans: Iterable[tuple[Transition, int | None]],
    shown: Span,
    current: bool,
) -> list[Mark]:
    own = [(t, end) for t, end in spans if t.severity == severity]
    near = shown.seconds // _FINEST
    drawn = union(Span(t.at, max(t.at, end or shown.end) + near + 1) for t, end in own)
    found = []
    for bar in drawn:
        inside = [(t, end) for t, end in own if bar.start <= t.at < bar.end]
        rules = ", ".join(sorted({t.rule for t, _ in inside}))
        lasts = any(end is None for _, end in inside)
        times = f", {len(inside)} times" if len(inside) > 1 else ""
        found.append(
            Mark(
                severity,
                bar.start,
                shown.end if lasts else bar.end - near - 1,
                "",
                f"{rules} fired ({severity}{times})",
                lasts=lasts and current,
            )
        )
    return found


def exclusion_mark(exclusion: Exclusion, shown: Span) -> Mark | None:
    """An exclusion as a span; None where it lies outside of `shown`."""
    span = exclusion.span
    if span.overlap(shown) is None:
        return None
    told = f"excluded, does not count: {exclusion.why} ({exclusion.category}, {exclusion.who})"
    return Mark("excluded", span.start, span.end, "", told)


def annotation_mark(found: Annotation) -> Mark:
    """An annotation with its kind, title, text and author."""
    text = f": {found.text}" if found.text else ""
    who = f" ({found.who})" if found.who else ""
    fact = f"{found.kind}, {found.title}{text}{who}"
    return Mark(
        "annotation",
        found.at,
        found.end,
        "\u25bc",
        fact,
        web_link(found.url),
        annotation=found.id,
    )


def _changes(revisions: Sequence[Revision], shown: Span) -> list[Mark]:
    """Where another objective or window came into force."""
    found = []
    for before, after in pairwise(revisions):
        if not shown.start < after.since <= shown.end:
            continue
        told = []
        if before.objective != after.objective:
            change = f"{fmt.objective(before.objective)} to {fmt.objective(after.objective)}"
            told.append(f"objective changed from {change}")
        if before.window != after.window:
            told.append(f"window changed from {before.window.label()} to {after.window.label()}")
        if told:
            found.append(Mark("objective", after.since, None, "\u25c7", ", ".join(told)))
    return found

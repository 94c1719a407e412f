"""The facts of an incident as plain data: what a postmortem's template is given."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from slo.domain.duration import format_duration
from slo.domain.incident import AUTO
from slo.domain.indicator import Events, Freshness, Latency, Mean, Query, Slices
from slo.domain.ledger import OTHER
from slo.domain.objective import format_percent
from slo.domain.reads import reads_of
from slo.domain.span import Span, utc
from slo.domain.wording import indicator_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.incident import Event, Incident
    from slo.domain.indicator import Indicator
    from slo.postmortem.affected import Affected, Burn

_MOST_SLOS, _MOST_EVENTS, _MOST_ALERTS, _MOST_AUTHORS = 10, 200, 10, 20
_LONGEST_EVENT, _LONGEST_LABELS, _LONGEST_NAME = 1_000, 200, 60
_ALL_EVENTS, _ALL_PROMQL = 30_000, 20_000
"""Characters of all texts of a timeline together, and of the PromQL of all SLOs.

Together these bounds keep the built-in template's text below the most that is kept,
even where escaping doubles it.
"""
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60))
_MACHINES = {AUTO, "api", ""}


def facts(incident: Incident, found: Sequence[Affected], events: Sequence[Event]) -> dict[str, Any]:
    """All that a template may use: texts, numbers, lists and mappings of them.

    Times are texts in UTC, shares are in per cent as text; docs/postmortems.md names each.
    """
    end = incident.resolved_at or incident.opened_at
    people = [e.who for e in events if e.who not in _MACHINES]
    by = incident.resolved_by or AUTO
    return {
        "incident": {
            "number": incident.id,
            "title": incident.title,
            "service": incident.service,
            "severity": incident.severity,
            "started": minute(incident.started_at),
            "opened": minute(incident.opened_at),
            "mitigated": "" if incident.mitigated_at is None else minute(incident.mitigated_at),
            "resolved": minute(end),
            "resolved_by": "" if by == AUTO else _cut(by, _LONGEST_NAME),
            "assignee": _cut(incident.assignee or "", _LONGEST_NAME),
            "reopened": incident.reopened,
            "late": incident.late,
        },
        "date": utc(incident.started_at).strftime("%Y-%m-%d"),
        "authors": [_cut(who, _LONGEST_NAME) for who in dict.fromkeys(people)][:_MOST_AUTHORS],
        "minutes": round((end - incident.started_at) / 60),
        "times": {
            "detect": spoken(incident.seconds_to_detect),
            "acknowledge": spoken(incident.seconds_to_acknowledge),
            "mitigate": spoken(incident.seconds_to_mitigate),
            "resolve": spoken(incident.seconds_to_resolve),
        },
        "alerts": [
            _cut(e.text, _LONGEST_EVENT // 2) for e in events if e.kind in {"opened", "fired"}
        ][:_MOST_ALERTS],
        "slos": [
            _slo(each, Span(incident.started_at, end), _ALL_PROMQL // len(found[:_MOST_SLOS]))
            for each in found[:_MOST_SLOS]
        ],
        "more_slos": max(0, len(found) - _MOST_SLOS),
        "timeline": _timeline(incident, events),
    }


def promql(indicator: Indicator) -> list[str]:
    """The exact PromQL that is counted: selectors, or expressions."""
    match indicator:
        case Events(total=total, good=good, bad=bad):
            return [str(part) for part in (bad, good, total) if part is not None]
        case Latency() | Mean():
            return [str(read.selector) for read in reads_of(indicator)]
        case Slices(query=query):
            return [query]
        case Freshness(timestamp=timestamp):
            return [timestamp]
        case Query(total=total_query, good=good_query, bad=bad_query):
            return [text for text in (bad_query, good_query, total_query) if text]


def minute(at: float) -> str:
    """`2026-11-20 20:41`, in UTC."""
    return utc(at).strftime("%Y-%m-%d %H:%M")


def spoken(seconds: int | None) -> str:
    """A length of time, `1 h 12 min`; `not recorded` where there is none."""
    if seconds is None:
        return "not recorded"
    parts, rest = [], max(0, seconds)
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or f"{rest} s"


def labels_text(labels: str) -> str:
    """A contributor's label set as PromQL writes it, or `all others`."""
    if labels == OTHER:
        return "all others"
    try:
        pairs = json.loads(labels).items()
    except (ValueError, AttributeError):
        return labels
    return "{" + ", ".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in pairs) + "}"


def _slo(each: Affected, span: Span, longest: int) -> dict[str, Any]:
    share, revision = each.slo.budget_share, each.revision
    bad = each.slo.bad
    return {
        "name": each.slo.slo,
        "objective": "" if revision is None else format_percent(revision.objective),
        "window": "" if revision is None else revision.window.label(),
        "owner": "" if revision is None else revision.owner,
        "runbook": "" if revision is None else revision.runbook,
        "counts": "" if each.indicator is None else indicator_text(each.indicator, each.bucket),
        "bad": f"{bad:,.0f}" if bad == round(bad) else f"{bad:,.1f}",
        "total": f"{each.slo.total:,.0f}",
        "bad_share": f"{bad / each.slo.total:.2%}" if each.slo.total > 0 else "",
        "budget_share": "unknown" if share is None else f"{share:.1%}",
        "bad_minutes": _bad_minutes(each.burn, span),
        "highest_burn": _highest(each.burn, span),
        "promql": [
            _cut(text, longest)
            for text in ([] if each.indicator is None else promql(each.indicator))
        ],
        "bucket": format_duration(timedelta(seconds=each.bucket)),
        "contributors": [
            {
                "labels": _cut(labels_text(c.labels), _LONGEST_LABELS),
                "bad": f"{c.bad:,.0f}",
                "total": f"{c.total:,.0f}",
                "bad_share": f"{c.bad / c.total:.1%}" if c.total > 0 else "",
            }
            for c in each.worst
            if c.bad > 0
        ],
    }


def _inside(burn: Burn | None, span: Span) -> list[tuple[int, int, float]]:
    """The stretches that end inside the span: start, end, burn rate."""
    if burn is None:
        return []
    starts = [burn.start, *(end for end, _ in burn.points)]
    return [
        (start, end, rate)
        for start, (end, rate) in zip(starts, burn.points, strict=False)
        if rate is not None and span.start < end <= span.end
    ]


def _bad_minutes(burn: Burn | None, span: Span) -> int:
    return round(sum(end - start for start, end, rate in _inside(burn, span) if rate > 1) / 60)


def _highest(burn: Burn | None, span: Span) -> str:
    return f"{max((rate for _, _, rate in _inside(burn, span)), default=0.0):,.1f}x"


def _timeline(incident: Incident, events: Sequence[Event]) -> list[dict[str, str]]:
    """What happened, oldest first; a very long one loses its middle and says so."""
    rows = [(incident.started_at, AUTO, "outage begins", "The burn began.")]
    if incident.mitigated_at is not None and all(e.kind != "mitigated" for e in events):
        rows.append((incident.mitigated_at, AUTO, "mitigated", "The burn stayed below 1x."))
    # Entries about the postmortem itself would make each draft differ from the last.
    rows += [
        (e.at, _cut(e.who, _LONGEST_NAME), e.kind, e.text) for e in events if e.kind != "postmortem"
    ]
    rows.sort(key=lambda row: row[0])
    if len(rows) > _MOST_EVENTS:
        half = _MOST_EVENTS // 2
        missing = len(rows) - 2 * half
        told = f"{missing:,} more entries stand on the incident's page."
        rows = [*rows[:half], (rows[half][0], AUTO, "left out", told), *rows[-half:]]
    longest = min(_LONGEST_EVENT, _ALL_EVENTS // len(rows))
    return [
        {"at": minute(at), "who": who, "kind": kind, "text": _cut(text, longest)}
        for at, who, kind, text in rows
    ]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"

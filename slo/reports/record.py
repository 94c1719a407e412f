"""A report as JSON and as CSV: the numbers themselves, not rounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slo.domain.span import rfc3339
from slo.domain.spreadsheet import csv_text
from slo.incidents.report import incident_json
from slo.postmortem.report import item_json, summary_json
from slo.reports import words
from slo.reports.slo_tables import verdict_cell
from slo.status import note_json

if TYPE_CHECKING:
    from slo.domain.period import Period
    from slo.domain.report import Count, Report, ReportIncident, ServiceReport, SloLine, Used
    from slo.domain.tally import IncidentTally, Lengths
    from slo.domain.verdict import Verdict


def report_json(report: Report) -> dict[str, Any]:
    """The whole report: shares as fractions, lengths in seconds, times RFC 3339 in UTC."""
    learned = report.learned
    return {
        "period": period_json(report.period),
        "at": rfc3339(report.made_at),
        "running": report.running,
        "service": report.service or None,
        "owner": report.owner or None,
        "headline": words.headline(report),
        "totals": {
            **_count_json(report.count),
            "before": _count_json(report.count_before),
            "incidents": _tally_json(report.tally),
            "incidents_before": _tally_json(report.tally_before),
        },
        "worst_slos": [line.slo for line in report.worst],
        "worst_incidents": [one.incident.id for one in report.worst_incidents],
        "services": [_service_json(service) for service in report.services],
        "incidents": [_incident_json(one) for one in report.incidents],
        "postmortems": {
            "required": learned.required,
            "required_published": learned.required_published,
            "published": learned.published,
            "drafts": learned.drafts,
            "action_items_open": len(learned.open_items),
            "action_items_overdue": learned.overdue,
            "action_items": [item_json(item, report.made_at) for item in learned.open_items],
        },
    }


def period_json(period: Period) -> dict[str, Any]:
    """A period by its name, its bounds and its neighbours."""
    return {
        "name": period.name,
        "title": period.title,
        "unit": period.unit,
        "zone": period.zone,
        "start": rfc3339(period.span.start),
        "end": rfc3339(period.span.end),
        "before": period.before.name,
    }


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """One SLO's numbers over a period; null where there are none."""
    budget = verdict.budget
    return {
        "objective": None if verdict.objective is None else float(verdict.objective),
        "good": verdict.total - verdict.bad,
        "bad": verdict.bad,
        "total": verdict.total,
        "sli": verdict.sli,
        "met": verdict.met,
        "budget": None
        if budget is None
        else {
            "allowed": budget.allowed,
            "spent": budget.spent,
            "remaining": budget.remaining,
            "projected": budget.projected,
        },
        "spent_share": verdict.spent,
        "coverage": verdict.coverage,
        "excluded_seconds": sum(span.seconds for span in verdict.excluded),
    }


def _service_json(service: ServiceReport) -> dict[str, Any]:
    return {
        "service": service.service,
        "owners": list(service.owners),
        **_count_json(service.count),
        "incidents": _tally_json(service.incidents),
        "slos": [_line_json(line) for line in service.lines],
    }


def _line_json(line: SloLine) -> dict[str, Any]:
    return {
        "slo": line.slo,
        "owner": line.owner,
        "description": line.description,
        **verdict_json(line.verdict),
        "before": verdict_json(line.before),
        "sli_change": line.sli_change,
        "spent_change": line.spent_change,
        "trend": line.trend,
        "incidents": _tally_json(line.incidents),
        "incidents_before": line.incidents_before,
        "exclusions": [_used_json(used) for used in line.exclusions],
        "corrections": [
            {
                "at": rfc3339(c.end),
                "good": c.good,
                "total": c.total,
                "who": c.who,
                "why": c.why,
                "key": c.key,
            }
            for c in line.corrections
        ],
        "objective_changes": [
            {"at": rfc3339(c.at), "before": float(c.before), "after": float(c.after)}
            for c in line.changes
        ],
        "notes": [note_json(note) for note in line.notes],
    }


def _used_json(used: Used) -> dict[str, Any]:
    exclusion = used.exclusion
    return {
        "id": exclusion.id,
        "scope": exclusion.scope,
        "start": rfc3339(exclusion.span.start),
        "end": rfc3339(exclusion.span.end),
        "seconds": used.seconds,
        "category": exclusion.category,
        "who": exclusion.who,
        "why": exclusion.why,
    }


def _incident_json(one: ReportIncident) -> dict[str, Any]:
    about = one.postmortem
    return {
        **incident_json(one.incident),
        "seconds_in_period": one.seconds,
        "opened_before": one.opened_before,
        "budget_share": one.share,
        "postmortem": None if about is None else summary_json(about),
    }


def _count_json(count: Count) -> dict[str, int]:
    return {"met": count.met, "missed": count.missed, "without_events": count.without}


def _tally_json(tally: IncidentTally) -> dict[str, Any]:
    return {
        "number": tally.number,
        "pages": tally.pages,
        "tickets": tally.tickets,
        "seconds": tally.seconds,
        "detect": _lengths_json(tally.detect),
        "resolve": _lengths_json(tally.resolve),
    }


def _lengths_json(lengths: Lengths | None) -> dict[str, float] | None:
    return None if lengths is None else {"mean": lengths.mean, "worst": lengths.worst}


CSV_HEAD = (
    "period", "start", "end", "service", "slo", "owner", "objective", "sli", "state", "good", "bad",
    "total", "budget_allowed", "budget_spent", "spent_share", "projected", "coverage",
    "excluded_seconds", "exclusions", "corrections", "corrected_good", "corrected_total",
    "objective_changes", "incidents", "pages", "tickets", "seconds_in_incidents",
    "detect_mean_seconds", "detect_worst_seconds", "resolve_mean_seconds",
    "resolve_worst_seconds", "objective_before", "sli_before", "spent_share_before",
    "incidents_before", "trend", "notes",
)  # fmt: skip
"""The columns of the CSV: one row is one SLO."""


def report_csv(report: Report) -> str:
    """The report as a table of its SLOs, for a spreadsheet."""
    return csv_text(CSV_HEAD, [_row(report.period, line) for line in report.lines])


def _row(period: Period, line: SloLine) -> tuple[object, ...]:
    verdict, before, tally = line.verdict, line.before, line.incidents
    budget, detect, resolve = verdict.budget, tally.detect, tally.resolve
    return (
        period.name,
        rfc3339(period.span.start),
        rfc3339(period.span.end),
        line.service,
        line.slo,
        line.owner,
        _exact(verdict),
        verdict.sli,
        None if verdict.met is None else verdict_cell(verdict).text,
        verdict.total - verdict.bad,
        verdict.bad,
        verdict.total,
        None if budget is None else budget.allowed,
        None if budget is None else budget.spent,
        verdict.spent,
        "yes" if verdict.running else "no",
        verdict.coverage,
        sum(span.seconds for span in verdict.excluded),
        "; ".join(f"{u.exclusion.category}: {u.exclusion.why}" for u in line.exclusions),
        len(line.corrections),
        sum(c.good for c in line.corrections),
        sum(c.total for c in line.corrections),
        "; ".join(f"{c.before} to {c.after} at {rfc3339(c.at)}" for c in line.changes),
        tally.number,
        tally.pages,
        tally.tickets,
        tally.seconds,
        None if detect is None else detect.mean,
        None if detect is None else detect.worst,
        None if resolve is None else resolve.mean,
        None if resolve is None else resolve.worst,
        _exact(before),
        before.sli,
        before.spent,
        line.incidents_before,
        line.trend,
        "; ".join(dict.fromkeys(note.kind for note in line.notes)),
    )


def _exact(verdict: Verdict) -> str | None:
    return None if verdict.objective is None else format(verdict.objective, "f")

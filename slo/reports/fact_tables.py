"""The tables of what happened in a report's period: incidents, exclusions, what was learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.incidents.report import length
from slo.reports import words
from slo.reports.layout import Cell, Column, Table
from slo.web import format as fmt

if TYPE_CHECKING:
    from slo.domain.report import Report, ReportIncident
    from slo.reports.layout import Links

_MOST_NOTES = 50


_INCIDENT = (
    Column("Opened (UTC)"),
    Column("Incident"),
    Column("Severity"),
    Column("State", narrow=False),
    Column("Detected in", number=True),
    Column("Resolved in", number=True),
    Column("Budget spent", number=True),
    Column("Postmortem", narrow=False),
)


def worst_incidents(report: Report, links: Links) -> Table:
    """The incidents that spent most of a budget, by the share of it."""
    return Table(
        "worst-incidents",
        "Incidents that cost most",
        _INCIDENT,
        tuple(_incident_row(one, links) for one in report.worst_incidents),
        sub="By the share of the budget that an SLO spent in them, each by its own window.",
        head=1,
    )


def all_incidents(report: Report, links: Links) -> Table:
    """All incidents, the newest first."""
    return Table(
        "incidents",
        "Incidents",
        _INCIDENT,
        tuple(_incident_row(one, links) for one in report.incidents),
        sub="Those that opened in the period, and those that were still going on in it.",
        head=1,
    )


def _incident_row(one: ReportIncident, links: Links) -> tuple[Cell, ...]:
    incident, about = one.incident, one.postmortem
    resolve = incident.seconds_to_resolve
    severity = ("\u25b2", "exhausted") if incident.severity == "page" else ("\u25b3", "caution")
    written = Cell(fmt.DASH)
    if about is not None:
        required = "required" if about.required else ""
        written = Cell(about.status, links.postmortem(incident.id), sub=required)
    return (
        Cell(words.moment(incident.opened_at), sub="opened before" if one.opened_before else ""),
        Cell(f"#{incident.id} {incident.title}", links.incident(incident.id)),
        Cell(incident.severity, tone=severity[1], icon=severity[0]),
        Cell(incident.status),
        Cell(length(incident.seconds_to_detect)),
        Cell("not yet" if resolve is None else length(resolve)),
        Cell(fmt.percent(one.share)),
        written,
    )


def exclusions(report: Report) -> Table:
    """The spans that did not count, and why."""
    columns = (
        Column("From (UTC)"),
        Column("To (UTC)"),
        Column("Of the period", number=True),
        Column("For"),
        Column("SLOs", number=True),
        Column("Why"),
        Column("Who", narrow=False),
    )
    rows = tuple(
        (
            Cell(words.moment(used.exclusion.span.start)),
            Cell(words.moment(used.exclusion.span.end)),
            Cell(length(used.seconds)),
            Cell(used.exclusion.scope),
            Cell(f"{number:,}"),
            Cell(f"{used.exclusion.category}: {used.exclusion.why}"),
            Cell(used.exclusion.who),
        )
        for used, number in report.exclusions
    )
    told = "Spans that do not count; each takes out whole buckets, or what long ago is kept as one."
    return Table("exclusions", "Exclusions", columns, rows, told, head=3)


def corrections(report: Report, links: Links) -> Table:
    """What was booked late."""
    columns = (
        Column("Bucket (UTC)"),
        Column("SLO"),
        Column("Good", number=True),
        Column("Total", number=True),
        Column("Why"),
        Column("Who", narrow=False),
    )
    rows = tuple(
        (
            Cell(words.moment(c.end)),
            Cell(c.slo, links.slo(c.slo)),
            Cell(_delta(c.good)),
            Cell(_delta(c.total)),
            Cell(c.why),
            Cell(c.who),
        )
        for c in report.corrections
    )
    return Table("corrections", "Corrections", columns, rows, "Booked late; counted in.", head=1)


def changes(report: Report, links: Links) -> Table:
    """The objectives that changed in the period."""
    columns = (Column("Since (UTC)"), Column("SLO"), Column("From"), Column("To"))
    rows = tuple(
        (
            Cell(words.moment(change.at)),
            Cell(line.slo, links.slo(line.slo)),
            Cell(fmt.objective(change.before)),
            Cell(fmt.objective(change.after)),
        )
        for line, change in report.changes
    )
    told = "The whole period is judged by the objective in force at its end."
    return Table("changes", "Changes of objectives", columns, rows, told, head=1)


def postmortems(report: Report, links: Links) -> Table:
    """The postmortems of the incidents."""
    columns = (
        Column("Incident"),
        Column("Postmortem"),
        Column("State"),
        Column("Required"),
        Column("Action items left", number=True),
    )
    rows = tuple(
        (
            Cell(f"#{about.incident}", links.incident(about.incident)),
            Cell(about.title, links.postmortem(about.incident)),
            Cell(about.status),
            Cell(about.required_why if about.required else "no"),
            Cell(f"{about.items_left:,} of {about.items:,}"),
        )
        for about in (one.postmortem for one in report.incidents)
        if about is not None
    )
    return Table("postmortems", "Postmortems", columns, rows, head=1)


def action_items(report: Report, links: Links) -> Table:
    """What is still to be done."""
    columns = (
        Column("Due"),
        Column("Priority"),
        Column("What"),
        Column("Owner"),
        Column("State"),
        Column("Incident"),
    )
    rows = tuple(
        (
            Cell(item.due or "no date", sub="overdue" if item.is_overdue(report.made_at) else ""),
            Cell(item.priority),
            Cell(item.text),
            Cell(item.owner or "nobody"),
            Cell(item.state),
            Cell(f"#{item.incident}", links.postmortem(item.incident)),
        )
        for item in report.learned.open_items
    )
    return Table("items", "Open action items", columns, rows, head=2)


def notes(report: Report, links: Links) -> Table:
    """What makes numbers unsure."""
    found = [(line, note) for line in report.lines for note in line.notes]
    columns = (Column("SLO"), Column("Note"), Column("Amount", number=True))
    rows = tuple(
        (
            Cell(line.slo, links.slo(line.slo)),
            Cell(note.text),
            Cell(fmt.count(note.amount)),
        )
        for line, note in found[:_MOST_NOTES]
    )
    more = len(found) - len(rows)
    told = "What makes numbers unsure." + (f" {more:,} more are in the JSON." if more > 0 else "")
    return Table("notes", "Notes", columns, rows, told)


def _delta(number: float) -> str:
    text = fmt.count(number)
    return f"+{text}" if number > 0 else text

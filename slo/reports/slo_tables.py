"""The tables of a report's SLOs: the worst of all, and those of each service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.incidents.report import length
from slo.reports import words
from slo.reports.layout import Cell, Column, Section, Table
from slo.web import format as fmt

if TYPE_CHECKING:
    from slo.domain.report import Report, ServiceReport, SloLine, Trend
    from slo.domain.tally import IncidentTally
    from slo.domain.verdict import Verdict
    from slo.reports.layout import Links

_TRENDS: dict[Trend, tuple[str, str, str]] = {
    "better": ("\u25b2", "better", "healthy"),
    "worse": ("\u25bc", "worse", "exhausted"),
    "same": ("\u25cf", "the same", "none"),
}


def verdict_cell(verdict: Verdict) -> Cell:
    """Whether the objective was met, by sign and word."""
    if verdict.met is None:
        return Cell("no events" if verdict.booked else "no data", tone="none", icon="\u2013")
    if verdict.running:
        if verdict.met:
            sub = "SLI under the objective so far" if verdict.under else ""
            return Cell("within budget", tone="healthy", icon="\u2713", sub=sub)
        return Cell("over budget", tone="exhausted", icon="\u2715")
    if verdict.met:
        return Cell("met", tone="healthy", icon="\u2713")
    return Cell("missed", tone="exhausted", icon="\u2715")


def trend_cell(line: SloLine) -> Cell:
    """Better or worse than the period before, by sign and word, and by how many points."""
    if line.trend is None:
        return Cell(fmt.DASH)
    icon, word, tone = _TRENDS[line.trend]
    return Cell(word, tone=tone, icon=icon, sub=f"{words.points(line.sli_change)} points")


def worst_slos(report: Report, links: Links) -> Table:
    """The SLOs that spent most of their budgets."""
    columns = (
        Column("State"),
        Column("SLO"),
        Column("Objective", number=True),
        Column("SLI", number=True),
        Column("Budget spent", number=True),
        Column("Before", number=True),
        Column("Trend"),
    )
    rows = tuple(
        (
            verdict_cell(line.verdict),
            Cell(line.slo, links.slo(line.slo), sub=line.owner),
            Cell(words.objective(line.verdict)),
            Cell(words.sli(line.verdict)),
            _spent(line),
            Cell(words.spent(line.before)),
            trend_cell(line),
        )
        for line in report.worst
    )
    return Table(
        "worst-slos", "Most of the error budget spent", columns, rows, head=1,
        sub=f"Before is {report.period.before.title}."
        if report.comparable
        else f"No ledger reaches {report.period.before.title}, the period before.",
    )  # fmt: skip


def _spent(line: SloLine) -> Cell:
    verdict = line.verdict
    return Cell(
        words.spent(verdict),
        tone="" if verdict.met is None else "healthy" if verdict.met else "exhausted",
        bar=None if verdict.spent is None else max(0.0, verdict.spent),
        sub="projected" if verdict.running else "",
    )


_SLO_COLUMNS = (
    Column("State"),
    Column("SLO"),
    Column("Objective", number=True),
    Column("SLI", number=True),
    Column("Trend"),
    Column("Good", number=True, narrow=False),
    Column("Bad", number=True),
    Column("Total", number=True),
    Column("Budget spent", number=True),
    Column("Coverage", number=True, narrow=False),
    Column("Excluded", number=True, narrow=False),
    Column("Incidents", number=True),
)


def section(service: ServiceReport, report: Report, links: Links, number: int) -> Section:
    """One service: its SLOs, and the incidents of each; `number` makes ids of its own."""
    count = service.count
    owners = ", ".join(service.owners)
    kept = words.kept(running=report.running)
    judged = f"{words.of_all(count)} {kept}" if count.judged else "nothing to judge"
    slos = Table(
        f"service-{number}-slos",
        "",
        _SLO_COLUMNS,
        tuple(_slo_row(line, links) for line in service.lines),
        head=1,
        kind="slos",
    )
    return Section(
        f"service-{number}",
        service.service,
        judged + (f"; owned by {owners}" if owners else ""),
        links.service(service.service),
        tuple(t for t in (slos, _incidents_by_slo(service, number, links)) if t.rows),
    )


def _slo_row(line: SloLine, links: Links) -> tuple[Cell, ...]:
    verdict = line.verdict
    away = sum(span.seconds for span in verdict.excluded)
    return (
        verdict_cell(verdict),
        Cell(line.name, links.slo(line.slo), sub=_remarks(line)),
        Cell(words.objective(verdict)),
        Cell(words.sli(verdict)),
        trend_cell(line),
        Cell(fmt.count(verdict.total - verdict.bad)),
        Cell(fmt.count(verdict.bad)),
        Cell(fmt.count(verdict.total)),
        _spent(line),
        Cell(fmt.percent(verdict.coverage, 2)),
        Cell(length(away) if away else fmt.DASH),
        Cell(
            f"{line.incidents.number:,}",
            sub=words.compared(line),
        ),
    )


def _remarks(line: SloLine) -> str:
    """What to look up below, in a few words."""
    told = [f"objective was {fmt.objective(change.before)}" for change in line.changes]
    if line.corrections:
        told.append("corrected")
    kinds = dict.fromkeys(note.kind for note in line.notes)
    if kinds:
        told.append(f"note: {', '.join(kinds)}")
    return "; ".join(told)


def _incidents_by_slo(service: ServiceReport, number: int, links: Links) -> Table:
    def row(name: str, href: str, tally: IncidentTally) -> tuple[Cell, ...]:
        return (
            Cell(name, href),
            Cell(f"{tally.pages:,}"),
            Cell(f"{tally.tickets:,}"),
            Cell(words.mean(tally.detect)),
            Cell(words.worst(tally.detect)),
            Cell(words.mean(tally.resolve)),
            Cell(words.worst(tally.resolve)),
            Cell(length(tally.seconds)),
        )

    rows = [
        row(line.name, links.slo(line.slo), line.incidents)
        for line in service.lines
        if line.incidents.number or line.incidents.seconds
    ]
    if len(rows) > 1:
        rows.append(row("all together", "", service.incidents))
    columns = (
        Column("Incidents of"),
        Column("Pages", number=True),
        Column("Tickets", number=True),
        Column("Detected, mean", number=True),
        Column("Detected, longest", number=True),
        Column("Resolved, mean", number=True),
        Column("Resolved, longest", number=True),
        Column("In incidents", number=True),
    )
    return Table(f"service-{number}-incidents", "", columns, tuple(rows))

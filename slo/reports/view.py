"""A report as sections of tables, all texts: what the page, Markdown and the terminal show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.incidents.report import length
from slo.reports import fact_tables, slo_tables, words
from slo.reports.layout import Links, Tile, View
from slo.web import format as fmt

if TYPE_CHECKING:
    from slo.domain.report import Report
    from slo.domain.tally import Lengths


_PERIOD = (
    "The period begins and ends at midnight in {zone}, whatever the windows of the SLOs; times of"
    " day are in UTC."
)
_JUDGED = (
    "Each SLO is judged by the objective in force at the period's end, with corrections counted in"
    " and exclusions taken out. Better and worse go by the SLI: a change worth less than a"
    " hundredth of the error budget is the same."
)
_COUNTED = (
    "Incidents count in the period in which they opened; time in incidents is from where a burn"
    " began to where its incident resolved, inside the period, overlapping ones once."
)
_RUNNING = (
    "The period is not all booked yet: the error budget counts on events to come at the pace of"
    " the last 28 days."
)


def view_of(report: Report, base: str | None = "") -> View:
    """The view of a report; links begin with `base`, and there are none where it is None."""
    links = Links(base)
    tables = [
        fact_tables.all_incidents(report, links),
        fact_tables.exclusions(report),
        fact_tables.corrections(report, links),
        fact_tables.changes(report, links),
        fact_tables.postmortems(report, links),
        fact_tables.action_items(report, links),
        fact_tables.notes(report, links),
    ]
    return View(
        title=f"SLO report: {report.period.title}" + (", so far" if report.running else ""),
        about=_about(report),
        headline=tuple(words.headline(report)),
        tiles=_tiles(report) if report.services else (),
        worst=tuple(
            t
            for t in (
                slo_tables.worst_slos(report, links),
                fact_tables.worst_incidents(report, links),
            )
            if t.rows
        ),
        sections=tuple(
            slo_tables.section(s, report, links, n) for n, s in enumerate(report.services)
        ),
        rest=tuple(table for table in tables if table.rows),
        how_to_read=_how_to_read(report) if report.services else (),
    )


def _about(report: Report) -> tuple[str, ...]:
    told = [words.dates(report.period), f"made {words.moment(report.made_at)} UTC"]
    if report.service:
        told.append(f"service {report.service}")
    if report.owner:
        told.append(f"owner {report.owner}")
    return tuple(told)


def _tiles(report: Report) -> tuple[Tile, ...]:
    now, before, learned = report.tally, report.tally_before, report.learned
    kept = "Within budget so far" if report.running else "Objectives met"
    return (
        Tile(
            kept,
            words.of_all(report.count),
            words.then(report, words.of_all(report.count_before)),
        ),
        Tile(
            "Incidents",
            f"{now.number:,}",
            f"{words.severities(now)}; {words.then(report, f'{before.number:,}')}",
        ),
        Tile(
            "Time in incidents",
            length(now.seconds),
            words.then(report, length(before.seconds)),
        ),
        Tile("Time to detect", words.mean(now.detect), _at_most(now.detect)),
        Tile("Time to resolve", words.mean(now.resolve), _at_most(now.resolve)),
        Tile(
            "Postmortems published",
            f"{learned.published:,} of {learned.published + learned.drafts:,}",
            f"{learned.required_published:,} of {learned.required:,} required;"
            f" {fmt.many(len(learned.open_items), 'action item')} open",
        ),
    )


def _at_most(lengths: Lengths | None) -> str:
    return "no incident" if lengths is None else f"at most {words.worst(lengths)}"


def _how_to_read(report: Report) -> tuple[str, ...]:
    """How the numbers are to be read."""
    told = [
        _PERIOD.format(zone=report.period.zone),
        _JUDGED,
        _COUNTED,
    ]
    if report.running:
        told.append(_RUNNING)
    return tuple(told)

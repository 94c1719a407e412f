"""`slo report`: what was promised, kept and learned in a month, quarter, year or week."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from slo.cli import show
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.domain.period import PeriodError, ensure_zone, parse_period
from slo.reports.formats import FILES
from slo.reports.gathering import report_of
from slo.reports.layout import narrowed
from slo.reports.periods import ensure_begun, usual_period
from slo.reports.view import view_of
from slo.store import slos
from slo.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console
    from rich.table import Table
    from sqlalchemy.orm import Session

    from slo.config import Settings
    from slo.domain.period import Period
    from slo.domain.report import Report
    from slo.reports import layout
    from slo.reports.layout import Cell, View

TEXT = "text"
FORMATS = {TEXT: "", "markdown": "md", "csv": "csv", "json": "json", "html": "html"}
_TONES = {"healthy": "green", "exhausted": "bold red", "caution": "yellow"}


@make(
    "report",
    "slo report",
    "slo report 2026-10 --service fraud-model",
    "slo report 2026-Q4 --format html --output q4.html",
)
@click.argument("period", required=False)
@click.option("--service", default="", metavar="NAME", help="Only the SLOs of this service.")
@click.option("--owner", default="", metavar="NAME", help="Only the SLOs of this owner.")
@click.option(
    "--zone",
    default="UTC",
    metavar="ZONE",
    help="Time zone in which the period begins and ends, such as Europe/Berlin.",
    show_default=True,
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(FORMATS)),
    default=TEXT,
    help="Tables for the terminal, or a file; HTML is one file that loads nothing.",
    show_default=True,
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file."
)
def command(
    settings: Settings,
    period: str | None,
    service: str,
    owner: str,
    zone: str,
    kind: str,
    output: Path | None,
) -> int:
    """Report on PERIOD: 2026-10, 2026-Q4, 2026 or 2026-W47; else on the last whole month.

    Tells which SLOs met their objective, what was spent of their error budgets,
    what the incidents were and what was learned from them, beside the period
    before. A period that is not over is reported so far.

    Each SLO is judged by the objective in force at the period's end, with
    corrections counted in and exclusions taken out. The same report is on the
    page /reports.
    """
    now = int(time.time())
    with open_store(settings) as engine, reading(engine) as session:
        named = _period(session, period, zone, now)
        _ensure_known(session, service, owner)
        found = report_of(session, named, now, service=service, owner=owner)
    if kind == TEXT and output is None:
        _print(view_of(found, None))
        return 0
    text = _text(found, settings.url, kind)
    if output is None:
        click.echo(text, nl=False)
        return 0
    try:
        # Bytes, so that lines of CSV end as they should on any system.
        output.write_bytes(text.encode())
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None
    click.echo(f"Wrote {output} ({output.stat().st_size:,} bytes).")
    return 0


def _text(report: Report, url: str, kind: str) -> str:
    if kind != TEXT:
        return FILES[FORMATS[kind]][1](report, url)
    out = show.console()
    with out.capture() as captured:
        _print(view_of(report, None), out)
    return captured.get()


def _period(session: Session, name: str | None, zone: str, now: int) -> Period:
    try:
        if name is None:
            ensure_zone(zone)
            return usual_period(session, now, zone)
        return ensure_begun(parse_period(name, zone), now)
    except PeriodError as error:
        raise click.UsageError(str(error)) from None


def _ensure_known(session: Session, service: str, owner: str) -> None:
    known = [one.id for one in slos.all_slos(session)]
    services = {one.partition("/")[0] for one in known}
    if service and service not in services:
        raise click.UsageError(f"there is no service {service!r}; {_there_are(services)}")
    if owner:
        owners = {r.owner for found in slos.revisions_of(session, known).values() for r in found}
        if owner not in owners:
            raise click.UsageError(f"nobody is called {owner!r}; {_there_are(owners)}")


def _there_are(names: Iterable[str]) -> str:
    told = ", ".join(sorted(name for name in names if name))
    return f"there are {told}" if told else "there are none"


def _print(view: View, out: Console | None = None) -> None:
    console = show.console() if out is None else out
    console.print(Text(view.title, "bold"))
    console.print(Text(_plain(" · ".join(view.about)), "dim"))
    console.print()
    for sentence in view.headline:
        console.print(Text(_plain(sentence)))
    for tile in view.tiles:
        console.print(Text(_plain(f"{tile.label}: {tile.value} ({tile.detail})")))
    for table in view.worst:
        _print_table(console, table.title, [table])
    for section in view.sections:
        _print_table(console, f"{section.title} ({section.sub})", section.tables)
    for table in view.rest:
        _print_table(console, table.title, [table])
    for text in view.how_to_read:
        console.print(Text(f"\n{_plain(text)}", "dim"), end="")
    console.print()


def _print_table(console: Console, title: str, tables: Sequence[layout.Table]) -> None:
    for place, table in enumerate(tables):
        console.print()
        if not place:
            console.print(Text(_plain(title), "bold"))
        if table.sub:
            console.print(Text(_plain(table.sub), "dim"))
        console.print(_drawn(table))


def _drawn(table: layout.Table) -> Table:
    columns, rows = narrowed(table)
    right = {column.label for column in columns if column.number}
    drawn = show.columns(*(column.label for column in columns), right=right, space=1)
    for row in rows:
        drawn.add_row(*map(_cell, row))
    return drawn


def _cell(cell: Cell) -> Text:
    text = f"{cell.text} ({cell.sub})" if cell.sub else cell.text
    return Text(_plain(text), _TONES.get(cell.tone, ""))


def _plain(text: str) -> str:
    """Without control characters, which terminals obey, and without letters of typesetters."""
    return show.printable(show.plain(text))

"""`slo postmortem`: postmortems and their action items."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slo.cli import show
from slo.cli.action_items import item_group, items_command
from slo.cli.asking import AS_JSON
from slo.cli.command import command as make
from slo.cli.postmortem_parts import INCIDENT, WHO, reading_store, writing_store
from slo.domain.postmortem import STATUSES
from slo.postmortem.export import to_html, to_markdown
from slo.postmortem.facts import minute
from slo.postmortem.report import postmortem_json, summary_json
from slo.status import dumps
from slo.store import action_items, postmortems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table
    from sqlalchemy.orm import Session

    from slo.config import Settings
    from slo.domain.postmortem import ActionItem, Postmortem, Status, Summary


@make("list", "slo postmortem list", "slo postmortem list --status draft")
@click.option("--status", type=click.Choice(STATUSES), help="Only those in this status.")
@AS_JSON
def list_command(settings: Settings, status: Status | None, *, as_json: bool) -> int:
    """List the postmortems, that of the newest incident first.

    A postmortem has the number of its incident.
    """
    with reading_store(settings) as session:
        found = postmortems.listed(session, status)
    if as_json:
        click.echo(dumps({"postmortems": [summary_json(about) for about in found]}))
    elif not found:
        click.echo("There are no postmortems; one is drafted when an incident resolves.")
    else:
        show.console().print(_postmortem_table(found))
    return 0


@make("show", "slo postmortem show 12")
@INCIDENT
@AS_JSON
def show_command(settings: Settings, incident: int, *, as_json: bool) -> int:
    """Print the postmortem of incident ID: its status, and its text as Markdown.

    The places of action items and of the chart are filled in.
    """
    now = int(time.time())
    with reading_store(settings) as session:
        found, items = _whole(session, incident)
        saved = postmortems.versions(session, incident)
    if as_json:
        click.echo(dumps(postmortem_json(found, items, saved, now)))
    else:
        about = found.about
        required = " Required." if about.required else ""
        click.echo(
            f"Postmortem of incident {incident}: {about.status}, version {about.version} by"
            f" {about.updated_by} at {minute(about.updated_at)} UTC.{required}\n"
        )
        click.echo(to_markdown(found, items), nl=False)
    return 0


@make(
    "export",
    "slo postmortem export 12 --format html -o postmortem-12.html",
    "slo postmortem export 12 > postmortem-12.md",
)
@INCIDENT
@click.option(
    "--format",
    "kind",
    type=click.Choice(["md", "html"]),
    default="md",
    help="Markdown, or one HTML file with the chart.",
    show_default=True,
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file."
)
def export_command(settings: Settings, incident: int, kind: str, output: Path | None) -> int:
    """Write the postmortem of incident ID to stdout or to a file.

    The HTML file loads nothing from elsewhere and reads in light, dark and print.
    """
    with reading_store(settings) as session:
        found, items = _whole(session, incident)
    text = to_html(found, items) if kind == "html" else to_markdown(found, items)
    if output is None:
        click.echo(text, nl=False)
        return 0
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None
    click.echo(f"Wrote {output} ({output.stat().st_size:,} bytes).")
    return 0


@make("status", "slo postmortem status 12 review --who mia")
@INCIDENT
@click.argument("status", type=click.Choice(STATUSES))
@WHO
def status_command(settings: Settings, incident: int, status: Status, who: str) -> int:
    """Move the postmortem of incident ID to review, to published, or back to draft.

    Whoever publishes it is its reviewer. A required one needs at least one action
    item of priority P0 before it is published.
    """
    with writing_store(settings) as session:
        postmortems.set_status(session, incident, status, who, int(time.time()))
    click.echo(f"The postmortem of incident {incident} is now in {status}.")
    return 0


@click.group("postmortem")
def command() -> None:
    """Show, export, review and publish postmortems."""


for _one in (list_command, show_command, export_command, status_command, items_command, item_group):
    command.add_command(_one)


def _whole(session: Session, incident: int) -> tuple[Postmortem, list[ActionItem]]:
    return postmortems.ensure_one(session, incident), action_items.of(session, incident)


def _postmortem_table(found: Sequence[Summary]) -> Table:
    table = show.columns(
        "ID",
        "Status",
        "Required",
        "Items left",
        "Changed",
        "By",
        "Title",
        right={"ID", "Items left"},
    )
    for about in found:
        table.add_row(
            str(about.incident),
            about.status,
            "yes" if about.required else "no",
            f"{about.items_left} of {about.items}",
            minute(about.updated_at),
            show.one_line(about.updated_by),
            show.one_line(about.title),
        )
    return table

"""`slo annotate`: mark the timeline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
from rich.text import Text

from slo import annotating
from slo.annotating import annotation_json
from slo.cli import show
from slo.cli.asking import AS_JSON, WHO, asked, user
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.cli.parameters import INSTANT, label_pair
from slo.domain.annotation import KINDS
from slo.domain.span import rfc3339
from slo.sent import ensure_scope
from slo.status import dumps
from slo.store import annotations as kept_annotations
from slo.store.engine import reading, writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from slo.config import Settings
    from slo.domain.annotation import Annotation

_KIND = click.Choice(KINDS)


@make(
    "add",
    'slo annotate add fraud-model --title "fraud-model 2.4" --label version=2.4 --key deploy-42',
    'slo annotate add ranker --kind experiment --title "arm B" --key exp-7 --end 2026-12-04',
    "slo annotate add '*' --kind config --title \"new rate limits\" --at 2026-11-20T20:00:00Z",
)
@click.argument("scope")
@click.option("--title", required=True, metavar="TEXT", help="What happened, in one line.")
@click.option("--kind", type=_KIND, default="deploy", show_default=True, help="What it is.")
@click.option("--at", type=INSTANT, help="When it was.  [default: now]")
@click.option("--end", type=INSTANT, help="When it was over, if it took a while.")
@click.option("--text", default="", metavar="TEXT", help="More, if there is more to say.")
@click.option("--url", default="", metavar="URL", help="A link to it, by http or https.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME=VALUE",
    help="Such as version=2.4 or commit=ab12cd; may be given again.",
)
@click.option(
    "--key",
    metavar="TEXT",
    help="A key of your own: sent twice, it is one annotation; again with --end, it is over.",
)
@WHO
def add_command(
    settings: Settings,
    scope: str,
    title: str,
    kind: str,
    at: int | None,
    end: int | None,
    text: str,
    url: str,
    labels: Sequence[str],
    key: str | None,
    who: str | None,
) -> int:
    """Mark the timeline of SCOPE: a service, an SLO (service/name), or '*' for all.

    Charts, incidents and the page of the service show it. It changes no number.
    """
    with asked(), open_store(settings) as engine, writing(engine) as session:
        added = annotating.annotate(
            session,
            settings,
            kind=kind,
            scope=scope,
            title=title,
            who=user(who),
            now=int(time.time()),
            at=at,
            end=end,
            text=text,
            url=url,
            labels=dict(label_pair(label) for label in labels),
            key=key,
        )
    found = added.annotation
    known = "" if added.new else " is there already" if end is None else " is over"
    click.echo(f"Annotation {found.id}{known}: {found.kind} at {rfc3339(found.at)}, {found.scope}.")
    return 0


@make("list", "slo annotate list --scope fraud-model", "slo annotate list --kind deploy --json")
@click.option("--scope", metavar="SCOPE", help="What is about this service or SLO.")
@click.option("--kind", type=_KIND, help="Only those of this kind.")
@click.option("--from", "since", type=INSTANT, help="Without those that were over before.")
@click.option("--to", "until", type=INSTANT, help="Without those that begin then or later.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=50,
    show_default=True,
    help="How many to list at most.",
)
@AS_JSON
def list_command(
    settings: Settings,
    scope: str | None,
    kind: str | None,
    since: int | None,
    until: int | None,
    limit: int,
    *,
    as_json: bool,
) -> int:
    """List annotations, newest first.

    With --scope those about the SLO, its service and all; of a service those of its SLOs.
    """
    with asked(), open_store(settings) as engine, reading(engine) as session:
        found = kept_annotations.listed(
            session,
            since=since,
            until=until,
            scope=None if scope is None else ensure_scope(session, settings, scope),
            kind=kind,
            limit=limit,
        )
    if as_json:
        click.echo(dumps({"annotations": [annotation_json(one) for one in found]}))
    elif not found:
        click.echo("There are no such annotations.")
    else:
        show.console().print(_table(found))
    return 0


@make("remove", "slo annotate remove 3")
@click.argument("annotation_id", metavar="ID", type=click.IntRange(1))
@WHO
def remove_command(settings: Settings, annotation_id: int, who: str | None) -> int:
    """Take annotation ID off the timeline.

    Its key stays used, and the audit keeps what it said.
    """
    with asked(), open_store(settings) as engine, writing(engine) as session:
        found = annotating.remove(session, annotation_id, who=user(who), now=int(time.time()))
    click.echo(f"Annotation {found.id} is removed: {found.title}")
    return 0


@click.group("annotate")
def command() -> None:
    """Mark deploys, changes of configuration and experiments on the timeline."""


command.add_command(add_command)
command.add_command(list_command)
command.add_command(remove_command)


def _table(found: Sequence[Annotation]) -> Table:
    names = ("ID", "At", "Kind", "Scope", "Title", "Who")
    table = show.columns(*names, right={"ID"}, fold={"Scope", "Title"})
    for one in found:
        labels = "".join(f" {name}={value}" for name, value in one.labels)
        row = (rfc3339(one.at), one.kind, one.scope, f"{one.title}{labels}", one.who)
        table.add_row(str(one.id), *(Text(cell) for cell in row))
    return table

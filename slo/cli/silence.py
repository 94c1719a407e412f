"""`slo silence`: mute notifications until a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
from rich.text import Text

from slo import silencing
from slo.cli import show
from slo.cli.asking import AS_JSON, WHO, WHY, asked, until_option, user
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.cli.parameters import label_pair
from slo.domain.span import rfc3339
from slo.silencing import silence_json
from slo.status import dumps
from slo.store import silences
from slo.store.engine import reading, writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from slo.config import Settings
    from slo.domain.silence import Silence


@make(
    "add",
    'slo silence add checkout --until 2h --why "database migration, CHG-1234"',
    "slo silence add '*' --label team=ml --until 2026-11-23T06:00:00Z --why \"region is moved\"",
)
@click.argument("scope")
@until_option(silencing.LONGEST_DAYS)
@WHY
@WHO
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME=VALUE",
    help="Only SLOs that have this label in slo.yaml; may be given again.",
)
@click.option("--all", "everything", is_flag=True, help="Yes, mute every SLO there is.")
def add_command(
    settings: Settings,
    scope: str,
    until: str,
    why: str,
    who: str | None,
    labels: Sequence[str],
    *,
    everything: bool,
) -> int:
    """Mute the notifications of SCOPE: a service, an SLO (service/name), or '*' for all.

    SLOs are booked and judged as ever, alerts fire and incidents open; only nobody
    is told. When the silence ends, receivers are told of incidents still open. To
    take a span out of budgets, see `slo exclude`.
    """
    now = int(time.time())
    with asked(), open_store(settings) as engine, writing(engine) as session:
        found = silencing.silence(
            session,
            settings,
            scope=scope,
            until=until,
            who=user(who),
            why=why,
            now=now,
            labels=[label_pair(text) for text in labels],
            everything=everything,
        )
    click.echo(f"Silence {found.id}: {_whom(found)} muted until {rfc3339(found.end)}.")
    click.echo(f"To end it early: slo silence end {found.id} --why TEXT")
    return 0


@make("list", "slo silence list", "slo silence list --all --json")
@click.option("--all", "every", is_flag=True, help="The newest 200, ended ones too.")
@AS_JSON
def list_command(settings: Settings, *, every: bool, as_json: bool) -> int:
    """List the silences that run or are to come.

    With --all those that are over as well.
    """
    now = int(time.time())
    with open_store(settings) as engine, reading(engine) as session:
        found = silences.latest(session) if every else silences.of(session, now)
    if as_json:
        click.echo(dumps({"silences": [silence_json(one, now) for one in found]}))
    elif not found:
        click.echo("Nothing is silenced.")
    else:
        show.console().print(_table(found, now))
    return 0


@make("end", 'slo silence end 3 --why "the migration is done"')
@click.argument("silence_id", metavar="ID", type=click.IntRange(1))
@WHY
@WHO
def end_command(settings: Settings, silence_id: int, why: str, who: str | None) -> int:
    """End silence ID before its time.

    From now on its SLOs notify again.
    """
    now = int(time.time())
    with asked(), open_store(settings) as engine, writing(engine) as session:
        ended = silencing.end(session, silence_id, who=user(who), why=why, now=now)
    click.echo(f"Silence {ended.id} has ended: {_whom(ended)} notified of again.")
    return 0


@click.group("silence")
def command() -> None:
    """Mute notifications until a time; the ledger goes on."""


command.add_command(add_command)
command.add_command(list_command)
command.add_command(end_command)


def _whom(found: Silence) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in found.labels)
    scope = "every SLO" if found.scope == "*" else found.scope
    return f"{scope} with {labels} is" if labels else f"{scope} is"


def _table(found: Sequence[Silence], now: int) -> Table:
    names = ("ID", "Scope", "From", "Until", "Who", "Why")
    table = show.columns(*names, right={"ID"}, fold={"Scope", "Why"})
    for one in found:
        over = one.end if one.ended_at is None else min(one.end, one.ended_at)
        labels = "".join(f" {name}={value}" for name, value in one.labels)
        table.add_row(
            str(one.id),
            Text(f"{one.scope}{labels}"),
            rfc3339(one.start),
            Text(rfc3339(over), "" if over > now else "dim"),
            Text(one.who),
            Text(one.why),
        )
    return table

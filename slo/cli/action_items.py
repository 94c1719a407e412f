"""`slo postmortem items` and `slo postmortem item`: what is to be done after incidents."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from slo.cli import show
from slo.cli.asking import AS_JSON
from slo.cli.command import command as make
from slo.cli.postmortem_parts import INCIDENT, WHO, reading_store, writing_store
from slo.domain.postmortem import KINDS, PRIORITIES, STATES, ActionItem
from slo.postmortem.report import item_json
from slo.status import dumps
from slo.store import action_items

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.table import Table

    from slo.config import Settings


@make("items", "slo postmortem items --overdue", "slo postmortem items --owner mia --json")
@click.option("--overdue", is_flag=True, help="Only those whose day is over.")
@click.option("--owner", help="Only those of this owner.")
@AS_JSON
def items_command(settings: Settings, owner: str | None, *, overdue: bool, as_json: bool) -> int:
    """List the action items of all postmortems, overdue ones first, then by due date.

    Days end at midnight UTC.
    """
    now = int(time.time())
    with reading_store(settings) as session:
        found = action_items.listed(session, now, owner=owner, overdue=overdue)
    if as_json:
        click.echo(dumps({"items": [item_json(item, now) for item in found]}))
    elif not found:
        click.echo("There are no such action items.")
    else:
        show.console().print(_item_table(found, now))
    return 0


def _item_options(run: Callable[..., int]) -> Callable[..., int]:
    """The fields of an action item as options, none by default."""
    options = (
        click.option("--owner", help="Who does it."),
        click.option("--priority", type=click.Choice(PRIORITIES), help="P0 is the most urgent."),
        click.option("--due", metavar="YYYY-MM-DD", help='The last day for it; "" for none.'),
        click.option("--kind", type=click.Choice(KINDS), help="What it is for."),
        click.option("--state", type=click.Choice(STATES), help="How far it is."),
    )
    for option in reversed(options):
        run = option(run)
    return run


@make(
    "add",
    'slo postmortem item add 12 "Limit retries" --priority P0 --owner mia --who mia',
)
@INCIDENT
@click.argument("text")
@_item_options
@WHO
def add_command(settings: Settings, incident: int, text: str, who: str, **fields: Any) -> int:
    """Add an action item to the postmortem of incident ID.

    It begins as open, prevent and P2 where nothing else is said.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    with writing_store(settings) as session:
        item = ActionItem(text, **given)
        item = action_items.add(session, incident, item, who, int(time.time()))
    click.echo(f"Added action item {item.id}, {item.priority}, to the postmortem of {incident}.")
    return 0


@make("set", "slo postmortem item set 7 --state done --who mia")
@click.argument("item_id", metavar="ITEM", type=click.IntRange(1))
@click.option("--text", help="What is to be done.")
@_item_options
@WHO
def set_command(settings: Settings, item_id: int, who: str, **fields: Any) -> int:
    """Change an action item; what is not given stays as it is.

    `slo postmortem items` shows the numbers of all.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    if not given:
        raise click.UsageError("say what to change, for example --state done")
    with writing_store(settings) as session:
        before = action_items.ensure_one(session, item_id)
        item = action_items.change(session, item_id, given, before.version, who, int(time.time()))
    click.echo(f"Action item {item.id} is {item.state}, {item.priority}, {_due(item)}.")
    return 0


@click.group("item")
def item_group() -> None:
    """Add and change action items."""


item_group.add_command(add_command)
item_group.add_command(set_command)


def _item_table(found: Sequence[ActionItem], now: int) -> Table:
    table = show.columns(
        "Item", "Incident", "Priority", "State", "Due", "Owner", "Text", right={"Item", "Incident"}
    )
    for item in found:
        late = " overdue" if item.is_overdue(now) else ""
        table.add_row(
            str(item.id),
            str(item.incident),
            item.priority,
            item.state,
            (item.due or "-") + late,
            show.one_line(item.owner or "-"),
            show.one_line(item.text),
        )
    return table


def _due(item: ActionItem) -> str:
    return f"due {item.due}" if item.due else "without a due date"

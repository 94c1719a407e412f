"""`slo notify`: the outbox and its receivers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
from rich.text import Text

from slo.cli import show
from slo.cli.asking import AS_JSON, WHO, user
from slo.cli.command import BAD_INPUT, FAULTS
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.domain.span import rfc3339
from slo.notify.dispatcher import send_to_receiver
from slo.notify.redaction import redacted
from slo.notify.report import notification_json, receivers_json, stateful_names, whole_json
from slo.notify.trial import try_receiver
from slo.status import dumps
from slo.store import backlog, outbox, receivers
from slo.store.engine import reading, writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from slo.config import Settings
    from slo.config.settings import Receiver
    from slo.domain.notification import Notification

_LIMIT = 100
_STATE_STYLES = {"dead": "bold red", "pending": "yellow", "delivered": "green"}


@make("test", "slo notify test pager")
@click.argument("name", metavar="RECEIVER")
def test_command(settings: Settings, name: str) -> int:
    """Send a test notification to RECEIVER now, once, and tell what it answered.

    It goes the way of all notifications, even while the receiver is paused; a success ends
    the pause. Exits with 1 if it was not delivered.
    """
    receiver = _declared(settings, name)
    with open_store(settings, create=True) as engine:
        sent = try_receiver(engine, settings, receiver, send_to_receiver, time.time)
    status = "no status" if sent.reply.status is None else f"status {sent.reply.status}"
    took = f"{status}, {sent.seconds * 1000:.0f} ms"
    if sent.verdict.action == "delivered":
        click.echo(f"Delivered to {name}: {took}.")
        return 0
    why = redacted(receiver, sent.verdict.why)
    click.echo(f"Not delivered to {name}: {why} ({took}).", err=True)
    return FAULTS


@make("list", "slo notify list --state dead", "slo notify list --receiver pager --json")
@click.option("--state", type=click.Choice(outbox.STATES), help="Only those in this state.")
@click.option("--receiver", help="Only those to this receiver.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=_LIMIT,
    help="The most to list, the newest.",
    show_default=True,
)
@AS_JSON
def list_command(
    settings: Settings, state: str | None, receiver: str | None, limit: int, *, as_json: bool
) -> int:
    """List notifications, newest first.

    Dead letters, those in state dead, were given up: they expired, or their receiver will
    never take them. `slo notify resend` sends them once more.
    """
    with open_store(settings) as engine, reading(engine) as session:
        found = outbox.listed(session, state=state, receiver=receiver, limit=limit)
    if as_json:
        click.echo(dumps({"notifications": [notification_json(one) for one in found]}))
    elif not found:
        click.echo("There are no such notifications.")
    else:
        show.console().print(_table(found))
    return 0


@make("show", "slo notify show 12")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@AS_JSON
def show_command(settings: Settings, number: int, *, as_json: bool) -> int:
    """Show notification ID: what it tells, and every attempt that is kept.

    The first attempt and the newest 99 are kept. "unclear" are those that may have
    arrived, as no answer came.
    """
    with open_store(settings) as engine, reading(engine) as session:
        one = outbox.by_id(session, number)
        if one is None:
            raise click.UsageError(f"there is no notification {number}; `slo notify list`")
        attempts = outbox.attempts_of(session, number)
    if as_json:
        click.echo(dumps(whole_json(one, attempts)))
        return 0
    told = notification_json(one)
    out = show.console()
    for key in ("msg_id", "receiver", "subject", "kind", "title", "state", "error", "expires_at"):
        if told[key]:
            out.print(Text(f"{key:12} {_line(str(told[key]))}"))
    out.print(Text(f"{'tells':12} {_line(one.facts.summary)}"))
    for a in attempts:
        status = "-" if a.status is None else str(a.status)
        text = f"{rfc3339(a.started)}  {a.seconds:6.2f} s  {a.outcome:9} {status:>4}  {a.error}"
        out.print(Text(_line(text)))
        if a.reply:
            out.print(Text(f"    {_line(a.reply)[:200]}", "dim"))
    return 0


@make("resend", "slo notify resend 12", "slo notify resend --dead --receiver pager")
@click.argument("number", metavar="[ID]", type=click.IntRange(1), required=False)
@click.option("--dead", is_flag=True, help="All dead letters.")
@click.option("--receiver", help="With --dead: only those to this receiver.")
@WHO
def resend_command(
    settings: Settings, number: int | None, receiver: str | None, who: str | None, *, dead: bool
) -> int:
    """Send finished notifications once more: notification ID, or all dead letters.

    Each keeps its msg_id, so that a receiver may know it again.
    """
    if (number is None) != dead:
        raise click.UsageError("name one notification by its ID, or all dead letters by --dead")
    if receiver is not None and not dead:
        raise click.UsageError("--receiver goes with --dead")
    stateful, now, failed = stateful_names(settings), time.time(), 0
    with open_store(settings) as engine, writing(engine) as session:
        ids = [number] if number is not None else outbox.dead_ids(session, receiver)
        for each in ids:
            try:
                outbox.resend(session, each, now, user(who), stateful=stateful)
            except outbox.ResendError as error:
                click.echo(f"Error: {error}", err=True)
                failed += 1
    done = len(ids) - failed
    click.echo(f"{done} {'notification is' if done == 1 else 'notifications are'} pending again.")
    if number is not None and failed:
        return BAD_INPUT
    return FAULTS if failed else 0


@make("resume", "slo notify resume pager")
@click.argument("name", metavar="RECEIVER")
@WHO
def resume_command(settings: Settings, name: str, who: str | None) -> int:
    """End the pause of RECEIVER: what waits for it is sent.

    A receiver is paused when it refuses us three times in a row, or is gone; `slo notify
    receivers` says why. A paused one is tried once an hour even so.
    """
    _declared(settings, name)
    with open_store(settings) as engine, writing(engine) as session:
        receivers.resume(session, name, time.time(), user(who))
        waiting = backlog.backlogs(session).get(name, backlog.Backlog()).pending
    click.echo(f"{name} is told again; {waiting} pending.")
    return 0


@make("receivers", "slo notify receivers --json")
@AS_JSON
def receivers_command(settings: Settings, *, as_json: bool) -> int:
    """Show how each receiver does: its state, what waits for it, and why it is paused.

    "failing" is tried again soon, "open" once a minute, "paused" once an hour; "gone" is
    no longer in slo.yaml. Nothing that waits is dropped before it expires.
    """
    with open_store(settings) as engine, reading(engine) as session:
        found = receivers_json(settings, receivers.healths(session), backlog.backlogs(session))
    if as_json:
        click.echo(dumps({"receivers": found}))
        return 0
    if not found:
        click.echo("There are no receivers in slo.yaml; add some under receivers:.")
        return 0
    table = show.columns(
        "Receiver", "Type", "State", "Pending", "Failing since", "Why", right={"Pending"}
    )
    for one in found:
        table.add_row(
            Text(one["name"]),
            one["type"] or "-",
            Text(one["state"], "" if one["state"] == "ok" else "bold red"),
            str(one["pending"]),
            one["failing_since"] or "-",
            Text(_line(one["why"])),
        )
    show.console().print(table)
    return 0


@click.group("notify")
def command() -> None:
    """Test receivers, list what was sent, send again what died."""


for _one in (
    test_command,
    list_command,
    show_command,
    resend_command,
    resume_command,
    receivers_command,
):
    command.add_command(_one)


def _declared(settings: Settings, name: str) -> Receiver:
    for receiver in settings.receivers:
        if receiver.name == name:
            return receiver
    names = ", ".join(r.name for r in settings.receivers)
    there = f"there are {names}" if names else "there are none in slo.yaml"
    raise click.UsageError(f"there is no receiver {name!r}; {there}")


def _table(found: Sequence[Notification]) -> Table:
    table = show.columns(
        "ID",
        "Created",
        "Receiver",
        "Subject",
        "Kind",
        "State",
        "Attempts",
        "Error",
        right={"ID", "Attempts"},
    )
    for one in found:
        table.add_row(
            str(one.id),
            rfc3339(one.created_at),
            Text(one.receiver),
            Text(one.subject),
            one.facts.kind,
            Text(one.state, _STATE_STYLES.get(one.state, "")),
            str(one.attempts),
            Text(_line(one.error)),
        )
    return table


def _line(text: str) -> str:
    """A text from outside on one line, without commands to the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)

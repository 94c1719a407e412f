"""`slo evaluate`: one cycle now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from slo.cli import show
from slo.cli.command import FAULTS
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.context import open_context
from slo.cycle import run_cycle
from slo.domain.span import rfc3339
from slo.notify.dispatcher import dispatch_once
from slo.store import slos
from slo.store.engine import reading

if TYPE_CHECKING:
    from slo.config import Settings


@make("evaluate", "slo evaluate", "slo evaluate --config prod.yaml --log-level info")
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=600.0,
    show_default=True,
    help="How long to catch up at most; the next cycle goes on from there.",
)
@click.option(
    "--no-send",
    is_flag=True,
    help="Leave notifications in the outbox for `slo serve`, or for the next run.",
)
def command(settings: Settings, seconds: float, *, no_send: bool) -> int:
    """Run one cycle now: book what Prometheus scraped since the last one.

    Decides alerts, and sends the notifications that are due, once each; what
    fails stays in the outbox and is tried again by `slo serve` or the next run.

    Makes the database where there is none. Safe beside a running `slo serve`:
    nothing is booked twice. Prints what was booked; faults go to stderr, one a
    line, and the exit code is 1 then.

    A new ledger begins ten minutes ago. Older days are read by `slo serve` in the
    background, or by `slo backfill`; a cycle does not read them.
    """
    with open_store(settings, create=True) as engine, open_context(settings, engine) as context:
        report = run_cycle(context, time.time(), seconds)
        sent = 0 if no_send else dispatch_once(engine, settings)
        with reading(engine) as session:
            meters = slos.running_meters(session)
        for slo_id in sorted(report.booked):
            click.echo(f"{slo_id}: booked to {rfc3339(meters[slo_id].booked_to or 0)}")
        click.echo(
            f"Booked {len(report.booked)} of {len(settings.slos)} SLOs with"
            f" {show.count(context.spent.requests)} requests;"
            f" {show.count(context.spent.samples)} samples were read."
        )
    if sent:
        click.echo(f"Tried to send {show.count(sent)} notifications; slo notify list tells more.")
    if not report.booked and not report.faults:
        click.echo("Prometheus shows nothing newer than what is booked.")
    if not report.caught_up:
        click.echo("Not caught up yet: run it again, or with more --seconds.")
    declared = [meters[slo.id] for slo in settings.slos if slo.id in meters]
    starts = [m.backfill_to for m in declared if m.backfill_to is not None and m.booked_from]
    if starts:
        click.echo(f"History is not read yet; run: slo backfill --from {rfc3339(min(starts))}")
    for name, fault in sorted(report.faults.items()):
        click.echo(f"{name}: {fault.message}", err=True)
    return FAULTS if report.faults else 0

"""`slo backfill`: ledgers extended into the past."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from slo import backfill
from slo.cli import show
from slo.cli.command import FAULTS
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.cli.parameters import INSTANT, choose
from slo.context import open_context
from slo.declaring import declare
from slo.domain.ledger import NOTHING, Tally, difference
from slo.domain.span import bucket_floor, rfc3339
from slo.horizon import horizon_of
from slo.publishing import stand
from slo.standings import SLICE_KINDS
from slo.store import readings, slos
from slo.store.engine import reading, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from slo.config import Settings
    from slo.context import Context
    from slo.declaring import Counted
    from slo.domain.meter import Meter

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be backfilled: from `start`, and empty ledgers up to `end`."""

    counted: tuple[Counted, ...]
    start: int
    end: int

    def begins(self, meters: dict[str, Meter]) -> list[int]:
        """Where those ledgers begin that are to reach further back."""
        begins = []
        for c in self.counted:
            meter = meters[c.slo.id]
            begin = self.end if meter.booked_from is None else meter.booked_from
            if meter.backfill_to is not None and begin > self.start:
                begins.append(begin)
        return begins

    def left(self, meters: dict[str, Meter]) -> int:
        """Seconds of ledger that are still missing, and that the source may have."""
        return sum(begin - self.start for begin in self.begins(meters))


@make(
    "backfill",
    "slo backfill --from 2026-10-01",
    "slo backfill --from 2026-10-01 fraud-model/latency checkout",
)
@click.argument("slo_ids", metavar="[SLO]...", nargs=-1)
@click.option(
    "--from",
    "start",
    type=INSTANT,
    required=True,
    help="How far back: RFC 3339, a day, or epoch seconds.",
)
@click.option(
    "--to",
    "until",
    type=INSTANT,
    help="Where a ledger that is still empty is to end.  [default: now, less the source's lag]",
)
def command(settings: Settings, slo_ids: Sequence[str], start: int, until: int | None) -> int:
    """Extend the ledgers of all SLOs, or of those named, back to --from.

    Reads Prometheus a day at a time, newest first, and books each day whole. Ctrl-C
    loses at most the day under way; the same command goes on from there. A ledger
    is one stretch without holes, so what exists is only extended at its beginning.
    Makes the database where there is none.
    """
    now = int(time.time())
    if start >= (now if until is None else until):
        raise click.UsageError("--from must lie before --to, and in the past")
    if until is not None and until > now:
        raise click.UsageError(f"--to {rfc3339(until)} lies in the future")
    chosen = choose([slo.id for slo in settings.slos], slo_ids)
    with open_store(settings, create=True) as engine, open_context(settings, engine) as context:
        declaration = declare(context, now)
        faults = {k: f.message for k, f in declaration.faults.items() if k in chosen}
        counted = tuple(c for c in declaration.counted if c.slo.id in chosen)
        _ensure_no_hole(counted, until)
        heads, end = {}, now if until is None else until
        for source in {c.slo.source for c in counted}:
            horizon = horizon_of(context.clients[source], context.source(source), now)
            heads[source], end = horizon.head, min(end, int(horizon.until))
        plan = _Plan(
            counted,
            bucket_floor(start, settings.interval),
            bucket_floor(end, settings.interval),
        )
        backfill.want_backfill(context, counted, plan.start)
        if plan.left(_meters(context)):
            with _progress(context, plan) as told:
                report = backfill.backfill(
                    context,
                    counted,
                    heads,
                    now=now,
                    end=plan.end,
                    on_progress=lambda p: told(p.at),
                    # A former wish may reach further back than this one.
                    stopped=lambda: not plan.left(_meters(context)),
                )
            faults |= {k: f.message for k, f in report.faults.items()}
            with writing(engine) as session:
                # The budgets have changed with their history.
                stand(session, context, [c for c in counted if c.slo.id not in faults], now)
        elif counted:
            click.echo(f"Nothing to do: the ledgers reach back to {rfc3339(plan.start)} already.")
        _print_ledgers(context, plan, faults)
    for slo_id, message in sorted(faults.items()):
        click.echo(f"{slo_id}: {message}", err=True)
    return FAULTS if faults else 0


def _ensure_no_hole(counted: Sequence[Counted], until: int | None) -> None:
    """Refuse a --to before the beginning of a ledger that exists."""
    for c in counted:
        begun = c.meter.booked_from
        if until is not None and begun is not None and until < begun:
            raise click.UsageError(
                f"the ledger of {c.slo.id} begins at {rfc3339(begun)}; a backfill ends there, since"
                f" --to {rfc3339(until)} would leave a hole. Leave --to out"
            )


def _meters(context: Context) -> dict[str, Meter]:
    with reading(context.engine) as session:
        return slos.running_meters(session)


@contextmanager
def _progress(context: Context, plan: _Plan) -> Iterator[Callable[[int | None], None]]:
    """A bar on a terminal, else a line a step; gives what is to be told after each chunk."""
    wanted = plan.left(_meters(context))
    out = show.console()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
        console=out,
        disable=not out.is_terminal,
    )
    task = bar.add_task("Backfilling", total=wanted)

    lines: list[str] = []

    def tell(at: int | None) -> None:
        done = wanted - plan.left(_meters(context))
        # The chunk ends at `at`, an instant that belongs to the day before.
        text = "Booked" if at is None else f"Booked {rfc3339(at - 1)[:10]}"
        bar.update(task, completed=done, description=text)
        line = f"{text}: {done / wanted:.0%}"
        if not out.is_terminal and line not in lines:
            lines.append(line)
            click.echo(line)

    try:
        with bar:
            yield tell
    except KeyboardInterrupt:
        click.echo("Stopped; the same command goes on from here.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _print_ledgers(context: Context, plan: _Plan, faults: Mapping[str, str]) -> None:
    """What each ledger now holds."""
    meters = _meters(context)
    with reading(context.engine) as session:
        edges = [
            (m.id, t)
            for c in plan.counted
            for m in [meters[c.slo.id]]
            for t in (m.booked_from, m.booked_to)
            if t is not None
        ]
        found = readings.readings_at(session, edges)
    for c in plan.counted:
        meter = meters[c.slo.id]
        first = found.get((meter.id, meter.booked_from or 0))
        last = found.get((meter.id, meter.booked_to or 0))
        tally = NOTHING if first is None or last is None else difference(first, last)
        what = "slices" if c.indicator.kind in SLICE_KINDS else "events"
        text = _ledger_text(meter, tally, what)
        if c.slo.id not in faults and meter.backfill_to is None and _is_short(meter, plan.start):
            empty = meter.booked_from is None
            text += f"; Prometheus has {'no samples of it' if empty else 'nothing older'}"
        click.echo(f"{c.slo.id}: {text}")


def _is_short(meter: Meter, start: int) -> bool:
    return meter.booked_from is None or meter.booked_from > start


def _ledger_text(meter: Meter, tally: Tally, what: str) -> str:
    if meter.booked_from is None or meter.booked_to is None:
        return "empty"
    covered = tally.covered / max(1, meter.booked_to - meter.booked_from)
    return (
        f"{show.stretch(meter.booked_from, meter.booked_to)}, {show.count(tally.total)} {what},"
        f" {show.count(tally.bad)} bad, {show.percent(covered)} covered"
    )

"""`slo replay`: the alerts that another policy would have fired over a ledger's past."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.cli.parameters import INSTANT, choose_one
from slo.cli.replayed import print_replay, replay_json
from slo.config.policies import Judged
from slo.config.policy_file import load_policy_file
from slo.config.readers import read_objective
from slo.config.shape import faults_of
from slo.config.windows import WindowValue, usual_length
from slo.domain.policy import default_policy
from slo.domain.replay import Promise
from slo.domain.span import Span
from slo.replay import EmptyPastError, refit, replay
from slo.status import dumps
from slo.store import slos
from slo.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slo.config import Settings
    from slo.domain.slo import SLO
    from slo.domain.window import Window

_WINDOW: TypeAdapter[Window] = TypeAdapter(WindowValue)


@make(
    "replay",
    "slo replay fraud-model/availability --from 2026-10-01",
    "slo replay fraud-model/availability --from 2026-10-01 --objective 99.95% --window 28d",
    "slo replay fraud-model/availability --from 2026-10-01 --policy stricter.yaml --json",
)
@click.argument("slo_id", metavar="SLO")
@click.option(
    "--from",
    "start",
    type=INSTANT,
    required=True,
    help="From when on: RFC 3339, a day, or epoch seconds.",
)
@click.option("--to", "end", type=INSTANT, help="Until when.  [default: the ledger's end]")
@click.option(
    "--objective",
    metavar="SHARE",
    help="Judge by this objective, such as 99.95%.  [default: the one in slo.yaml]",
)
@click.option(
    "--window",
    metavar="WINDOW",
    help="Judge budgets over this window, such as 28d or month.  [default: the one in slo.yaml]",
)
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Judge by the default rules with the changes of this file: YAML with `alerts`, and"
    " `no_data`, as on an SLO in slo.yaml.  [default: the rules in slo.yaml]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    settings: Settings,
    slo_id: str,
    start: int,
    end: int | None,
    objective: str | None,
    window: str | None,
    policy_file: Path | None,
    *,
    as_json: bool,
) -> int:
    """Replay an alert policy over an SLO's past: what would have fired, and when.

    Decides each reading of the ledger as `slo serve` does, with exclusions as they
    are declared now, and prints the alerts and incidents that would have been: how
    long after the burn began, what share of the budget was spent by then, how long
    they fired. With another objective, window or policy it tells what differs from
    today's slo.yaml. Nothing is written and nobody is told.

    Rules about missing data are left out: the ledger does not know why data were
    missing. The replay begins with nothing firing.
    """
    if end is not None and start >= end:
        raise click.UsageError("--from must lie before --to")
    choose_one([slo.id for slo in settings.slos], slo_id)
    slo = next(slo for slo in settings.slos if slo.id == slo_id)
    today = Promise(slo.objective, slo.window, slo.alert_policy)
    promise, notes = _promise(slo, objective, window, policy_file)
    with open_store(settings) as engine, reading(engine) as session:
        meter = slos.meter_of(session, slo_id)
        if meter is None:
            raise click.ClickException(
                f"nothing is booked of {slo_id} yet; run `slo serve`, or `slo backfill`"
            )
        wanted = Span(start, max(start, meter.booked_to or 0) if end is None else end)
        try:
            with _progress() as tell:
                found = replay(session, meter, wanted, promise, today, tell)
        except EmptyPastError as error:
            raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(dumps(replay_json(found, notes)))
    else:
        print_replay(found, notes)
    return 0


def _promise(
    slo: SLO, objective: str | None, window: str | None, policy_file: Path | None
) -> tuple[Promise, tuple[str, ...]]:
    """What to judge by, and what is to be said about it."""
    share, over = slo.objective, slo.window
    if objective is not None:
        try:
            share = read_objective(objective)
        except ValueError as error:
            raise click.UsageError(f"--objective: {error}") from None
    if window is not None:
        try:
            over = _WINDOW.validate_python(window)
        except ValidationError as error:
            reasons = "; ".join(message for _, message in faults_of(error))
            raise click.UsageError(f"--window: {reasons}") from None
    if policy_file is not None:
        interval = timedelta(seconds=slo.bucket)
        judged = Judged(share, usual_length(over), interval, slo.no_data)
        policy = load_policy_file(policy_file, os.environ, judged)
        return Promise(share, over, policy), policy.dropped
    if slo.policy is None:
        policy = default_policy(share, slo.no_data)
        return Promise(share, over, policy), policy.dropped
    policy, dropped = refit(slo.policy, share)
    return Promise(share, over, policy), dropped


@contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """A bar on stderr where that is a terminal; gives what is to be told of progress."""
    err = Console(stderr=True)
    bar = Progress(
        TextColumn("Replaying"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    task = bar.add_task("", total=1.0)
    with bar:
        yield lambda share: bar.update(task, completed=share)

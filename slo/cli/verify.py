"""`slo verify`: a past day recounted from Prometheus."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from slo.cli import show
from slo.cli.command import FAULTS
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.cli.parameters import DAY, choose_one
from slo.context import open_context
from slo.declaring import Counted
from slo.domain.span import rfc3339, utc
from slo.past_standings import subject_at
from slo.prometheus.job import Fault
from slo.status import dumps
from slo.store import slos, verifications
from slo.store.engine import reading, writing
from slo.store.errors import StoreError
from slo.verify import DAY as DAY_SECONDS
from slo.verify import Verification, verified, verify_day

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from slo.config import Settings
    from slo.domain.ledger import Tally
    from slo.store.verifications import Verified


@make("verify", "slo verify fraud-model/availability --day 2026-11-19")
@click.argument("slo_id", metavar="SLO")
@click.option("--day", type=DAY, help="The UTC day to recount.  [default: yesterday]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(settings: Settings, slo_id: str, day: int | None, *, as_json: bool) -> int:
    """Count a past day again from Prometheus, and compare it with the ledger.

    Nothing is booked; the page System shows what came of it. The exit code is 1
    if good or total differ, or if the day cannot be counted. Samples that came
    after midnight were booked just after it, so a few events may differ at a
    day's edges. Book what is missing with `slo correct`.
    """
    choose_one([slo.id for slo in settings.slos], slo_id)
    now = int(time.time())
    start = now // DAY_SECONDS * DAY_SECONDS - DAY_SECONDS if day is None else day
    if start > now:
        raise click.UsageError(f"--day {utc(start):%Y-%m-%d} lies in the future")
    with open_store(settings) as engine, open_context(settings, engine) as context:
        with reading(engine) as session:
            counted = _counted(session, settings, slo_id, start + DAY_SECONDS)
        found = verify_day(context, counted, start)
        _keep(engine, verified(found, slo_id, start, now))
    if isinstance(found, Fault):
        raise click.ClickException(found.message)
    if as_json:
        click.echo(dumps(verification_json(found)))
    else:
        _print(found)
    return 0 if found.agrees else FAULTS


def _keep(engine: Engine, found: Verified) -> None:
    """Leave what came of it for the page System."""
    try:
        with writing(engine) as session:
            verifications.add(session, found)
    except StoreError as error:
        # The answer stands all the same.
        click.echo(f"The page System does not show it: {error}", err=True)


def _counted(session: Session, settings: Settings, slo_id: str, at: int) -> Counted:
    """The SLO with the meter that held the day; read, so that verifying declares nothing."""
    slo = next(slo for slo in settings.slos if slo.id == slo_id)
    running = slos.running_meters(session).get(slo_id)
    if running is None:
        raise click.ClickException(f"nothing is booked of {slo_id} yet; there is nothing to verify")
    subject = subject_at(session, settings, slo, running, at, int(time.time()))
    return Counted(slo, subject.indicator, subject.meter)


def verification_json(found: Verification) -> dict[str, Any]:
    """The verification as JSON values."""
    return {
        "slo": found.slo,
        "start": rfc3339(found.span.start),
        "end": rfc3339(found.span.end),
        "ledger": _tally_json(found.ledger),
        "recount": _tally_json(found.recount),
        "difference": _tally_json(found.difference),
        "agrees": found.agrees,
        "forgotten": found.forgotten,
    }


def _tally_json(tally: Tally) -> dict[str, float]:
    return {
        "good": tally.good,
        "bad": tally.total - tally.good,
        "total": tally.total,
        "covered": tally.covered,
    }


def _print(found: Verification) -> None:
    out = show.console()
    out.print(f"{found.slo}, {show.stretch(found.span.start, found.span.end)}")
    names = ("Ledger", "Recount", "Difference")
    table = show.columns("", *names, right=names)
    ledger, recount = _tally_json(found.ledger), _tally_json(found.recount)
    for key in ("good", "bad", "total"):
        change = recount[key] - ledger[key]
        table.add_row(key, show.count(ledger[key]), show.count(recount[key]), show.signed(change))
    out.print(table)
    if found.forgotten:
        out.print("Prometheus holds nothing of that day any more: it cannot be verified.")
    elif found.agrees:
        out.print("The recount agrees with the ledger.")
    else:
        out.print("The recount differs from the ledger.")

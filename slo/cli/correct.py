"""`slo correct`: late truth booked as a correction."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from slo import standings
from slo.cli import show
from slo.cli.asking import WHO, WHY, user
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.cli.parameters import INSTANT, choose_one
from slo.domain.ledger import Correction
from slo.domain.span import bucket_end, rfc3339
from slo.past_standings import subject_at
from slo.store import corrections, slos
from slo.store import standings as stored
from slo.store.engine import writing

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.config import Settings
    from slo.domain.meter import Meter
    from slo.domain.standing import Standing

_NOISE = 1e-6
"""Events that sums of floats may differ by without meaning anything."""


@make(
    "correct",
    "slo correct fraud-model/accuracy --end 2026-11-19T12:00:00Z --good -37 --total 0 \\",
    '  --why "37 labels of the morning were wrong"',
)
@click.argument("slo_id", metavar="SLO")
@click.option(
    "--end",
    type=INSTANT,
    required=True,
    help="When it happened: it counts in the bucket that holds this time.",
)
@click.option("--good", type=float, required=True, help="Good events to add; may be negative.")
@click.option("--total", type=float, required=True, help="Events to add in all; may be negative.")
@WHY
@WHO
@click.option(
    "--key",
    help="Books it once, however often it is run.  [default: made of SLO, end, numbers and why]",
)
def command(
    settings: Settings,
    slo_id: str,
    end: int,
    good: float,
    total: float,
    why: str,
    who: str | None,
    key: str | None,
) -> int:
    """Book late truth: add good and total events to a past bucket of an SLO.

    Booked readings stay as they are; the correction stands beside them with who,
    when and why. It restates budgets and history, and neither fires nor resolves
    alerts. Bad events are total less good: 5 events that were bad and counted as
    good are --good -5 --total 0. What would leave a window with more good than
    total events, or with fewer than none, is refused. A correction is taken back
    by one of the opposite sign.
    """
    _ensure_sensible(good, total, why)
    choose_one([slo.id for slo in settings.slos], slo_id)
    slo = next(slo for slo in settings.slos if slo.id == slo_id)
    now = int(time.time())
    with open_store(settings) as engine, writing(engine) as session:
        meter = slos.running_meters(session).get(slo_id)
        end = bucket_end(end, slo.bucket if meter is None else meter.bucket)
        held = _ensure_held(meter, slo_id, end)
        key = key or _key(slo_id, end, good, total, why)
        before = _standing(session, settings, held)
        window = None if before.window.start < end <= before.window.end else end
        events = before if window is None else _standing(session, settings, held, window)
        correction = Correction(slo_id, end, good, total, user(who), why.strip(), key, now)
        booked = corrections.add(session, correction)
        after = _standing(session, settings, held)
        if booked:
            _ensure_possible(
                events, after if window is None else _standing(session, settings, held, window)
            )
    if not booked:
        click.echo(f"A correction with the key {key!r} is booked already; nothing changed.")
        return 0
    click.echo(
        f"{slo_id}: corrected by {show.signed(good)} good and {show.signed(total)} total"
        f" at {rfc3339(end)} (key {key})"
    )
    _print_change(
        "budget left",
        show.percent(before.budget.remaining, 2),
        show.percent(after.budget.remaining, 2),
    )
    _print_change("bad events", show.count(before.bad), show.count(after.bad))
    _print_change(
        "SLI", show.sli(before.sli, before.objective), show.sli(after.sli, after.objective)
    )
    click.echo(
        f"To take it back: slo correct {slo_id} --end {rfc3339(end)}"
        f" --good {_plain(0 - good)} --total {_plain(0 - total)} --why TEXT"
    )
    return 0


def _plain(number: float) -> str:
    """A number as an option takes it, without thousands separators."""
    return f"{number:.15g}"


def _print_change(what: str, before: str, after: str) -> None:
    click.echo(f"  {what:<12} {before} -> {after}")


def _ensure_sensible(good: float, total: float, why: str) -> None:
    if not (math.isfinite(good) and math.isfinite(total)):
        raise click.UsageError("--good and --total must be numbers of events")
    if good == total == 0:
        raise click.UsageError("--good and --total are both 0, which corrects nothing")
    if not why.strip():
        raise click.UsageError("--why is empty; say why, for those who read it later")


def _ensure_held(meter: Meter | None, slo_id: str, end: int) -> Meter:
    if meter is None or meter.booked_from is None or meter.booked_to is None:
        raise click.ClickException(f"the ledger of {slo_id} is empty: there is nothing to correct")
    if not meter.booked_from < end <= meter.booked_to:
        raise click.UsageError(
            f"--end {rfc3339(end)} lies outside the ledger of {slo_id}, which holds"
            f" {rfc3339(meter.booked_from)} to {rfc3339(meter.booked_to)}"
        )
    return meter


def _ensure_possible(before: Standing, after: Standing) -> None:
    """Refuse what no events can add up to; what was so before may be made better."""
    crossed = after.good - after.total > max(0.0, before.good - before.total) + _NOISE
    negative = any(
        new < min(0.0, old) - _NOISE
        for old, new in ((before.good, after.good), (before.total, after.total))
    )
    if crossed or negative:
        raise click.UsageError(
            f"the window {rfc3339(after.window.start)} to {rfc3339(after.window.end)} would have"
            f" {show.count(after.good)} good of {show.count(after.total)} total events; it has"
            f" {show.count(before.good)} of {show.count(before.total)}. Good must lie between 0"
            " and total: more good events need as many more in --total"
        )


def _standing(
    session: Session, settings: Settings, meter: Meter, at: int | None = None
) -> Standing:
    """The SLO's standing as of its last reading, computed and kept, or as of `at`."""
    slo = next(slo for slo in settings.slos if slo.id == meter.slo)
    then = slos.revision_at(session, [slo.id], int(time.time())).get(slo.id)
    if then is not None:
        slo = replace(slo, objective=then.objective, window=then.window)
    subject = subject_at(session, settings, slo, meter, None, int(time.time()))
    if at is not None:
        return standings.compute(session, [subject], {slo.id: at})[0][0]
    found = standings.compute(session, [subject])
    stored.put(session, found)
    return found[0][0]


def _key(slo_id: str, end: int, good: float, total: float, why: str) -> str:
    said = json.dumps([slo_id, end, good, total, why.strip()])
    return hashlib.sha256(said.encode()).hexdigest()[:16]

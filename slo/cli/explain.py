"""`slo explain`: how an SLO's number came about."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from slo.cli.command import command as make
from slo.cli.explained import print_explanation
from slo.cli.opening import open_store
from slo.cli.parameters import INSTANT, choose_one
from slo.domain.span import rfc3339
from slo.explain import explain, unmetered
from slo.explain_json import explanation_json
from slo.past_standings import subject_at
from slo.status import dumps
from slo.store import slos
from slo.store import standings as stored
from slo.store.engine import reading

if TYPE_CHECKING:
    from slo.config import Settings


@make(
    "explain",
    "slo explain fraud-model/availability",
    "slo explain fraud-model/availability --at 2026-11-01T00:00:00Z",
)
@click.argument("slo_id", metavar="SLO")
@click.option("--at", type=INSTANT, help="As of a past time: RFC 3339, a day, or epoch seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(settings: Settings, slo_id: str, at: int | None, *, as_json: bool) -> int:
    """Tell how an SLO's number came about, with every figure it rests on.

    The definition in force, the window's readings and their subtraction, the
    budget's arithmetic, burn rates, the requests of a cycle, the contributors of
    the worst hour, exclusions, corrections, notes, revisions, and meters. Reads
    only the store, so it tells about any past time, long after Prometheus forgot.
    Where nothing could be booked yet, the notes tell why.
    """
    declared = [slo.id for slo in settings.slos]
    if slo_id not in declared:
        _ensure_not_gone(settings, slo_id)
    choose_one(declared, slo_id)
    slo = next(slo for slo in settings.slos if slo.id == slo_id)
    source = next(source for source in settings.sources if source.name == slo.source)
    now = int(time.time())
    if at is not None and at > now:
        raise click.UsageError(f"--at {rfc3339(at)} lies in the future")
    with open_store(settings) as engine, reading(engine) as session:
        meter = slos.running_meters(session).get(slo_id)
        if meter is None and stored.one(session, slo_id) is None:
            raise click.ClickException(
                f"nothing is booked of {slo_id} yet; run `slo serve`, or `slo evaluate` once"
            )
        found = explain(
            session,
            subject_at(session, settings, slo, meter or unmetered(slo), at, now),
            at,
            scrape_interval=int(source.scrape_interval.total_seconds()),
        )
    if as_json:
        click.echo(dumps(explanation_json(found)))
    else:
        print_explanation(found)
    return 0


def _ensure_not_gone(settings: Settings, slo_id: str) -> None:
    """Tell where the last numbers are of an SLO that slo.yaml no longer declares."""
    with open_store(settings) as engine, reading(engine) as session:
        known = {known.id for known in slos.all_slos(session)}
    if slo_id in known:
        raise click.UsageError(
            f"{slo_id} is no longer in slo.yaml, so it is paused; `slo status {slo_id}` shows"
            " what it had last"
        )

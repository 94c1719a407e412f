"""`slo status`: every SLO's budget in one table, or as JSON."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import click
from rich.text import Text

from slo.cli import show
from slo.cli.asking import AS_JSON
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.cli.parameters import INSTANT, choose
from slo.domain.objective import format_percent
from slo.domain.span import rfc3339
from slo.past_standings import standings_at
from slo.status import dumps, status_json
from slo.store import slos
from slo.store import standings as stored
from slo.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rich.console import Console
    from rich.table import Table
    from sqlalchemy.orm import Session

    from slo.config import Settings
    from slo.domain.standing import Standing

ROOMY = 110
"""Columns from which the table's columns stand further apart."""


@make(
    "status",
    "slo status",
    "slo status fraud-model/latency checkout",
    "slo status --at 2026-11-01T00:00:00Z --json",
)
@click.argument("slo_ids", metavar="[SLO]...", nargs=-1)
@click.option("--at", type=INSTANT, help="As of a past time: RFC 3339, a day, or epoch seconds.")
@AS_JSON
def command(settings: Settings, slo_ids: Sequence[str], at: int | None, *, as_json: bool) -> int:
    """Show the budgets of all SLOs, or of those named by id or by service.

    Reads only the store: the numbers are those of the last cycle, or with --at
    those of any past time. Prometheus is not asked.

    Left is the share of the error budget that is left. Burn rate 1x spends just
    the whole budget in one window. The forecast takes the burn of the last six
    hours or three days, whichever is worse: the budget is gone "in 12 d", stays
    "within", or is "gone" for as long as it says. A "~" marks what is estimated
    or projected.
    """
    now = int(time.time())
    if at is not None and at > now:
        raise click.UsageError(f"--at {rfc3339(at)} lies in the future")
    with open_store(settings) as engine, reading(engine) as session:
        known = {k.id: k for k in slos.all_slos(session)}
        declared = [slo.id for slo in settings.slos]
        everything = [*declared, *(k for k in known if k not in set(declared))]
        chosen = choose(everything, slo_ids) if slo_ids else declared
        past = [one for one in chosen if one not in declared]
        if at is not None and past:
            raise click.UsageError(
                f"{past[0]} is no longer in slo.yaml; --at tells of declared SLOs only"
            )
        if at is None:
            found = _latest(session, settings, now, set(chosen))
        else:
            found = standings_at(session, settings, chosen, at, now)
    if as_json:
        click.echo(dumps(status_json(now if at is None else at, found)))
        return 0
    out = show.console()
    if found:
        out.print(table_of(found, now if at is None else at, out.width))
        show_alerts(out, found)
    _footnotes(out, found)
    _missing(out, set(chosen) - {s.slo for s in found}, at)
    paused = [k for k in known if k not in set(declared) | set(chosen)]
    if paused:
        out.print(f"Paused, since no longer in slo.yaml: {', '.join(paused)}")
    return 0


def _latest(session: Session, settings: Settings, now: int, chosen: set[str]) -> list[Standing]:
    """The stored standings as of now; those of SLOs that no cycle knows any more are paused."""
    declared = {slo.id for slo in settings.slos}
    return [
        s if s.slo in declared else replace(s, data="none", paused=True)
        for s in stored.all(session, now=now)
        if s.slo in chosen
    ]


def table_of(found: Sequence[Standing], now: int, width: int) -> Table:
    """The standings as a table; at 100 columns the usual ids and counts need no folding."""
    space = 2 if width >= ROOMY else 1
    table = show.columns(space=space)
    stale = any(s.data != "fresh" for s in found)
    table.add_column("State", no_wrap=True)
    if stale:
        table.add_column("Data", no_wrap=True)
    table.add_column("SLO", overflow="fold", min_width=12)
    for name in ("Objective", "SLI", "Bad / total", "Left", "Burn\n1h"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Forecast", no_wrap=True)
    for standing in found:
        cells: list[Text | str] = [
            Text(f"{show.icon(standing.state)} {standing.state}", show.STYLES[standing.state])
        ]
        if stale:
            word = "paused" if standing.paused else standing.data
            cells.append(Text(word, show.DATA_STYLES[standing.data]))
        table.add_row(*cells, *_numbers(standing, now))
    return table


def _numbers(standing: Standing, now: int) -> list[Text | str]:
    budget = standing.budget
    left = show.percent(budget.remaining)
    if budget.projected and budget.remaining is not None:
        left = f"~{left}"
    sli = show.sli(standing.sli, standing.objective)
    if standing.estimated and standing.sli is not None:
        sli = f"~{sli}"
    return [
        Text(standing.slo),
        format_percent(standing.objective),
        sli,
        f"{show.count(standing.bad)} / {show.count(standing.total)}",
        Text(left, show.STYLES[standing.state]),
        show.burn(dict(standing.burn_rates).get("1h")),
        forecast(standing, now),
    ]


def forecast(standing: Standing, now: int) -> str:
    """When the budget is gone, in two or three words."""
    if standing.budget.remaining is None:
        return "no events"
    gone = standing.exhausted_at
    if standing.budget.remaining <= 0:
        return "gone" if gone is None else f"gone {show.length(max(0, now - gone))}"
    return "within" if gone is None else f"in {show.length(max(0, gone - now))}"


def show_alerts(out: Console, found: Sequence[Standing]) -> None:
    """A line for each alert that fires, pages first."""
    firing = [(s, a) for s in found for a in s.alerts if a.since is not None]
    for standing, alert in sorted(firing, key=lambda f: (f[1].severity != "page", f[0].slo)):
        incident = "" if standing.incident is None else f" (incident {standing.incident})"
        style = "bold red" if alert.severity == "page" else "yellow"
        text = f"{standing.slo}: {alert.rule} fires since {rfc3339(alert.since or 0)}{incident}:"
        out.print(Text.assemble((f"{alert.severity}  ", style), f"{text} {alert.reason}"))


def _missing(out: Console, slo_ids: Collection[str], at: int | None) -> None:
    """Why some of those that were asked for are not shown."""
    names = ", ".join(sorted(slo_ids))
    if names and at is None:
        out.print(f"Nothing booked yet: {names}. Run `slo serve`, or `slo evaluate` for one cycle.")
    elif names and at is not None:
        past = "`slo backfill` books days before its beginning."
        out.print(f"No ledger at {rfc3339(at)}: {names}. {past}")


def _footnotes(out: Console, found: Sequence[Standing]) -> None:
    # By text too: a fault of one SLO says nothing of another's.
    told: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for standing in found:
        for note in standing.notes:
            told[note.kind, note.text][standing.slo] = None
    for (kind, text), slo_ids in sorted(told.items(), key=lambda item: item[0][0]):
        more = f" and {len(slo_ids) - 1} more" if len(slo_ids) > 1 else ""
        out.print(Text(f"{kind}  {next(iter(slo_ids))}{more}: {text}", "dim"))
    if told:
        out.print(Text("`slo explain SLO` tells all notes of an SLO.", "dim"))

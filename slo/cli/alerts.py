"""`slo alerts`: what fires now, and every transition there was."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from slo.cli import show
from slo.cli.asking import AS_JSON
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.cli.parameters import choose_one
from slo.domain.instant import InstantError, parse_ago
from slo.domain.policy import SEVERE
from slo.sent import known_ids
from slo.status import dumps
from slo.store.engine import reading
from slo.web.alert_filter import Filter
from slo.web.api.alert_json import MOST, alerts_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from slo.config import Settings


@make("alerts", "slo alerts", "slo alerts --slo fraud-model/latency --from 30d --severity page")
@click.option("--slo", "slo_id", metavar="SLO", help="Only those of one SLO, by its id.")
@click.option("--service", metavar="NAME", help="Only those of one service.")
@click.option("--severity", type=click.Choice(list(SEVERE)), help="Only those of one severity.")
@click.option(
    "--from",
    "since",
    default="7d",
    metavar="TIME",
    show_default=True,
    help="From when on: a duration back from now, or a time.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, MOST),
    default=200,
    show_default=True,
    help="The most transitions to list, the newest.",
)
@AS_JSON
def command(
    settings: Settings,
    slo_id: str | None,
    service: str | None,
    severity: str | None,
    since: str,
    limit: int,
    *,
    as_json: bool,
) -> int:
    """Show which alerts fire now, and what fired and resolved before, newest first.

    A rule that is frozen has too little data to decide: it neither fires nor
    resolves until they are back. "late" marks what was found while catching up
    after an absence.
    """
    now = int(time.time())
    try:
        start = parse_ago(since, now)
    except InstantError as error:
        raise click.UsageError(f"--from: {error}") from None
    with open_store(settings) as engine, reading(engine) as session:
        known = known_ids(session, settings)
        if slo_id is not None:
            choose_one(known, slo_id)
        if service is not None and service not in {one.partition("/")[0] for one in known}:
            raise click.UsageError(f"there is no service {service!r}; `slo status` lists all SLOs")
        wanted = Filter(slo_id, service, severity, start, limit=limit)
        body = alerts_json(session, wanted, now)
    if as_json:
        click.echo(dumps(body))
    else:
        _print(body, since)
    return 0


def _print(body: Mapping[str, Any], since: str) -> None:
    out = show.console()
    if body["firing"]:
        out.print(_firing_table(body["firing"]))
    else:
        out.print("No alert fires.")
    for rule in body["frozen"]:
        out.print(Text(f"frozen  {rule['slo']} {rule['rule']}: {rule['reason']}", "dim"))
    out.print()
    if not body["history"]:
        out.print(f"Nothing fired or resolved since {since}.")
        return
    out.print(_history_table(body["history"]))
    if body["next"] is not None:
        out.print(Text("There are older ones: raise --limit, or narrow by --slo.", "dim"))


def _table(*columns: str) -> Table:
    return show.columns(*columns, fold={"SLO", "Reason"})


def _firing_table(firing: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("Fires since", "For", "SLO", "Rule", "Severity", "Incident", "Reason")
    for alert in firing:
        marks = [alert["reason"]]
        if alert["frozen"]:
            marks.append(f"frozen: {alert['frozen']}")
        if alert["muted_until"]:
            marks.append(f"resolved by hand, muted until {alert['muted_until']}")
        if alert["late"]:
            marks.append("late")
        table.add_row(
            alert["since"] or "-",
            "-" if alert["seconds"] is None else show.length(alert["seconds"]),
            Text(alert["slo"]),
            Text(alert["rule"]),
            Text(alert["severity"], show.SEVERITY_STYLES[alert["severity"]]),
            _incident(alert["incident"]),
            Text("; ".join(marks)),
        )
    return table


def _history_table(history: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("When", "SLO", "Rule", "What", "For", "Severity", "Incident", "Reason")
    for t in history:
        lasted = t["seconds"]
        table.add_row(
            t["at"],
            Text(t["slo"]),
            Text(t["rule"]),
            t["change"] + (" (late)" if t["late"] else ""),
            "-" if lasted is None else show.length(lasted),
            Text(t["severity"], show.SEVERITY_STYLES[t["severity"]]),
            _incident(t["incident"]),
            Text(t["reason"]),
        )
    return table


def _incident(number: int | None) -> str:
    return "-" if number is None else f"#{number}"

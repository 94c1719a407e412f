"""`slo incidents`: what is open and was, and what people do about it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from slo import incidents as acting
from slo.cli import show
from slo.cli.asking import AS_JSON, WHO, user
from slo.cli.command import BAD_INPUT
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.cli.parameters import INSTANT
from slo.domain.span import rfc3339
from slo.incidents.report import length, list_json, phases, whole_json
from slo.postmortem.facts import labels_text
from slo.sent import LARGEST_ID
from slo.status import dumps
from slo.store import incidents, postmortems, timeline
from slo.store.engine import reading, writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table
    from rich.text import Text
    from sqlalchemy.orm import Session

    from slo.config import Settings
    from slo.domain.incident import Event, Incident

_ID = click.argument("incident_id", metavar="ID", type=click.IntRange(1, LARGEST_ID))
_MOST = 1000


@make("list", "slo incidents list --open", "slo incidents list --slo checkout/latency --json")
@click.option("--open", "only_open", is_flag=True, help="Only those that are not resolved.")
@click.option("--slo", "slo_id", metavar="SLO", help="Only those of this SLO, service/name.")
@click.option(
    "--from", "since", type=INSTANT, help="Only those that were not over before this time."
)
@AS_JSON
def list_command(
    settings: Settings, slo_id: str | None, since: int | None, *, only_open: bool, as_json: bool
) -> int:
    """List incidents, the newest first, at most 1,000.

    Times are UTC.
    """
    now = int(time.time())
    with open_store(settings) as engine, reading(engine) as session:
        found = incidents.many(
            session,
            status=incidents.UNRESOLVED if only_open else None,
            slo=slo_id,
            since=since,
            limit=_MOST,
        )
    if as_json:
        click.echo(dumps(list_json(found)))
    elif not found:
        click.echo("There are no such incidents.")
    else:
        show.console().print(_table(found, now))
    return 0


@make("show", "slo incidents show 12", "slo incidents show 12 --json")
@_ID
@AS_JSON
def show_command(settings: Settings, incident_id: int, *, as_json: bool) -> int:
    """Show incident ID: its times, what it cost, its evidence and its timeline.

    Times are UTC. What was stored when it opened outlives Prometheus's own data.
    """
    with _told(), open_store(settings) as engine, reading(engine) as session:
        incident = incidents.one(session, incident_id)
        if incident is None:
            raise acting.UnknownIncidentError(
                f"there is no incident {incident_id}; `slo incidents list` shows all"
            )
        if as_json:
            click.echo(dumps(whole_json(session, incident)))
        else:
            _print_whole(session, incident)
    return 0


@make("ack", "slo incidents ack 12", "slo incidents ack 12 --who mia")
@_ID
@WHO
def ack_command(settings: Settings, incident_id: int, who: str | None) -> int:
    """Acknowledge incident ID: say that you work on it, and tell its receivers.

    The first who acknowledges stays.
    """
    with _told(), open_store(settings) as engine, writing(engine) as session:
        incident = acting.acknowledge(session, settings, incident_id, user(who), _now())
        first = next(e for e in timeline.of(session, incident_id)[::-1] if e.kind == "acknowledged")
    click.echo(f"Incident {incident.id}, {incident.title}, is acknowledged by {first.who}.")
    return 0


@make("assign", "slo incidents assign 12 leo --who mia")
@_ID
@click.argument("name")
@WHO
def assign_command(settings: Settings, incident_id: int, name: str, who: str | None) -> int:
    """Assign incident ID to NAME.

    Whoever had it before stays on the timeline.
    """
    with _told(), open_store(settings) as engine, writing(engine) as session:
        incident = acting.assign(session, settings, incident_id, user(who), name, _now())
    click.echo(f"Incident {incident.id}, {incident.title}, is assigned to {incident.assignee}.")
    return 0


@make("comment", 'slo incidents comment 12 "rolled back the deploy"')
@_ID
@click.argument("text")
@WHO
def comment_command(settings: Settings, incident_id: int, text: str, who: str | None) -> int:
    """Write TEXT on the timeline of incident ID.

    Its postmortem will hold it.
    """
    with _told(), open_store(settings) as engine, writing(engine) as session:
        incident = acting.comment(session, settings, incident_id, user(who), text, _now())
    click.echo(f"Written on the timeline of incident {incident.id}, {incident.title}.")
    return 0


@make("resolve", 'slo incidents resolve 12 --why "a load test, announced too late"')
@_ID
@click.option("--why", required=True, metavar="TEXT", help="The reason, kept on the timeline.")
@WHO
def resolve_command(settings: Settings, incident_id: int, why: str, who: str | None) -> int:
    """Resolve incident ID by hand, and tell its receivers.

    Incidents resolve by themselves once their alerts have. Those of its alerts
    that still fire are muted until they resolve, at most four hours; then they
    open an incident again.
    """
    with _told(), open_store(settings) as engine, writing(engine) as session:
        incident = acting.resolve(session, settings, incident_id, user(who), why, _now())
    by = incident.resolved_by or ""
    click.echo(f"Incident {incident.id}, {incident.title}, is resolved by {by}.")
    return 0


@click.group("incidents")
def command() -> None:
    """List, show, acknowledge, assign, comment on and resolve incidents."""


for _one in (
    list_command,
    show_command,
    ack_command,
    assign_command,
    comment_command,
    resolve_command,
):
    command.add_command(_one)


@contextmanager
def _told() -> Iterator[None]:
    """Errors of incidents as a sentence, with exit code 2; nothing was changed then."""
    try:
        yield
    except acting.IncidentError as error:
        click.echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(BAD_INPUT) from None


def _now() -> int:
    return int(time.time())


def _table(found: Sequence[Incident], now: int) -> Table:
    table = show.columns(
        "ID",
        "Status",
        "Severity",
        "Opened",
        "Lasted",
        "Budget",
        "Assignee",
        "Title",
        right={"ID", "Budget"},
    )
    for incident in found:
        shares = [s.budget_share for s in incident.slos if s.budget_share is not None]
        table.add_row(
            str(incident.id),
            incident.status + (", flapping" if incident.flapping else ""),
            incident.severity,
            rfc3339(incident.opened_at),
            length(round(incident.seconds_lasted(now))),
            show.percent(max(shares, default=None)),
            show.one_line(incident.assignee or "-"),
            show.one_line(incident.title),
        )
    return table


def _print_whole(session: Session, incident: Incident) -> None:
    out = show.console()
    out.print(show.one_line(f"Incident {incident.id}: {incident.title}"), style="bold")
    state = incident.status + (", flapping" if incident.flapping else "")
    again = f", reopened {incident.reopened} times" if incident.reopened else ""
    whose = f", assigned to {incident.assignee}" if incident.assignee else ""
    out.print(show.one_line(f"{incident.severity}, {state}{again}{whose}"))
    out.print()
    for name, text in phases(incident):
        out.print(f"{name:20} {text}")
    out.print()
    for s in incident.slos:
        share = "" if s.budget_share is None else f", {show.percent(s.budget_share)} of its budget"
        lost = f"{show.count(s.bad)} bad of {show.count(s.total)}{share}"
        out.print(show.one_line(f"{s.slo:30} {lost}"))
    _print_evidence(session, incident)
    out.print()
    for event in timeline.of(session, incident.id):
        out.print(_event_line(event))
    written = postmortems.one(session, incident.id)
    if written is not None:
        required = ", required" if written.about.required else ""
        out.print(
            f"\nPostmortem: {written.about.status}{required}; slo postmortem show {incident.id}"
        )


def _print_evidence(session: Session, incident: Incident) -> None:
    out = show.console()
    proof = incidents.evidence(session, incident.id)
    if not proof:
        return
    out.print()
    out.print(show.one_line(f"Fired since {proof['reason']}"))
    for name, text in (
        ("Rule", proof["policy"]),
        ("Runbook", proof["runbook"]),
        ("Owner", proof["owner"]),
        *(("PromQL", query) for query in proof["promql"]),
    ):
        if text:
            out.print(show.one_line(f"{name:8} {text}"))
    if proof["contributors"]:
        out.print("Bad events by label set, in the hours of the burn:")
    for c in proof["contributors"]:
        share = f"{show.count(c['bad'])} of {show.count(c['total'])}"
        out.print(show.one_line(f"  {share:24} {labels_text(c['labels'])}"))


def _event_line(event: Event) -> Text:
    return show.one_line(f"{rfc3339(event.at)}  {event.kind:14} {event.who}: {event.text}")

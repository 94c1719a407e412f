"""A replay as people read it, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from slo.cli import show
from slo.domain.incident_rules import rule_text
from slo.domain.objective import format_percent
from slo.domain.policy import AbsenceRule
from slo.domain.span import rfc3339

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from rich.console import Console
    from rich.table import Table

    from slo.domain.replay import Fired
    from slo.domain.replay_incidents import ReplayedIncident, Totals
    from slo.replay import Outcome, Replay

MOST = 100
"""Alerts that are printed, the newest; JSON has all."""


def print_replay(found: Replay, notes: Sequence[str] = ()) -> None:
    """The replay on stdout; `notes` tell of the policy."""
    out = show.console()
    end = found.span.end
    out.print(Text(f"{found.slo}, {show.stretch(found.span.start, end)}", "bold"))
    out.print(
        f"{show.count(found.readings)} readings, {show.count(found.events.total)} events,"
        f" {show.count(found.events.bad)} bad, {show.percent(found.coverage)} covered"
    )
    out.print(f"Replayed: {_promised(found.replayed)}")
    if found.today is not None:
        out.print(f"Today:    {_promised(found.today)}")
    for text in _rules(found.replayed):
        out.print(Text(f"  {text}", "dim"))
    out.print()
    _print_alerts(out, found)
    _print_incidents(out, found.replayed.incidents, end)
    out.print(_totals_table(found.replayed, found.today))
    if found.today is not None:
        _print_difference(out, found)
    for note in (*notes, *found.notes):
        out.print(Text(f"Note: {note}", "dim"))


def _promised(outcome: Outcome) -> str:
    promise = outcome.promise
    return f"{format_percent(promise.objective)} over {promise.window.label()}"


def _rules(outcome: Outcome) -> list[str]:
    rules = outcome.promise.policy.rules
    return [rule_text(rule) for rule in rules if not isinstance(rule, AbsenceRule)]


def _print_alerts(out: Console, found: Replay) -> None:
    alerts = found.replayed.alerts
    if not alerts:
        out.print("No alert would have fired.\n")
        return
    new = set(map(id, found.only_replayed)) if found.today is not None else set()
    if len(alerts) > MOST:
        out.print(f"The newest {MOST} of {len(alerts)} alerts; --json has all of them.")
    out.print(_alerts_table(alerts[-MOST:], found.span.end, new))
    if new:
        out.print(Text("+ fires only in the replay, not by today's slo.yaml", "dim"))
    out.print()


def _table(*columns: str, right: Collection[str] = ()) -> Table:
    return show.columns(*columns, right=right, fold={"Reason", "Rules"})


def _alerts_table(alerts: Iterable[Fired], end: int, new: Collection[int] = ()) -> Table:
    names = ("Fires", "Resolves", "For", "Rule", "Severity", "Detected", "Spent", "Reason")
    marks = ("",) if new else ()
    table = _table(*marks, *names, right=("For", "Detected", "Spent"))
    for alert in alerts:
        detected = alert.seconds_to_detect
        table.add_row(
            *("+" if id(alert) in new else mark for mark in marks),
            rfc3339(alert.at),
            "still fires" if alert.resolved is None else rfc3339(alert.resolved),
            show.length(alert.until(end) - alert.at),
            Text(alert.rule.name),
            Text(alert.rule.severity, show.SEVERITY_STYLES[alert.rule.severity]),
            "-" if detected is None else show.length(detected),
            "-" if alert.spent is None else show.percent(alert.spent),
            Text(alert.reason),
        )
    return table


def _print_incidents(out: Console, incidents: Sequence[ReplayedIncident], end: int) -> None:
    if not incidents:
        return
    names = ("Incident", "Opens", "Resolves", "For", "Severity", "Pages", "Detected", "Rules")
    table = _table(*names, right=("For", "Pages", "Detected"))
    for number, incident in list(enumerate(incidents, 1))[-MOST:]:
        until = end if incident.resolved is None else incident.resolved
        reopened = f" (reopened: {incident.reopened})" if incident.reopened else ""
        table.add_row(
            str(number),
            rfc3339(incident.opened),
            "still open" if incident.resolved is None else rfc3339(incident.resolved),
            show.length(until - incident.opened),
            Text(incident.severity, show.SEVERITY_STYLES[incident.severity]),
            str(incident.paged),
            show.length(incident.opened - incident.started),
            Text(", ".join(incident.rules) + reopened),
        )
    if len(incidents) > MOST:
        out.print(f"The newest {MOST} of {len(incidents)} incidents; --json has all of them.")
    out.print(table)
    out.print()


def _totals_table(replayed: Outcome, today: Outcome | None) -> Table:
    columns = ("Totals", "Replayed", *(["Today"] if today else []))
    table = _table(*columns, right=("Replayed", "Today"))
    sides = [_figures(o.totals) for o in (replayed, today) if o is not None]
    for name in sides[0]:
        table.add_row(name, *(side[name] for side in sides))
    return table


def _figures(totals: Totals) -> dict[str, str]:
    detect = totals.seconds_to_detect
    return {
        "page alerts": show.count(totals.pages),
        "ticket alerts": show.count(totals.tickets),
        "incidents": show.count(totals.incidents),
        "times paged": show.count(totals.paged),
        "minutes firing": show.count(totals.seconds / 60),
        "detected after, median of pages": "-" if detect is None else show.length(detect),
    }


def _print_difference(out: Console, found: Replay) -> None:
    out.print()
    if not found.only_replayed and not found.only_today:
        out.print("Both fire at the same times, though not always by the same rules.")
        return
    out.print(
        f"{show.count(len(found.only_replayed))} alerts fire only in the replay,"
        f" {show.count(len(found.only_today))} only by today's slo.yaml"
        + (":" if found.only_today else ".")
    )
    if found.only_today:
        out.print(_alerts_table(found.only_today[-MOST:], found.span.end))


def replay_json(found: Replay, notes: Sequence[str] = ()) -> dict[str, Any]:
    """The replay as JSON values: times RFC 3339, lengths in seconds, shares from 0 to 1."""
    return {
        "slo": found.slo,
        "from": rfc3339(found.span.start),
        "to": rfc3339(found.span.end),
        "readings": found.readings,
        "events": {
            "good": found.events.good,
            "bad": found.events.bad,
            "total": found.events.total,
        },
        "coverage": found.coverage,
        "replayed": _outcome_json(found.replayed),
        "today": None if found.today is None else _outcome_json(found.today),
        "only_replayed": [_alert_json(a) for a in found.only_replayed],
        "only_today": [_alert_json(a) for a in found.only_today],
        "notes": [*notes, *found.notes],
    }


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    totals = outcome.totals
    return {
        "objective": float(outcome.promise.objective),
        "window": outcome.promise.window.label(),
        "rules": _rules(outcome),
        "alerts": [_alert_json(a) for a in outcome.alerts],
        "incidents": [_incident_json(i) for i in outcome.incidents],
        "totals": {
            "pages": totals.pages,
            "tickets": totals.tickets,
            "incidents": totals.incidents,
            "paged": totals.paged,
            "seconds_firing": totals.seconds,
            "seconds_to_detect": totals.seconds_to_detect,
        },
    }


def _alert_json(alert: Fired) -> dict[str, Any]:
    return {
        "rule": alert.rule.name,
        "kind": alert.rule.kind,
        "severity": alert.rule.severity,
        "began": rfc3339(alert.began) if alert.opens else None,
        "fires": rfc3339(alert.at),
        "resolves": None if alert.resolved is None else rfc3339(alert.resolved),
        "seconds": None if alert.resolved is None else alert.resolved - alert.at,
        "seconds_to_detect": alert.seconds_to_detect,
        "budget_spent": alert.spent,
        "reason": alert.reason,
        "resolved_because": alert.end_reason or None,
        "numbers": dict(alert.numbers),
    }


def _incident_json(incident: ReplayedIncident) -> dict[str, Any]:
    return {
        "severity": incident.severity,
        "started": rfc3339(incident.started),
        "opened": rfc3339(incident.opened),
        "resolved": None if incident.resolved is None else rfc3339(incident.resolved),
        "rules": list(incident.rules),
        "paged": incident.paged,
        "reopened": incident.reopened,
    }

"""`slo exclude`: take spans out of budgets, once or again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from slo.cli import show
from slo.cli.asking import AS_JSON, WHO, WHY, asked, user
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.cli.parameters import INSTANT
from slo.domain.duration import DurationError, parse_duration
from slo.domain.ledger import Exclusion
from slo.domain.refusal import RefusedError
from slo.domain.scope import in_scope
from slo.domain.span import Span, rfc3339
from slo.excluding.preview import preview
from slo.excluding.wanted import CATEGORIES, add, removal, remove, wanted
from slo.recurrence import RecurrenceError, parse_recurrence
from slo.sent import ensure_scope, known_ids
from slo.status import dumps
from slo.store.engine import reading, writing
from slo.web.api.exclusion_json import listing_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from slo.config import Settings
    from slo.excluding.preview import Change
    from slo.excluding.wanted import Wanted
    from slo.recurrence import Recurrence

_SHOWN = 20
_PREVIEW = click.option("--preview", "dry", is_flag=True, help="Only tell what it would change.")


@make(
    "add",
    "slo exclude add checkout --from 2026-11-20T02:00:00Z --to 2026-11-20T03:00:00Z \\",
    '  --category maintenance --why "database upgrade" --preview',
    "slo exclude add '*' --rrule 'FREQ=WEEKLY;BYDAY=SU' --start 2026-11-22T02:00 --for 2h \\",
    '  --zone Europe/Berlin --category maintenance --why "weekly window"',
)
@click.argument("scope")
@click.option("--from", "start", type=INSTANT, help="Where the span begins; may be past.")
@click.option("--to", "end", type=INSTANT, help="Where the span ends.")
@click.option("--rrule", metavar="RULE", help="An RFC 5545 rule by which it comes again.")
@click.option("--start", "first", metavar="TIME", help="Local time of the first, with --rrule.")
@click.option("--for", "length", metavar="DURATION", help="How long each lasts, with --rrule.")
@click.option("--zone", metavar="ZONE", help="Time zone of --start, such as Europe/Berlin.")
@click.option("--category", type=click.Choice(CATEGORIES), required=True, help="What it was.")
@WHY
@WHO
@_PREVIEW
def add_command(
    settings: Settings,
    scope: str,
    category: str,
    why: str,
    who: str | None,
    *,
    dry: bool,
    **when: Any,
) -> int:
    """Take a span out of the budgets of SCOPE: a service, an SLO (service/name), or '*'.

    Prints what changes in each SLO, then writes. The edges move outward to the
    nearest readings that are kept. What lies inside counts neither as good nor as
    bad, in budgets and in alerts' windows; removing the exclusion brings it all
    back. Either --from and --to, or --rrule, --start, --for and --zone: occurrences
    keep their local time across changes of the clock, and last real seconds.
    """
    now = int(time.time())
    with asked(), open_store(settings) as engine:
        span = _when(**when)
        with reading(engine) as session:
            request = wanted(
                session,
                settings,
                span,
                scope=scope,
                category=category,
                who=user(who),
                why=why,
                now=now,
            )
            changes = preview(session, settings, now, request.exclusions(now))
        out = show.console()
        out.print(_headline(request, now), highlight=False)
        _print_changes(out, changes)
        if dry:
            click.echo("Nothing was written (--preview).")
            return 0
        with writing(engine) as session:
            kept = add(session, request, now)
    word = str(kept.id) if isinstance(kept, Exclusion) else f"schedule/{kept.id}"
    click.echo(f"Written as {word}. To take it back: slo exclude remove {word} --why TEXT")
    return 0


@make(
    "remove",
    'slo exclude remove 12 --why "it was our fault"',
    'slo exclude remove schedule/3 --past --why "the window was never used"',
)
@click.argument("word", metavar="ID")
@click.option("--past", is_flag=True, help="Of a schedule: past occurrences count again too.")
@WHY
@WHO
@_PREVIEW
def remove_command(
    settings: Settings, word: str, why: str, who: str | None, *, past: bool, dry: bool
) -> int:
    """Remove exclusion ID, or schedule/ID with its occurrences to come.

    The numbers are then exactly what they would be without it. An occurrence that
    has begun stays out unless --past is given; its own ID removes it alone.
    """
    now = int(time.time())
    with asked(), open_store(settings) as engine:
        with reading(engine) as session:
            gone = removal(session, word, now, past=past)
            changes = preview(session, settings, now, removed=gone.exclusions)
        _print_changes(show.console(), changes)
        if dry:
            click.echo("Nothing was removed (--preview).")
            return 0
        with writing(engine) as session:
            remove(session, gone, who=user(who), why=why, now=now)
    number = len(gone.exclusions)
    more = "" if gone.schedule is None else f", with {number} occurrence{'s' * (number != 1)}"
    click.echo(f"Removed {word}{more}.")
    return 0


@make("list", "slo exclude list", "slo exclude list --scope checkout --occurrences --json")
@click.option("--scope", help="Only what covers any SLO of this service or SLO.")
@click.option("--occurrences", is_flag=True, help="Each occurrence of schedules, with its ID.")
@AS_JSON
def list_command(settings: Settings, scope: str | None, *, occurrences: bool, as_json: bool) -> int:
    """List the exclusions, and the schedules of those that come again.

    Removed ones are not listed.
    """
    now = int(time.time())
    with asked(), open_store(settings) as engine, reading(engine) as session:
        chosen = None
        if scope is not None:
            inside = ensure_scope(session, settings, scope)
            chosen = [one for one in known_ids(session, settings) if in_scope(inside, one)]
        body = listing_json(session, now, chosen, occurrences=occurrences)
    if as_json:
        click.echo(dumps(body))
        return 0
    out = show.console()
    if not body["exclusions"] and not body["schedules"]:
        out.print("Nothing is excluded.")
    if body["exclusions"]:
        out.print(
            _table(
                ("ID", "Scope", "From", "To", "Category", "Who", "Why"),
                map(_row, body["exclusions"]),
            )
        )
    if body["schedules"]:
        names = ("ID", "Scope", "Rule", "Start", "For", "Next", "Category", "Who", "Why")
        out.print(_table(names, map(_schedule_row, body["schedules"])))
    return 0


@click.group("exclude")
def command() -> None:
    """Take spans out of budgets, once or again and again."""


command.add_command(add_command)
command.add_command(list_command)
command.add_command(remove_command)


def _when(
    start: int | None,
    end: int | None,
    rrule: str | None,
    first: str | None,
    length: str | None,
    zone: str | None,
) -> Span | Recurrence:
    if rrule is None:
        if first or length or zone:
            raise click.UsageError("--start, --for and --zone go with --rrule")
        if start is None or end is None:
            raise click.UsageError(
                "say when: --from and --to, or --rrule, --start, --for and --zone"
            )
        return Span(start, end)
    if start is not None or end is not None:
        raise click.UsageError("--rrule goes with --start, --for and --zone, not with --from, --to")
    if first is None or length is None or zone is None:
        raise click.UsageError("--rrule goes with --start, --for and --zone; give all of them")
    try:
        return parse_recurrence(rrule, first, zone, parse_duration(length))
    except DurationError as error:
        raise RefusedError("for", str(error)) from None
    except RecurrenceError as error:
        raise RefusedError("rrule", str(error)) from None


def _headline(request: Wanted, now: int) -> str:
    """What is excluded, in a sentence."""
    scope = "every SLO" if request.scope == "*" else request.scope
    if request.recurrence is None:
        (span,) = request.spans
        return f"{scope}: {show.stretch(span.start, span.end)}"
    told = f"{scope}: {len(request.spans):,} occurrences in the next 400 days and before"
    coming = [rfc3339(span.start) for span in request.spans if span.start >= now][:3]
    return f"{told}; next {', '.join(coming)}" if coming else told


def _print_changes(out: Console, changes: Sequence[Change]) -> None:
    """What changes in each SLO; those with most bad events first."""
    if not changes:
        out.print("No ledger is concerned yet.")
        return
    ordered = sorted(changes, key=lambda c: -abs(c.taken.total - c.taken.good))
    names = ("SLO", "Taken out", "Good", "Bad", "Total", "Left", "State")
    out.print(_table(names, map(_change_row, ordered[:_SHOWN])))
    if len(ordered) > _SHOWN:
        out.print(f"and {len(ordered) - _SHOWN:,} more SLOs")


def _change_row(change: Change) -> tuple[str, ...]:
    taken = change.taken
    if len(change.spans) == 1:
        (span,) = change.spans
        spans = f"{rfc3339(span.start)} to {rfc3339(span.end)}"
    else:
        spans = f"{len(change.spans):,} spans"
    before, after = (show.percent(b.remaining, 2) for b in (change.before, change.after))
    states = dict.fromkeys((change.state_before, change.state_after))
    return (
        change.slo,
        spans,
        show.count(taken.good),
        show.count(taken.total - taken.good),
        show.count(taken.total),
        before if before == after else f"{before} -> {after}",
        " -> ".join(states),
    )


def _row(body: Mapping[str, Any]) -> tuple[str, ...]:
    came = "" if body["schedule"] is None else f" (schedule/{body['schedule']})"
    names = ("start", "end", "category", "who", "why")
    return (f"{body['id']}{came}", body["scope"], *(body[name] for name in names))


def _schedule_row(body: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        body["id"],
        body["scope"],
        body["rrule"],
        f"{body['start']} {body['zone']}",
        show.length(body["seconds"]),
        body["next"]["start"] if body["next"] else "-",
        *(body[name] for name in ("category", "who", "why")),
    )


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = show.columns(
        *names, right={"Good", "Bad", "Total"}, fold={"Scope", "Why", "SLO", "Rule"}
    )
    for row in rows:
        table.add_row(*map(Text, row))
    return table

"""`slo gate`: may a change go out now? Exit code 0 open, 1 closed, 2 unknown."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from slo import gate as gates
from slo.cli import show
from slo.cli.asking import AS_JSON, WHO, WHY, asked, until_option, user
from slo.cli.command import command as make
from slo.cli.gate_url import ask_url
from slo.cli.opening import open_store
from slo.config import ConfigError, load
from slo.domain.span import rfc3339
from slo.gate import UnknownGateError, decision_json, override_json
from slo.status import dumps
from slo.store import gate_overrides
from slo.store.engine import reading, writing
from slo.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from slo.config import Settings
    from slo.domain.gate import GateOverride

UNKNOWN = 2
CODES = {"open": 0, "closed": 1, "unknown": UNKNOWN}
TOKEN = "SLO_TOKEN"  # noqa: S105 -- the name of a variable.
_CHECK = "check"


class _GateGroup(click.Group):
    """A group whose `check` needs no name: `slo gate payments` checks the gate of payments."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `check` before arguments that begin with no subcommand."""
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [_CHECK, *args]
        return super().parse_args(ctx, args)


@make(
    _CHECK,
    "slo gate check payments",
    "slo gate payments/latency --json",
    "slo gate payments --url https://slo.example.com --token-file /run/secrets/slo",
    configured=False,
)
@click.argument("scope", metavar="SERVICE[/SLO]")
@AS_JSON
@click.option(
    "-v", "--verbose", is_flag=True, help="Tell about every SLO, not only what closes it."
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing unless it is unknown.")
@click.option(
    "--url",
    envvar="SLO_URL",
    show_envvar=True,
    help="Ask the service that runs there, not the store.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"File of an API token for --url.  [default: the variable {TOKEN}]",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default="slo.yaml",
    envvar="SLO_CONFIG",
    metavar="FILE",
    help="The file that declares the SLOs; not read with --url.",
    show_default=True,
    show_envvar=True,
)
def check_command(
    scope: str,
    url: str | None,
    token_file: Path | None,
    config: Path,
    *,
    as_json: bool,
    verbose: bool,
    quiet: bool,
) -> int:
    """Tell whether the error budget of SERVICE lets a change go out.

    The exit code is 0 for open, 1 for closed, and 2 for unknown: no such SLO, no answer,
    readings too old. What closes it is set by `gate` in slo.yaml.
    """
    try:
        found = _stored(scope, config) if url is None else ask_url(url, scope, _token(token_file))
    except ConfigError as error:
        return _unsure("\n".join(str(fault) for fault in error.faults))
    except (StoreError, UnknownGateError, OSError, ValueError) as error:
        return _unsure(str(error))
    if as_json:
        click.echo(dumps(found))
    elif found["state"] == "unknown" or not quiet:
        _tell(found, verbose=verbose)
    return CODES[found["state"]]


@make("open", 'slo gate open payments --until 2h --why "the fix of incident 12 goes out"')
@click.argument("scope", metavar="SERVICE[/SLO]")
@until_option(gates.LONGEST_HELD_DAYS)
@WHY
@WHO
def open_command(settings: Settings, scope: str, until: str, why: str, who: str | None) -> int:
    """Hold the gate of a service or an SLO open until a time.

    Whoever asks the gate sees who holds it open and why. It ends by itself.
    """
    with asked(), open_store(settings) as engine, writing(engine) as session:
        kept = gates.hold_open(
            session,
            settings,
            scope=scope,
            until=until,
            who=user(who),
            why=why,
            now=int(time.time()),
        )
    click.echo(f"The gate of {kept.scope} is held open until {rfc3339(kept.until)}.")
    click.echo(f"To end it early: slo gate release {kept.id} --why TEXT")
    return 0


@make("release", 'slo gate release 3 --why "the fix is out"')
@click.argument("override_id", metavar="ID", type=click.IntRange(1))
@click.option("--why", required=True, metavar="TEXT", help="The reason, kept in the audit.")
@WHO
def release_command(settings: Settings, override_id: int, why: str, who: str | None) -> int:
    """End override ID before its time.

    From now on the gate is judged again.
    """
    with asked(), open_store(settings) as engine, writing(engine) as session:
        ended = gates.release(session, override_id, who=user(who), why=why, now=int(time.time()))
    click.echo(f"The gate of {ended.scope} is no longer held open.")
    return 0


@make("list", "slo gate list", "slo gate list --all --json")
@click.option("--all", "every", is_flag=True, help="The newest 200, those that are over too.")
@AS_JSON
def list_command(settings: Settings, *, every: bool, as_json: bool) -> int:
    """List the gates that are held open now.

    With --all those that were as well.
    """
    with open_store(settings) as engine, reading(engine) as session:
        if every:
            found = gate_overrides.latest(session)
        else:
            found = gate_overrides.holding(session, time.time())
    if as_json:
        click.echo(dumps({"overrides": [override_json(one) for one in found]}))
    elif not found:
        click.echo("No gate is held open.")
    else:
        show.console().print(_table(found))
    return 0


@click.group("gate", cls=_GateGroup, no_args_is_help=True)
def command() -> None:
    """Tell whether a change may go out: 0 open, 1 closed, 2 unknown.

    `slo gate SERVICE` is `slo gate check SERVICE`.
    """


for _one in (check_command, open_command, release_command, list_command):
    command.add_command(_one)


def _stored(scope: str, config: Path) -> dict[str, Any]:
    settings = load(config, os.environ)
    now = time.time()
    with open_store(settings) as engine, reading(engine) as session:
        return decision_json(scope, gates.ask(session, settings, scope, now), now)


def _token(file: Path | None) -> str:
    return os.environ.get(TOKEN, "").strip() if file is None else file.read_text().strip()


def _unsure(text: str) -> int:
    """Nothing is known, which must not look open: told on stderr."""
    click.echo(f"unknown: {text}", err=True)
    return UNKNOWN


def _tell(found: dict[str, Any], *, verbose: bool) -> None:
    click.echo(f"{found['state']}: {found['gate']}")
    for reason in found["reasons"]:
        click.echo(f"  {reason}")
    for held in found["overrides"]:
        click.echo(
            f"  held open until {held['until']} by {held['who']}: {held['why']} ({held['scope']})"
        )
    if verbose:
        show.console().print(_slos(found["slos"]))


def _slos(found: Sequence[dict[str, Any]]) -> Table:
    names = ("  SLO", "Gate", "Budget left", "State", "Data", "Remarks")
    table = show.columns(*names, fold={"Remarks"})
    for one in found:
        remarks = [*one["notes"]]
        if one["override"] is not None:
            remarks += [*one["reasons"], "held open"]
        table.add_row(
            Text(f"  {one['slo']}"),
            one["state"] if one["counts"] else "left out",
            show.percent(one["budget_remaining"]),
            one["budget_state"] or "-",
            one["data"] or "-",
            Text("; ".join(remarks)),
        )
    return table


def _table(found: Sequence[GateOverride]) -> Table:
    names = ("ID", "Scope", "From", "Until", "Who", "Why")
    table = show.columns(*names, right={"ID"}, fold={"Scope", "Why"})
    for one in found:
        over = one.until if one.ended_at is None else min(one.until, one.ended_at)
        row = (one.scope, rfc3339(one.at), rfc3339(over), one.who, one.why)
        table.add_row(str(one.id), *(Text(cell) for cell in row))
    return table

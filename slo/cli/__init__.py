"""The command line. A command's module is imported only when the command is run.

So `slo --help` imports nothing but click and answers at once.
"""

from __future__ import annotations

import difflib
from importlib import import_module

import click

from slo import __version__

COMMANDS = {
    "demo": "Show it all: a service, its history, a Prometheus, and the ledger.",
    "serve": "Run the service: cycles, backfill, pages and API.",
    "validate": "Check slo.yaml, and with --online what Prometheus has of it.",
    "evaluate": "Run one cycle now.",
    "backfill": "Extend ledgers into the past.",
    "status": "Show every SLO's budget.",
    "explain": "Tell how an SLO's number came about.",
    "verify": "Count a past day again from Prometheus.",
    "alerts": "Show which alerts fire, and what fired before.",
    "replay": "Replay an alert policy over an SLO's past: what would have fired.",
    "incidents": "List, show, acknowledge, assign and resolve incidents.",
    "notify": "Test receivers, list what was sent, send again what died.",
    "silence": "Mute notifications until a time; the ledger goes on.",
    "annotate": "Mark deploys, changes of configuration and experiments on the timeline.",
    "gate": "Tell whether a change may go out: 0 open, 1 closed, 2 unknown.",
    "exclude": "Take spans out of budgets, once or again and again.",
    "correct": "Book late truth as a correction.",
    "postmortem": "Show, export, review and publish postmortems.",
    "report": "Report on a month, quarter, year or week: what was promised and kept.",
    "user": "Add users, change their roles and passwords, end their sessions.",
    "token": "Make, list and revoke API tokens, for programs.",
    "db": "Upgrade or back up the database.",
    "schema": "Print the JSON Schema of slo.yaml.",
}
"""Each command and what it does, in the order of `slo --help`; its module has its name."""


class _Commands(click.Group):
    """The commands of `COMMANDS`, imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature.
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            near = difflib.get_close_matches(cmd_name, COMMANDS, n=1)
            if near:
                ctx.fail(f"no such command {cmd_name!r}; did you mean {near[0]}?")
            return None
        found: click.Command = import_module(f"slo.cli.{cmd_name}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's signature.
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group("slo", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="slo")
def main() -> None:
    """SLO Ledger: exact SLOs and error budgets for services on Prometheus.

    slo.yaml declares the objectives; `slo serve` books what Prometheus scraped and
    shows the budgets. `slo COMMAND --help` tells about each command.
    """

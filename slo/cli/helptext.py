"""The page docs/cli.md: every command's help, as the commands themselves tell it.

`python -m slo.cli.helptext > docs/cli.md` writes it anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slo.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 80
_HEAD = """\
# The command line

What each command tells with `--help`. `python -m slo.cli.helptext` writes this page.

Results go to stdout; logs, faults and errors to stderr. Exit codes: 0 all is well;
1 something is not as it should be (a fault, a difference, no database); 2 the
arguments or slo.yaml are wrong, with every fault of the file on a line of its own.
"""


def page() -> str:
    """The page as Markdown."""
    parts = [
        f"## {path}\n\n```text\n{help_of(found, path, parent)}\n```\n"
        for path, found, parent in commands()
    ]
    return "\n".join([_HEAD, *parts])


def commands() -> Iterator[tuple[str, click.Command, click.Context | None]]:
    """Every command with its words (`slo db backup`) and its parent's context."""
    yield from _below(main, "slo", None)


def help_of(found: click.Command, path: str, parent: click.Context | None) -> str:
    """A command's help, 80 columns wide whatever the terminal is."""
    return _context(found, path, parent).get_help().rstrip()


def _below(
    found: click.Command, path: str, parent: click.Context | None
) -> Iterator[tuple[str, click.Command, click.Context | None]]:
    yield path, found, parent
    if isinstance(found, click.Group):
        context = _context(found, path, parent)
        for name in found.list_commands(context):
            inner = found.get_command(context, name)
            if inner is not None:
                yield from _below(inner, f"{path} {name}", context)


def _context(found: click.Command, path: str, parent: click.Context | None) -> click.Context:
    return click.Context(
        found,
        info_name=path.rpartition(" ")[2],
        parent=parent,
        terminal_width=WIDTH,
        help_option_names=["-h", "--help"],
    )


if __name__ == "__main__":
    click.echo(page(), nl=False)

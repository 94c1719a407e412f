"""What commands that change something share: who asks, and refusals as errors."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from slo.domain.refusal import RefusedError
from slo.sent import LONGEST_WHO, ensure_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    Command = TypeVar("Command", bound=Callable[..., object])

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, as the API gives it.")
WHO = click.option("--who", metavar="NAME", help="Who says so.  [default: the user who runs it]")
WHY = click.option("--why", required=True, metavar="TEXT", help="The reason, kept with it.")


def until_option(days: int) -> Callable[[Command], Command]:
    """`--until` of what ends by itself, at most so many days ahead."""
    return click.option(
        "--until",
        required=True,
        metavar="TIME",
        help=f"When it ends: a duration from now such as 2h, or a time; at most {days} days ahead.",
    )


def user(who: str | None) -> str:
    """The name that was given, else that of the user who runs the command."""
    with asked():
        return ensure_text("who", _runner() if who is None else who, LONGEST_WHO)


@contextmanager
def asked() -> Iterator[None]:
    """Turns a `RefusedError` of the block into an error that names the option or argument."""
    try:
        yield
    except RefusedError as error:
        raise click.UsageError(f"{_word(error.field)}: {error}") from None


def _runner() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # A container may run as a user whom it does not know.
        raise click.UsageError("the user who runs this has no name; say --who NAME") from None


def _word(field: str) -> str:
    """How the running command calls a field: `SCOPE` where it is an argument, or `--scope`."""
    for param in click.get_current_context().command.params:
        if isinstance(param, click.Argument):
            if field in {param.name, param.human_readable_name.lower()}:
                return field.upper()
        elif param.name == field or f"--{field}" in param.opts:
            return param.opts[0]
    return field

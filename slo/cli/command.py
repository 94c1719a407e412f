"""What all commands share: examples in their help, --config, logging, errors as sentences."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slo.cli.logs import FORMATS, LEVELS, set_up_logs
from slo.config import ConfigError, load
from slo.prometheus.errors import SourceError
from slo.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FAULTS = 1
"""The exit code when something is not as it should be."""
BAD_INPUT = 2
"""The exit code for a bad slo.yaml or bad arguments; click's own."""


class ExampleCommand(click.Command):
    """A command whose help ends with examples, shown as they are."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's signature.
        """Write the examples as they are, unwrapped."""
        if self.examples:
            with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def command(
    name: str, *examples: str, level: str = "error", configured: bool = True
) -> Callable[[Callable[..., int]], ExampleCommand]:
    """A decorator that makes a command of a function whose result is the exit code.

    A `configured` command takes --config and the options of logs, and its function
    gets the settings first; `level` is where its logs begin by default.
    """

    def decorate(run: Callable[..., int]) -> ExampleCommand:
        @wraps(run)
        def whole(**options: Any) -> None:
            with clear_errors():
                if configured:
                    set_up_logs(options.pop("log_level"), options.pop("log_format"))
                    code = run(load(options.pop("config"), os.environ), **options)
                else:
                    code = run(**options)
            click.get_current_context().exit(code)

        made = click.command(name, cls=ExampleCommand, examples=examples)(whole)
        if configured:
            made.params += _shared(level)
        return made

    return decorate


@contextmanager
def clear_errors() -> Iterator[None]:
    """Faults of slo.yaml go to stderr line by line, errors of stores and sources as a sentence."""
    try:
        yield
    except ConfigError as error:
        for fault in error.faults:
            click.echo(str(fault), err=True)
        raise click.exceptions.Exit(BAD_INPUT) from None
    except (StoreError, SourceError) as error:
        raise click.ClickException(str(error)) from None


def _shared(level: str) -> list[click.Parameter]:
    return [
        click.Option(
            ["--config"],
            type=click.Path(path_type=Path),
            default="slo.yaml",
            envvar="SLO_CONFIG",
            metavar="FILE",
            help="The file that declares the SLOs.",
            show_default=True,
            show_envvar=True,
        ),
        click.Option(
            ["--log-level"],
            type=click.Choice(LEVELS),
            default=level,
            envvar="SLO_LOG_LEVEL",
            help="The least that is logged, to stderr.",
            show_default=True,
            show_envvar=True,
        ),
        click.Option(
            ["--log-format"],
            type=click.Choice(FORMATS),
            default="text",
            envvar="SLO_LOG_FORMAT",
            help="Logs as lines of text or of JSON.",
            show_default=True,
            show_envvar=True,
        ),
    ]

"""`slo demo`: all of it, on one machine, at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from slo.cli.command import command as make
from slo.demo import DemoOptions, Fault, run

if TYPE_CHECKING:
    from collections.abc import Callable

_DEFAULT = DemoOptions()


def _port(name: str, default: int, of: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    text = f"The first port to try for {of}."
    kind = click.IntRange(1, 65535)
    return click.option(name, type=kind, default=default, show_default=True, help=text)


@make("demo", "slo demo", "slo demo --fault errors --folder /tmp/slo-demo", configured=False)
@click.option(
    "--fault",
    type=click.Choice(get_args(Fault)),
    help="Break the service from the start; keys switch faults while it runs.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=_DEFAULT.folder,
    show_default=True,
    help="Where all of the demo's data goes.",
)
@_port("--port", _DEFAULT.port, "the page")
@_port("--prometheus-port", _DEFAULT.prometheus_port, "Prometheus")
@_port("--model-port", _DEFAULT.model_port, "the service's metrics")
@_port("--sink-port", _DEFAULT.sink_port, "the receiver of its pages")
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=_DEFAULT.days,
    show_default=True,
    help="Days of history.",
)
@click.option(
    "--seed",
    type=int,
    default=_DEFAULT.seed,
    show_default=True,
    help="Another number makes another history.",
)
def command(
    folder: Path,
    fault: Fault | None,
    port: int,
    prometheus_port: int,
    model_port: int,
    sink_port: int,
    days: int,
    seed: int,
) -> int:
    """Show it all: a fraud-model service, its history, a Prometheus, and SLO Ledger.

    A fault opens an incident within two minutes and pages a receiver of the demo's
    own, which prints what it gets. A few minutes after its end the incident
    resolves, and the draft of a postmortem is there to be edited.

    Everything lives in one folder. Ports that are taken are passed over. Ctrl-C
    ends all that it started and nothing else; started again on the same day, it
    goes on with the same data.
    """
    return run(DemoOptions(folder, fault, port, prometheus_port, model_port, days, seed, sink_port))

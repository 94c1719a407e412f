"""`slo demo`: a service to watch, its history, a Prometheus, and SLO Ledger, in one folder."""

from __future__ import annotations

import secrets
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from slo.demo.binaries import BinariesError, ensure_prometheus
from slo.demo.folder import DemoFolder, FolderError
from slo.demo.history import write_history
from slo.demo.processes import (
    Child,
    ProcessError,
    Prometheus,
    create_blocks,
    free_port,
    wait_until_answers,
)
from slo.demo.sink import Sink
from slo.demo.terminal import Interrupts, Keys

if TYPE_CHECKING:
    from slo.demo.binaries import Binaries
    from slo.demo.options import DemoOptions
    from slo.demo.traffic import Fault

KEYS: dict[str, Fault] = {"e": "errors", "l": "latency", "a": "accuracy", "o": "outage"}
HELP = "Keys: e errors, l latency, a accuracy, o outage (again: off), h healthy, Ctrl-C ends."


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that are used."""

    web: int
    prometheus: int
    model: int
    sink: int


def run(options: DemoOptions) -> int:
    """Run the demo; see `slo.demo.run`."""
    children: list[Child] = []
    interrupts = Interrupts()
    try:
        with DemoFolder(options.folder) as folder:
            try:
                with interrupts:
                    _run(options, folder, children, interrupts)
            except KeyboardInterrupt:
                click.echo("\nEnding.")
            finally:
                for child in reversed(children):
                    child.stop()
                folder.children.unlink(missing_ok=True)
    except (BinariesError, FolderError, ProcessError) as error:
        click.echo(f"slo demo: {error}", err=True)
        return 1
    finally:
        interrupts.restore()
    click.echo(f"All that the demo started has ended. Its data stays in {folder.path}")
    return 0


def _run(
    options: DemoOptions, folder: DemoFolder, children: list[Child], interrupts: Interrupts
) -> None:
    begun = time.monotonic()
    click.echo(f"The demo's data is in {folder.path}")
    for name in folder.end_leftovers():
        click.echo(f"{name} was still running here after a demo that was killed; ended it")
    binaries = ensure_prometheus(folder.binaries)
    ports = _choose_ports(options)
    _ensure_history(options, folder, binaries)

    model_url, site = f"http://127.0.0.1:{ports.model}", f"http://127.0.0.1:{ports.web}"
    model = _model(options, folder, ports.model)
    prometheus = Prometheus(
        binaries.prometheus,
        folder.prometheus,
        ports.prometheus,
        config=folder.scrape_config(ports.model),
        log=folder.logs / "prometheus.log",
    )
    serve = _serve(folder, ports.web)

    def start(child: Child, answers: str) -> None:
        children.append(child)
        with interrupts.held():
            child.start()
            folder.note_children(children)
        wait_until_answers(child, answers, timeout=60.0)

    with Sink(ports.sink, secrets.token_urlsafe(24), lambda m: click.echo(m.line())) as sink:
        folder.write_config(prometheus=prometheus.url, site=site, sink=sink.url, secret=sink.secret)
        start(model, f"{model_url}/faults")
        prometheus.write_config()
        start(prometheus.child, prometheus.ready_url)
        start(serve, f"{site}/healthz")

        click.echo(f"Prometheus   {prometheus.url}")
        click.echo(f"the model    {model_url}/metrics")
        click.echo(f"the receiver {sink.url} shows each page and ticket; so does this terminal")
        click.echo(f"SLO Ledger   {site}")
        click.echo(f"Up after {time.monotonic() - begun:.0f} s; the past fills in by itself.")
        _watch(children, model_url, frozenset({options.fault} if options.fault else ()))


def _watch(children: list[Child], model_url: str, faults: frozenset[Fault]) -> None:
    """Switch faults by key until a signal comes; a child that ends is an error."""
    with Keys() as keys:
        if keys.available:
            click.echo(HELP)
        if faults:
            click.echo(f"Fault: {', '.join(sorted(faults))}")
        while True:
            key = keys.wait(0.5)
            for child in children:
                child.ensure_alive()
            if key == "h":
                faults = frozenset()
            elif key in KEYS:
                faults ^= {KEYS[key]}
            else:
                continue
            switch_faults(model_url, faults)
            click.echo(f"Fault: {', '.join(sorted(faults)) or 'none'}")
            if not faults:
                click.echo("What burned resolves a few minutes after it has ended.")


def switch_faults(model_url: str, faults: frozenset[Fault]) -> None:
    """Let just these faults be on in the model at `model_url`."""
    request = urllib.request.Request(  # noqa: S310 -- our own child, http
        f"{model_url}/faults", data=",".join(sorted(faults)).encode(), method="PUT"
    )
    try:
        with urllib.request.urlopen(request, timeout=5):  # noqa: S310 -- our own child, http
            return
    except (OSError, urllib.error.URLError) as error:
        raise ProcessError(f"the model did not take the fault: {error}") from None


def _choose_ports(options: DemoOptions) -> Ports:
    chosen: list[int] = []
    for what, wanted in (
        ("the page", options.port),
        ("Prometheus", options.prometheus_port),
        ("the model", options.model_port),
        ("the receiver", options.sink_port),
    ):
        port = free_port(wanted, apart_from=frozenset(chosen))
        if port != wanted:
            click.echo(f"Port {wanted} is taken; {what} uses {port}")
        chosen.append(port)
    return Ports(*chosen)


def _ensure_history(options: DemoOptions, folder: DemoFolder, binaries: Binaries) -> None:
    """Load the history into Prometheus's folder, unless today's is there."""
    if folder.reusable(days=options.days, seed=options.seed):
        click.echo("Going on with today's history and ledger")
        return
    click.echo(f"Writing {options.days} day{'s' * (options.days != 1)} of history")
    folder.clear()
    # Up to now: an empty head takes over where the blocks end.
    write_history(folder.history, end=int(time.time()), days=options.days, seed=options.seed)
    create_blocks(binaries.promtool, folder.history, folder.prometheus / "data")
    folder.history.unlink()
    folder.mark_complete(days=options.days, seed=options.seed)


def _model(options: DemoOptions, folder: DemoFolder, port: int) -> Child:
    argv = [sys.executable, "-m", "slo.demo.model", f"--port={port}", f"--seed={options.seed}"]
    if options.fault:
        argv.append(f"--faults={options.fault}")
    return Child(
        "The model",
        argv,
        folder.logs / "model.log",
        # The process's start tells resets; a `_created` for each would double the series.
        env={"PROMETHEUS_DISABLE_CREATED_SERIES": "true"},
    )


def _serve(folder: DemoFolder, port: int) -> Child:
    argv = [sys.executable, "-m", "slo.cli", "serve", "--config", str(folder.config)]
    return Child(
        "SLO Ledger",
        [*argv, "--host", "127.0.0.1", "--port", str(port)],
        folder.logs / "slo.log",
    )

"""`slo validate`: slo.yaml checked, and with --online what Prometheus has of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
from rich.padding import Padding
from rich.text import Text

from slo.checks import check
from slo.cli import show
from slo.cli.command import FAULTS
from slo.cli.command import command as make
from slo.cli.validated_alerts import alert_groups
from slo.context import open_context
from slo.domain.indicator import FirstOf
from slo.domain.objective import format_percent
from slo.domain.wording import indicator_text
from slo.store.engine import open_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from slo.checks import Check
    from slo.config import Settings
    from slo.domain.slo import SLO
    from slo.findings import Grade

_STYLES: dict[Grade, str] = {"ok": "green", "warning": "yellow", "error": "bold red"}


@make("validate", "slo validate", "slo validate --online --config prod.yaml")
@click.option(
    "--online",
    is_flag=True,
    help="Ask each Prometheus too, and print the value that each SLO has now.",
)
def command(settings: Settings, *, online: bool) -> int:
    """Check slo.yaml: print what it declares, its alerts, what was filled in, and warnings.

    Of each burn-rate alert it prints the share of the error budget that a burn at
    its factor spends over its long window.

    Faults are printed all at once, each with its line and column and what would
    be right; the exit code is 2 then. With --online each selector must have
    matched within a day, each threshold be a bucket's bound, each counter be one;
    the value is counted over the last hour, and nothing is booked. The exit code
    is 1 if something does not match.
    """
    out = show.console()
    services = dict.fromkeys(slo.service for slo in settings.slos)
    out.print(
        f"Valid: {_counted(len(services), 'service')}, {_counted(len(settings.slos), 'SLO')},"
        f" {_counted(len(settings.sources), 'source')}"
    )
    for service in services:
        out.print()
        _print_service(out, service, settings.of_service(service))
    _print_alerts(out, settings.slos)
    _print_list(out, "Filled in", settings.defaults)
    _print_list(out, "Warnings", settings.warnings)
    if not online:
        return 0
    # A context has a store, which connects only when it is used: here it is not.
    with open_context(settings, open_engine(settings.database_url)) as context:
        checks = check(context, settings.slos, time.time())
    for one in checks:
        _print_check(out, one)
    failed = [one.slo.id for one in checks if one.failed]
    out.print()
    if failed:
        out.print(f"{_counted(len(failed), 'SLO')} of {len(checks)} cannot be counted as declared")
        return FAULTS
    out.print("Prometheus has all of it.")
    return 0


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _print_service(out: Console, service: str, slos: Sequence[SLO]) -> None:
    owner = f" ({slos[0].owner})" if slos[0].owner else ""
    out.print(Text(service, "bold") + Text(owner))
    names = max(len(slo.name) for slo in slos)
    promises = [f"{format_percent(slo.objective)} over {slo.window.label()}" for slo in slos]
    longest = max(map(len, promises))
    for slo, promise in zip(slos, promises, strict=True):
        line = Text(f"{slo.name:<{names}}  {promise:<{longest}}  {_counts(slo)}")
        out.print(Padding(line, (0, 0, 0, 2), expand=False))


def _counts(slo: SLO) -> str:
    if isinstance(slo.indicator, FirstOf):
        alternatives = slo.indicator.alternatives
        text = indicator_text(alternatives[0], slo.bucket)
        return f"{text}, or the first there is of {len(alternatives) - 1} more"
    return indicator_text(slo.indicator, slo.bucket)


def _print_alerts(out: Console, slos: Sequence[SLO]) -> None:
    out.print()
    out.print(Text("Alerts", "bold"))
    for group in alert_groups(slos):
        out.print(Padding(Text(group.title), (0, 0, 0, 2), expand=False))
        for line in group.lines:
            out.print(Padding(Text(line), (0, 0, 0, 4), expand=False))
        for sentence in group.dropped:
            out.print(Padding(Text(f"note: {sentence}", "yellow"), (0, 0, 0, 4), expand=False))


def _print_list(out: Console, title: str, sentences: Sequence[str]) -> None:
    if sentences:
        out.print()
        out.print(Text(title, "bold"))
        for sentence in sentences:
            out.print(Padding(Text(sentence), (0, 0, 0, 2), expand=False))


def _print_check(out: Console, one: Check) -> None:
    out.print()
    out.print(Text(f"{one.slo.id}  (source {one.slo.source})", "bold"))
    for finding in one.findings:
        grade = Text(f"{finding.grade:<8}", _STYLES[finding.grade])
        out.print(Padding(grade + Text(finding.text), (0, 0, 0, 2), expand=False))
    if one.value is None or one.span is None:
        return
    value, hours = one.value, show.length(one.span.seconds)
    sli = show.sli(value.sli, one.slo.objective)
    text = (
        f"no events in the last {hours}"
        if value.sli is None
        else f"{sli} over the last {hours}: {show.count(value.bad)} bad of"
        f" {show.count(value.total)}, {show.percent(value.covered / one.span.seconds)} covered"
    )
    out.print(Text(f"  {'now':<8}{text}"))

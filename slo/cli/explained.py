"""An explanation as a page of text, section by section."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from slo.cli import show
from slo.domain.indicator import Events, FirstOf, Freshness, Latency, Mean, Query, Slices
from slo.domain.ledger import difference
from slo.domain.meter import fingerprint
from slo.domain.objective import format_percent
from slo.domain.reads import bound_of
from slo.domain.span import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType
    from rich.table import Table

    from slo.domain.indicator import Indicator
    from slo.domain.meter import Meter
    from slo.explain import Explanation

_NONE = "none"


def print_explanation(found: Explanation) -> None:
    """Print all sections to stdout."""
    out = show.console()
    standing = found.standing
    out.print(
        Text(f"{standing.slo}  ", "bold")
        + Text(f"{show.icon(standing.state)} {standing.state}", show.STYLES[standing.state])
        + Text(
            f"  {show.percent(standing.budget.remaining, 2)} of the budget left"
            f" at {rfc3339(standing.at)}, data {standing.data}"
        )
    )
    for title, body in _sections(found):
        out.print()
        out.print(Text(title, "bold"))
        for line in body:
            _indented(out, line)


def _indented(out: Console, line: RenderableType) -> None:
    # Not expanded: a pipe's lines would be filled to their whole width.
    text = Text(line) if isinstance(line, str) else line
    out.print(Padding(text, (0, 0, 0, 2), expand=False))


def _sections(found: Explanation) -> Iterator[tuple[str, list[RenderableType]]]:
    window = found.standing.window
    yield "Definition", [_table(_definition(found))]
    title = f"Window  {show.stretch(window.start, window.end)}"
    empty = found.meter.booked_to is None
    yield title, ["nothing is booked yet; see Notes and Meters" if empty else _subtraction(found)]
    yield "Budget", [_table(_budget(found))]
    yield "Burn rates", [_burns(found)]
    yield (
        "What a cycle asks of Prometheus",
        [f"{r.query}   ({r.how})" for r in found.requests]
        or ["nothing: it is not settled yet what is counted; see Notes"],
    )
    yield _worst(found)
    yield (
        "Corrections in the window",
        [
            f"{rfc3339(c.end)}  good {show.signed(c.good)}, total {show.signed(c.total)}"
            f"  {c.who}, {rfc3339(c.at)}: {c.why}"
            for c in found.corrections
        ]
        or [_NONE],
    )
    yield (
        "Exclusions in the window",
        [
            f"{show.stretch(x.span.start, x.span.end)}  {x.scope}  {x.category}, {x.who}: {x.why}"
            for x in found.exclusions
        ]
        or [_NONE],
    )
    yield (
        "Notes",
        [
            f"{n.kind}: {n.text}"
            + ("" if n.amount is None else f" ({show.amount(n.amount)} events)")
            for n in found.notes
        ]
        or [_NONE],
    )
    yield (
        "Revisions",
        [
            f"{rfc3339(r.since)}  {format_percent(r.objective)} over {r.window.label()}"
            + (f", owner {r.owner}" if r.owner else "")
            for r in found.revisions
        ]
        or [_NONE],
    )
    yield "Meters", [_meter(m, m.id == found.meter.id) for m in found.meters] or [_NONE]


def _definition(found: Explanation) -> list[tuple[str, str]]:
    slo = found.slo
    rows = [
        ("objective", f"{format_percent(slo.objective)} over {slo.window.label()}"),
        ("counts", f"{found.standing.indicator_text} ({found.indicator.kind})"),
        *indicator_rows(found.indicator),
        *_unsettled(found),
        ("source", f"{slo.source}, in buckets of {show.length(found.meter.bucket)}"),
    ]
    texts = (("owner", slo.owner), ("runbook", slo.runbook), ("about", slo.description))
    return rows + [(name, text) for name, text in texts if text]


def _unsettled(found: Explanation) -> Iterator[tuple[str, str]]:
    """Where slo.yaml declares something other than what is shown."""
    declared = found.slo.indicator
    if not found.meter.fingerprint:
        if isinstance(declared, FirstOf):
            yield "or", f"the first there is of {len(declared.alternatives) - 1} more"
    elif found.meter.fingerprint != fingerprint(found.slo):
        yield "but", "slo.yaml now counts something else; this meter ran before"


def indicator_rows(indicator: Indicator) -> list[tuple[str, str]]:
    """What an indicator reads, as names and PromQL."""
    match indicator:
        case Events() | Query():
            parts = (("total", indicator.total), ("good", indicator.good), ("bad", indicator.bad))
            return [(name, str(part)) for name, part in parts if part is not None]
        case Latency(histogram=histogram):
            bound = f"{bound_of(indicator):f} {indicator.unit}"
            return [("histogram", str(histogram)), ("good", f"the bucket up to {bound}")]
        case Mean(summary=summary, threshold=threshold):
            bound = f"{threshold.total_seconds():g} s"
            return [("summary", str(summary)), ("good", f"slices with a mean up to {bound}")]
        case Slices(query=query, at_least=at_least, at_most=at_most):
            side = f"at least {at_least}" if at_least is not None else f"at most {at_most}"
            return [("query", query), ("good", f"slices with {side}")]
        case Freshness(timestamp=timestamp, max_age=max_age):
            age = show.length(max_age.total_seconds())
            return [("timestamp", timestamp), ("good", f"slices with an age up to {age}")]


def _subtraction(found: Explanation) -> Table:
    """Readings and their differences, corrections, and the sum."""
    table = _figures("", "good", "total", "covered")
    for piece in found.pieces:
        if piece.first is None or piece.last is None:
            continue
        for sign, one in (("", piece.last), ("- ", piece.first)):
            numbers = (show.count(one.good), show.count(one.total), show.length_exact(one.covered))
            table.add_row(f"{sign}reading at {rfc3339(one.end)}", *numbers)
        held = difference(piece.first, piece.last)
        table.add_row(
            "= booked",
            show.count(held.good),
            show.count(held.total),
            show.length_exact(held.covered),
            style="bold",
        )
    for c in found.corrections:
        table.add_row(
            f"+ correction at {rfc3339(c.end)}", show.signed(c.good), show.signed(c.total), ""
        )
    standing = found.standing
    table.add_row("= events", show.count(standing.good), show.count(standing.total), "")
    good, total = show.count(standing.good), show.count(standing.total)
    table.add_row(f"bad = {total} - {good}", "", show.count(standing.bad), "")
    return table


def _budget(found: Explanation) -> list[tuple[str, str]]:
    standing, share = found.standing, 1 - found.standing.objective
    budget, bad = standing.budget, show.count(standing.bad)
    allowed = show.amount(budget.allowed)
    events = show.count(standing.total)
    if budget.projected:
        expected = budget.allowed / float(share) - standing.total
        events = f"({events} + {show.count(round(expected))} expected)"
    spent, left = "no events, so nothing to divide", ""
    if budget.remaining is not None:
        spent = f"1 - {bad} / {allowed} = {show.percent(budget.remaining, 2)}"
    if standing.sli is not None:
        left = f"1 - {bad} / {show.count(standing.total)} = "
    rows = [
        ("SLI", f"{left}{show.sli(standing.sli, standing.objective)}"),
        ("allowed", f"(1 - {standing.objective}) x {events} = {allowed} bad events"),
        ("spent", f"{bad} bad events"),
        ("remaining", spent),
    ]
    if budget.projected:
        rows.append(("projected", "the window is not full yet; the rest is expected to go alike"))
    rows += [
        (
            f"at {forecast.basis} burn",
            _outlook(budget.remaining, forecast.exhausted_at),
        )
        for forecast in standing.forecasts
    ]
    coverage = show.percent(standing.coverage, 2)
    return [*rows, ("coverage", f"{coverage} of the time that the ledger covers in the window")]


def _outlook(remaining: float | None, gone: int | None) -> str:
    if remaining is None:
        return "no events"
    return "stays within the budget" if gone is None else f"spent by {rfc3339(gone)}"


def _burns(found: Explanation) -> Table:
    table = _figures("span", "bad", "total", "burn rate", "from reading", "to reading")
    for burn in found.burns:
        first = next((p.first for p in burn.pieces if p.first is not None), None)
        last = next((p.last for p in reversed(burn.pieces) if p.last is not None), None)
        table.add_row(
            burn.name,
            show.count(burn.events.bad),
            show.count(burn.events.total),
            show.burn(burn.rate),
            "" if first is None else rfc3339(first.end),
            "" if last is None else rfc3339(last.end),
        )
    return table


def _worst(found: Explanation) -> tuple[str, list[RenderableType]]:
    if found.worst is None:
        return "Contributors of the worst hour", ["no bad event with labels in the window"]
    table = _figures("bad", "total", "labels")
    table.columns[-1].justify = "left"
    table.columns[0].justify = "right"
    for c in found.worst.contributors:
        table.add_row(show.count(c.bad), show.count(c.total), Text(_labels(c.labels)))
    return f"Contributors of the worst hour, from {rfc3339(found.worst.start)}", [table]


def _labels(text: str) -> str:
    if not text.startswith("{"):
        return text
    pairs = json.loads(text).items()
    return ", ".join(f"{name}={value}" for name, value in pairs) or "(no labels)"


def _meter(meter: Meter, explained: bool) -> str:
    held = "nothing booked"
    if meter.booked_from is not None and meter.booked_to is not None:
        held = show.stretch(meter.booked_from, meter.booked_to)
    mark = "this one" if explained else "another definition"
    kind = json.loads(meter.indicator)["kind"]
    return f"{meter.fingerprint[:8]}  {kind}  {held}  ({mark})"


def _table(rows: list[tuple[str, str]]) -> Table:
    table = show.columns("name", "text", fold={"text"})
    table.show_header = False
    for name, text in rows:
        table.add_row(name, Text(text))
    return table


def _figures(first: str, *others: str) -> Table:
    table = show.columns(first, *others, right=others, fold={"labels"})
    table.header_style = "dim"
    return table

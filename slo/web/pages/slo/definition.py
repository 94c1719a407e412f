"""What an SLO is: as slo.yaml declares it, its revisions and meters, and the PromQL it asks."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from slo.config.written import written
from slo.domain.duration import format_duration
from slo.domain.meter import indicator_from_json
from slo.domain.span import rfc3339
from slo.prometheus.errors import shown
from slo.web import format as fmt
from slo.web.links import web_link
from slo.web.windows import window_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slo.domain.indicator import Indicator
    from slo.domain.meter import Meter
    from slo.domain.slo import SLO
    from slo.domain.source import Source
    from slo.domain.standing import Standing
    from slo.explain import Request
    from slo.store.slos import Revision


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that a cycle asks, and where Prometheus shows its answer; empty: nowhere."""

    query: str
    how: str
    url: str


@dataclass(frozen=True, slots=True)
class Change:
    """One revision: since when, and what it changed of the one before."""

    since: int
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeterRow:
    """One meter: which, what it counts and the stretch of its ledger."""

    name: str
    kind: str
    held: str
    running: bool
    counts: str
    query: str


def as_yaml(slo: SLO, meter: Meter) -> str:
    """The SLO as slo.yaml has it, with the indicator that its meter counts."""
    return written(slo, indicator_from_json(meter.indicator))


def graph_url(source: Source | None, query: str) -> str:
    """Where the source's own page shows a query; without the credentials that its URL may hold."""
    base = "" if source is None or not source.urls else web_link(shown(source.urls[0]))
    if not base:
        return ""
    table = "1" if query.rstrip().endswith("]") else "0"
    fields = {"g0.expr": query, "g0.tab": table, "g0.range_input": "6h"}
    return f"{base}/graph?{urlencode(fields)}"


def questions(requests: Iterable[Request], source: Source | None) -> list[Asked]:
    """What a cycle asks for the SLO, each with its link."""
    return [Asked(r.query, r.how, graph_url(source, r.query)) for r in requests]


def changes(revisions: Sequence[Revision]) -> list[Change]:
    """The revisions, newest first, each by what it changed."""
    if not revisions:
        return []
    found = [Change(revisions[0].since, _first(revisions[0]))]
    found += [Change(after.since, _changed(before, after)) for before, after in pairwise(revisions)]
    return found[::-1]


def meter_rows(meters: Iterable[Meter], running: Meter) -> list[MeterRow]:
    """All meters that ever ran, newest first."""
    rows = []
    for meter in meters:
        held = "nothing booked"
        if meter.booked_from is not None and meter.booked_to is not None:
            held = f"{fmt.day_of_year(meter.booked_from)} to {fmt.day_of_year(meter.booked_to)}"
        indicator = indicator_from_json(meter.indicator)
        rows.append(
            MeterRow(
                meter.fingerprint[:8],
                indicator.kind,
                held,
                meter.id == running.id,
                ", ".join(f"{name} {text}" for name, text in indicator_pairs(indicator)),
                _read_at(meter),
            )
        )
    return rows[::-1]


def _read_at(meter: Meter) -> str:
    """The query of the page that draws the meter's ledger; empty while there is none."""
    if meter.booked_from is None or meter.booked_to is None:
        return ""
    fields = {"meter": meter.id, "from": rfc3339(meter.booked_from), "to": rfc3339(meter.booked_to)}
    return urlencode(fields)


def _first(revision: Revision) -> tuple[str, ...]:
    return (f"{fmt.objective(revision.objective)} over {revision.window.label()}",)


def _changed(before: Revision, after: Revision) -> tuple[str, ...]:
    told = []
    if before.objective != after.objective:
        pair = (fmt.objective(before.objective), fmt.objective(after.objective))
        told.append(f"objective from {pair[0]} to {pair[1]}")
    if before.window != after.window:
        told.append(f"window from {before.window.label()} to {after.window.label()}")
    for name in ("owner", "description", "runbook"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            told.append(f"{name} from {old or 'none'} to {new or 'none'}")
    if before.labels != after.labels:
        told.append(f"labels to {', '.join(f'{k}={v}' for k, v in after.labels) or 'none'}")
    return tuple(told)


def promise(standing: Standing) -> str:
    """What is promised, in a sentence: `99 % of requests under 200 ms, over a rolling 30 d`."""
    over = "a rolling" if standing.window_kind == "rolling" else "the calendar"
    share = fmt.objective(standing.objective)
    return f"{share} of {standing.indicator_text}, over {over} {window_name(standing)}"


def pairs_of(standing: Standing, meter: Meter | None) -> list[tuple[str, str]]:
    """What is counted and judged, as pairs of name and text."""
    pairs = [
        ("SLO", standing.slo),
        ("Objective", fmt.objective(standing.objective)),
        ("Window", f"{standing.window_kind}, {window_name(standing)}"),
        ("Indicator", standing.indicator + (" (estimated)" if standing.estimated else "")),
    ]
    if meter is not None:
        pairs += indicator_pairs(indicator_from_json(meter.indicator))
        pairs.append(("Bucket", fmt.span(meter.bucket)))
        if meter.booked_from is not None and meter.booked_to is not None:
            booked = f"{fmt.stamp(meter.booked_from)} to {fmt.stamp(meter.booked_to)} UTC"
            pairs.append(("Ledger", booked))
    pairs += [(f"Label {name}", value) for name, value in standing.labels]
    return pairs


def indicator_pairs(indicator: Indicator) -> list[tuple[str, str]]:
    """What an indicator was given, as slo.yaml names it; what it was not given is left out."""
    values = ((f.name, getattr(indicator, f.name)) for f in dataclasses.fields(indicator))
    return [
        (name.replace("_", " "), _spoken(value))
        for name, value in values
        if name != "kind" and value is not None and value is not False
    ]


def _spoken(value: object) -> str:
    if isinstance(value, timedelta):
        return re.sub(r"(\d)([a-z]+)", rf"\1{fmt.SPACE}\2 ", format_duration(value)).strip()
    return str(value)

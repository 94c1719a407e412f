"""Checks of definitions against their sources: is it there, is it what it should be."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slo.domain.indicator import Events, FirstOf, Freshness, Latency, Mean, Query, Slices
from slo.domain.meter import Meter, fingerprint, indicator_json
from slo.domain.span import Span, bucket_floor
from slo.findings import Asker, Finding
from slo.horizon import horizon_of
from slo.prometheus.collector import collect
from slo.prometheus.errors import SourceError
from slo.prometheus.job import Job
from slo.prometheus.resolve import Resolved, resolve
from slo.verify import tally_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slo.context import Context
    from slo.domain.indicator import Indicator
    from slo.domain.ledger import Tally
    from slo.domain.slo import SLO
    from slo.horizon import Horizon
    from slo.prometheus.job import Fault

__all__ = ["Check", "Finding", "check"]

HOUR = 3600
PATIENCE = 120.0
"""Seconds that counting the last hour of all SLOs of a source may take."""
_MOST = 8
"""Names that are guessed at most."""
_METRIC_KEYS = {"availability": "requests", "latency": "latency", "accuracy": "accuracy"}
"""The key of `metrics:` that names the metric of each SLO of the short form."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a source has of one SLO, and the SLO's value over the last hour."""

    slo: SLO
    indicator: Indicator | FirstOf
    """What it comes to; the first-of as declared where nothing is there."""
    findings: tuple[Finding, ...]
    span: Span | None = None
    value: Tally | None = None
    """Counted, not booked; None where something is wrong."""

    @property
    def failed(self) -> bool:
        """Whether something does not match."""
        return any(finding.grade == "error" for finding in self.findings)


def check(context: Context, slos: Sequence[SLO], now: float) -> list[Check]:
    """The check of each SLO, in their order; books nothing."""
    by_source: dict[str, list[SLO]] = defaultdict(list)
    for slo in slos:
        by_source[slo.source].append(slo)
    done: dict[str, Check] = {}
    for source, some in by_source.items():
        done |= _check_source(context, source, some, now)
    return [done[slo.id] for slo in slos]


def _check_source(
    context: Context, source: str, slos: Sequence[SLO], now: float
) -> dict[str, Check]:
    try:
        horizon = horizon_of(context.clients[source], context.source(source), now)
    except SourceError as error:
        finding = Finding("error", str(error))
        return {slo.id: Check(slo, slo.indicator, (finding,)) for slo in slos}
    # Up to the source's now, not less its lag: a series may have come up just now.
    asker = Asker(context.clients[source], horizon.head.now)
    short = _short_form(context)
    checks = [_remedied(_check_one(asker, slo), slo.id in short) for slo in slos]
    return {c.slo.id: c for c in _with_values(context, source, checks, horizon)}


def _check_one(asker: Asker, slo: SLO) -> Check:
    try:
        resolved = resolve(asker.client, slo, asker.at)
        if isinstance(resolved, Resolved):
            found = [*_choice(slo, resolved.indicator), *asker.findings(resolved.indicator)]
            chosen = replace(slo, objective=resolved.objective)
            return Check(chosen, resolved.indicator, tuple(found))
        return Check(slo, slo.indicator, tuple(_unresolved(asker, slo, resolved)))
    except SourceError as error:
        return Check(slo, slo.indicator, (Finding("error", str(error)),))


def _short_form(context: Context) -> set[str]:
    """The ids of the SLOs that the short form declares; each has a sentence on what it means."""
    told = {sentence.partition(" is ")[0] for sentence in context.settings.defaults}
    return {slo.id for slo in context.settings.slos if slo.id in told}


def _remedied(one: Check, short: bool) -> Check:
    """The check of a short form's SLO that matches nothing, with the key that names its metric."""
    missing = one.failed and isinstance(one.indicator, Events | FirstOf)
    if not (short and missing) or one.slo.name not in _METRIC_KEYS:
        return one
    remedy = Finding("error", f"name your own: metrics: {{{_METRIC_KEYS[one.slo.name]}: ...}}")
    return replace(one, findings=(*one.findings, remedy))


def _choice(slo: SLO, chosen: Indicator) -> Iterator[Finding]:
    """Which alternative of a short form is taken."""
    if not isinstance(slo.indicator, FirstOf):
        return
    alternatives = slo.indicator.alternatives
    place = next((n for n, a in enumerate(alternatives, 1) if a == chosen), 1)
    name = _names(chosen)[0]
    yield Finding(
        "ok", f"takes {chosen.kind} of {name}, alternative {place} of {len(alternatives)}"
    )


def _unresolved(asker: Asker, slo: SLO, fault: Fault) -> Iterator[Finding]:
    yield Finding("error", fault.message.removeprefix(f"{slo.id}: "))
    if isinstance(slo.indicator, FirstOf):
        tried = dict.fromkeys(n for a in slo.indicator.alternatives for n in _names(a))
        near = list(dict.fromkeys(guess for name in tried for guess in asker.near(name)))
        if near:
            yield Finding("error", f"perhaps meant: {', '.join(near[:_MOST])}")


def _names(indicator: Indicator) -> list[str]:
    """The metrics that an indicator is about, as people name them."""
    match indicator:
        case Events(total=total):
            return [str(total.name)]
        case Latency(histogram=base) | Mean(summary=base):
            return [str(base.name)]
        case Slices(query=text) | Freshness(timestamp=text) | Query(total=text):
            return [text]


def _with_values(
    context: Context, source: str, checks: Sequence[Check], horizon: Horizon
) -> Iterator[Check]:
    """The checks with the values of the last hour, for those that nothing is wrong with."""
    interval = int(context.source(source).scrape_interval.total_seconds())
    jobs = [
        _job(c.slo, c.indicator, horizon.until, interval)
        for c in checks
        if not c.failed and not isinstance(c.indicator, FirstOf)
    ]
    reader = context.reader(source, time.monotonic() + PATIENCE)
    outcomes = {o.job.slo.id: o for o in collect(jobs, reader, horizon.head)}
    for one in checks:
        outcome = outcomes.get(one.slo.id)
        if outcome is None:
            yield one
        elif outcome.fault is not None:
            findings = (*one.findings, Finding("error", outcome.fault.message))
            yield Check(one.slo, one.indicator, findings)
        else:
            value = tally_of(outcome.booking)
            yield Check(one.slo, one.indicator, one.findings, outcome.job.span, value)


def _job(slo: SLO, indicator: Indicator, until: float, scrape_interval: int) -> Job:
    """The last hour, counted as a backfill counts; its meter is in no store."""
    end = bucket_floor(until, slo.bucket)
    span = Span(end - bucket_floor(HOUR, slo.bucket), end)
    meter = Meter(0, slo.id, fingerprint(slo), slo.bucket, indicator_json(indicator))
    return Job(
        slo,
        indicator,
        meter,
        span,
        span.start,
        scrape_interval,
        fresh=True,
        keep_edges=False,
        hold=False,
    )

"""Why an SLO's number is what it is: what `slo explain` tells, as the rows of a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from slo.domain.ledger import difference
from slo.domain.lookup import Subject
from slo.domain.meter import indicator_from_json
from slo.domain.slo import SLO
from slo.explain import explain
from slo.web import format as fmt
from slo.web.moment import moment
from slo.web.windows import short, window_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.ledger import Correction
    from slo.domain.source import Source
    from slo.domain.standing import Standing
    from slo.explain import Burn, Explanation
    from slo.web.charts.panels import Facts

_SCRAPE = 15


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a subtraction: what it is, and its numbers; `sum` is drawn in bold."""

    what: Markup | str
    good: str
    total: str
    covered: str = ""
    sum: bool = False


def explained(session: Session, facts: Facts, settings: Settings, now: float) -> Explanation | None:
    """The explanation of a standing as of its last reading; None before there is one."""
    meter, standing = facts.meter, facts.standing
    if meter.booked_to is None:
        return None
    declared = next((s for s in settings.slos if s.id == standing.slo), None)
    source = None if declared is None else source_of(settings, declared)
    lag = _SCRAPE if source is None else int(source.lag.total_seconds())
    scrape = _SCRAPE if source is None else int(source.scrape_interval.total_seconds())
    subject = Subject(
        _former(facts) if declared is None else declared,
        indicator_from_json(meter.indicator),
        meter,
        int(now),
        lag,
        paused=standing.paused,
    )
    return explain(session, subject, scrape_interval=scrape)


def is_ahead(found: Explanation, standing: Standing) -> bool:
    """Whether something was excluded or corrected since the cycle that wrote the standing."""
    now = found.standing
    return (now.good, now.total, now.budget) != (standing.good, standing.total, standing.budget)


def source_of(settings: Settings, slo: SLO) -> Source | None:
    """The source that an SLO is read from."""
    return next((s for s in settings.sources if s.name == slo.source), None)


def _former(facts: Facts) -> SLO:
    """An SLO that slo.yaml has no more, as far as the store knows it."""
    standing = facts.standing
    return SLO(
        standing.service,
        standing.name,
        standing.objective,
        window_of(standing),
        indicator_from_json(facts.meter.indicator),
        source="",
        bucket=facts.meter.bucket,
        owner=standing.owner,
        description=standing.description,
        runbook=standing.runbook,
        labels=standing.labels,
    )


def steps(found: Explanation, now: float) -> list[Step]:
    """The readings at both ends of what counts, their differences, corrections, and the sum."""
    rows = []
    for piece in found.pieces:
        if piece.first is None or piece.last is None:
            continue
        for sign, one in (("", piece.last), (f"{fmt.MINUS} ", piece.first)):
            what = Markup("{}reading at {}").format(sign, moment(one.end, now))
            rows.append(Step(what, fmt.count(one.good), fmt.count(one.total), _long(one.covered)))
        held = difference(piece.first, piece.last)
        good, total = fmt.count(held.good), fmt.count(held.total)
        rows.append(Step("= booked", good, total, _long(held.covered), sum=True))
    rows += [_correction(c, now) for c in found.corrections]
    standing = found.standing
    good, total = fmt.count(standing.good), fmt.count(standing.total)
    return [*rows, Step("= events of the window", good, total, sum=True)]


def arithmetic(found: Explanation) -> list[tuple[str, str]]:
    """How SLI and budget come of the events."""
    standing = found.standing
    objective, budget = fmt.objective(standing.objective), standing.budget
    bad, events = fmt.count(standing.bad), fmt.count(standing.total)
    good, allowed = fmt.count(standing.good), fmt.amount(budget.allowed)
    rows = [("Bad", f"{events} {fmt.MINUS} {good} = {bad}")]
    if standing.sli is not None:
        sli = fmt.sli(standing.sli, standing.objective)
        rows.append(("SLI", f"1 {fmt.MINUS} {bad} / {events} = {sli}"))
    if budget.projected:
        expected = budget.allowed / float(1 - standing.objective) - standing.total
        events = f"({events} + {fmt.count(round(expected))} expected)"
    share = f"(1 {fmt.MINUS} {objective})"
    rows.append(("Allowed", f"{share} \u00d7 {events} = {allowed} bad events"))
    if budget.remaining is not None:
        left = fmt.percent(budget.remaining, 2)
        rows.append(("Left", f"1 {fmt.MINUS} {bad} / {allowed} = {left}"))
    if budget.projected:
        text = "the window is not full yet; the rest is expected to go alike"
        rows.append(("Projected", text))
    coverage = fmt.percent(standing.coverage, 2)
    return [*rows, ("Coverage", f"{coverage} of the time that the ledger covers in the window")]


def burn_rows(burns: Iterable[Burn], now: float) -> list[tuple[str, ...]]:
    """Burn rates with the events, and the readings that they were subtracted from."""
    return [
        (
            short(burn.name),
            fmt.count(burn.events.bad),
            fmt.count(burn.events.total),
            fmt.burn(burn.rate),
            *_ends(burn, now),
        )
        for burn in burns
    ]


def _ends(burn: Burn, now: float) -> tuple[str, str]:
    first = next((p.first.end for p in burn.pieces if p.first is not None), None)
    last = next((p.last.end for p in reversed(burn.pieces) if p.last is not None), None)
    return (
        fmt.DASH if first is None else moment(first, now),
        fmt.DASH if last is None else moment(last, now),
    )


def _correction(correction: Correction, now: float) -> Step:
    what = Markup("+ correction at {} by {}: {}").format(
        moment(correction.end, now), correction.who, correction.why
    )
    return Step(what, _plus(correction.good), _plus(correction.total))


def _plus(number: float) -> str:
    return ("+" if number > 0 else "") + fmt.count(number)


def _long(seconds: float) -> str:
    return f"{fmt.count(round(seconds))}{fmt.SPACE}s"

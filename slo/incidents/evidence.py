"""Evidence: what is stored of the moment when an alert fires, so that it outlives Prometheus."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from slo.domain.decision import windows_of
from slo.domain.duration import format_duration
from slo.domain.incident_rules import evidence_step, rule_text
from slo.domain.meter import indicator_from_json
from slo.domain.policy import AbsenceRule
from slo.postmortem.facts import promql
from slo.store import contributors, readings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.alert import Transition
    from slo.domain.policy import Rule
    from slo.domain.slo import SLO
    from slo.incidents.burning import Book

CONTRIBUTORS = 20
_SHOWN_BEFORE_ABSENCE = 3600
"""Seconds of readings that are kept of an alert that looks at no window."""


def declared(settings: Settings, slo_id: str) -> SLO | None:
    """The SLO as slo.yaml has it; None: it is gone from there."""
    return next((slo for slo in settings.slos if slo.id == slo_id), None)


def rule_of(slo: SLO | None, name: str) -> Rule | None:
    """The rule of this name in the SLO's alert policy."""
    return None if slo is None else slo.alert_policy.rule(name)


def gather(
    session: Session, slo: SLO | None, book: Book | None, t: Transition, started_at: int
) -> dict[str, Any]:
    """What caused a transition: numbers, readings, the exact PromQL, contributors, links.

    Readings are cumulative; only their differences mean anything. Instants are epoch
    seconds.
    """
    rule = rule_of(slo, t.rule)
    proof: dict[str, Any] = {
        "slo": t.slo,
        "alert": t.id,
        "rule": t.rule,
        "at": t.at,
        "reason": t.reason,
        "policy": "" if rule is None else rule_text(rule),
        "numbers": dict(t.numbers),
        "burn_rates": _burn_rates(rule, t),
        "runbook": "" if slo is None else slo.runbook,
        "owner": "" if slo is None else slo.owner,
        "readings": [],
        "promql": [],
        "contributors": [],
    }
    if book is None:
        return proof
    return proof | {
        "promql": promql(indicator_from_json(book.meter.indicator)),
        "readings": _readings(session, book, rule, t),
        "contributors": [
            {"labels": c.labels, "bad": c.bad, "total": c.total}
            for c in contributors.top(session, book.meter.id, started_at, t.at, CONTRIBUTORS)
            if c.bad > 0
        ],
    }


def _burn_rates(rule: Rule | None, t: Transition) -> dict[str, float | None]:
    if rule is None or rule.kind != "burn":
        return {}
    numbers = dict(t.numbers)
    spans = (format_duration(timedelta(seconds=s)) for s in windows_of(rule))
    return dict(zip(spans, (numbers.get("long_burn"), numbers.get("short_burn")), strict=True))


def _readings(
    session: Session, book: Book, rule: Rule | None, t: Transition
) -> list[dict[str, float]]:
    length = _SHOWN_BEFORE_ABSENCE
    if rule is not None and not isinstance(rule, AbsenceRule):
        length = max(windows_of(rule), default=length)
    step = evidence_step(length)
    instants = range(t.at - length // step * step, t.at + 1, step)
    found = readings.readings_at(session, {book.meter.id: instants})
    by_end = {r.end: r for r in found.values()}
    return [{"end": r.end, "good": r.good, "total": r.total} for _, r in sorted(by_end.items())]

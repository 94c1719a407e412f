"""SLOs written back as slo.yaml: what is in force, with every default said that decides."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import yaml

from slo.domain.duration import format_duration
from slo.domain.indicator import Events, Freshness, Latency, Mean, Query, Slices
from slo.domain.objective import format_percent
from slo.domain.policy import AbsenceRule, BudgetRule, BurnRule, FloorRule, default_policy
from slo.domain.slo import DEFAULT_IGNORED_LABELS, StateBounds
from slo.domain.window import RollingWindow

if TYPE_CHECKING:
    from decimal import Decimal

    from slo.domain.indicator import Indicator
    from slo.domain.policy import Policy, Rule
    from slo.domain.slo import SLO
    from slo.domain.window import Window


def written(slo: SLO, indicator: Indicator) -> str:
    """The SLO as slo.yaml declares it, with its indicator as it is counted.

    Reading the text again gives the same SLO.
    """
    body: dict[str, Any] = {
        "objective": format_percent(slo.objective),
        "window": _window(slo.window),
        indicator.kind: _indicator(indicator),
        "source": slo.source,
        "owner": slo.owner,
        "description": slo.description,
        "runbook": slo.runbook,
        "labels": dict(slo.labels),
        "was": slo.was,
    }
    if slo.births != "auto":
        body["births"] = slo.births
    if slo.ignore_labels != DEFAULT_IGNORED_LABELS:
        body["ignore_labels"] = list(slo.ignore_labels)
    if slo.bounds != StateBounds():
        bounds = (("caution", slo.bounds.caution), ("restricted", slo.bounds.restricted))
        body["states"] = {name: format_percent(share) for name, share in bounds}
    if slo.no_data != "page":
        body["no_data"] = slo.no_data
    if slo.policy is not None:
        body["alerts"] = _alerts(slo.policy, default_policy(slo.objective, slo.no_data))
    if slo.gate is not None:
        body["gate"] = {"closes_on": list(slo.gate)}
    kept = {key: value for key, value in body.items() if value not in ("", None, {})}
    whole = {"services": {slo.service: {"slos": {slo.name: kept}}}}
    text: str = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=100)
    return text


def _window(window: Window) -> Any:
    if isinstance(window, RollingWindow):
        return format_duration(window.length)
    if window.zone == "UTC":
        return window.unit
    return {"calendar": window.unit, "zone": window.zone}


def _indicator(indicator: Indicator) -> dict[str, Any]:
    found: dict[str, Any]
    match indicator:
        case Events():
            found = {"good": indicator.good, "bad": indicator.bad, "total": indicator.total}
            return _said(found) | ({"recorded": True} if indicator.recorded else {})
        case Latency():
            found = {"histogram": indicator.histogram, "threshold": indicator.threshold}
            more: dict[str, Any] = {"unit": indicator.unit}
            if indicator.rounding != "exact":
                more["round"] = indicator.rounding
            return _said(found) | more | ({"recorded": True} if indicator.recorded else {})
        case Mean():
            found = {"summary": indicator.summary, "threshold": indicator.threshold}
            return _said(found) | {"unit": indicator.unit}
        case Slices():
            bounds = {"at_least": indicator.at_least, "at_most": indicator.at_most}
            numbers = {name: float(b) for name, b in bounds.items() if b is not None}
            return {"query": indicator.query, **numbers}
        case Freshness():
            return _said({"timestamp": indicator.timestamp, "max_age": indicator.max_age})
        case Query():
            found = {"good": indicator.good, "bad": indicator.bad, "total": indicator.total}
            return _said(found)


def _said(values: dict[str, Any]) -> dict[str, str]:
    """What is there, as text."""
    return {
        name: format_duration(value) if isinstance(value, timedelta) else str(value)
        for name, value in values.items()
        if value is not None
    }


def _alerts(policy: Policy, default: Policy) -> dict[str, Any]:
    """What the policy changes of the default one, by the names that slo.yaml uses."""
    usual = {rule.name: rule for rule in default.rules}
    own = {rule.name: rule for rule in policy.rules}
    found: dict[str, Any] = {
        name: "off"
        for name, rule in usual.items()
        if name not in own and not isinstance(rule, BudgetRule)
    }
    for name, rule in own.items():
        if rule != usual.get(name) and not isinstance(rule, BudgetRule):
            found[name] = _rule(rule)
    shares = [rule.spent for rule in policy.rules if isinstance(rule, BudgetRule)]
    if shares != [rule.spent for rule in default.rules if isinstance(rule, BudgetRule)]:
        found["budget"] = [format_percent(share) for share in shares] or "off"
    return found


def _rule(rule: Rule) -> dict[str, Any]:
    match rule:
        case BurnRule():
            return {
                "severity": rule.severity,
                "factor": _number(rule.factor),
                "long": _seconds(rule.long),
                "short": _seconds(rule.short),
                "min_bad_events": rule.min_bad_events,
            }
        case FloorRule():
            return {
                "severity": rule.severity,
                "least": format_percent(rule.least),
                "over": _seconds(rule.span),
                "min_bad_events": rule.min_bad_events,
            }
        case AbsenceRule():
            return {"severity": rule.severity, "after": _seconds(rule.after)}
        case BudgetRule():
            return {"severity": rule.severity, "spent": format_percent(rule.spent)}


def _seconds(length: int) -> str:
    return format_duration(timedelta(seconds=length))


def _number(value: Decimal) -> float | int:
    return int(value) if value == value.to_integral_value() else float(value)

"""The JSON API of what an SLO is: its alert policy, its revisions, how its number came about."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from flask import Blueprint

from slo.domain.burn import burn_rate
from slo.domain.policy import AbsenceRule, BudgetRule, BurnRule, FloorRule, budget_share
from slo.domain.span import rfc3339
from slo.explain import explain
from slo.explain_json import explanation_json
from slo.past_standings import subject_at
from slo.rulings import rulings
from slo.store import corrections, slos
from slo.store.engine import reading
from slo.web.api.chosen import ensure_standing
from slo.web.api.cursor import cut
from slo.web.api.models.definitions import (
    CorrectionQuery,
    Corrections,
    ExplainQuery,
    Explanation,
    PolicyOut,
    RevisionQuery,
    Revisions,
)
from slo.web.api.operation import PREFIX, operation
from slo.web.charts import panels
from slo.web.problem import ProblemError, refusal
from slo.web.site import current_site
from slo.web.windows import window_of

if TYPE_CHECKING:
    from slo.domain.ledger import Correction
    from slo.domain.policy import Policy, Rule
    from slo.domain.standing import Standing
    from slo.rulings import Ruling
    from slo.store.slos import Revision

blueprint = Blueprint("api_definitions", __name__, url_prefix=PREFIX)

_SLO = "/slos/<service>/<name>"
_GONE = "is no longer in slo.yaml, so it has no policy and cannot be explained"


@operation(blueprint, "GET", f"{_SLO}/policy", permission="read", answer=PolicyOut)
def show_policy(service: str, name: str) -> dict[str, Any]:
    """Gives the alert policy, and what each rule says now."""
    with reading(current_site().engine) as session:
        standing = ensure_standing(session, service, name)
        policy = panels.declared_policy(standing)
        if policy is None:
            raise ProblemError(404, f"{standing.slo} {_GONE}")
        facts = panels.facts_of(session, standing)
        found = []
        if facts is not None:
            found = rulings(session, standing, facts.meter, policy)
    return {
        "slo": standing.slo,
        "at": rfc3339(standing.at),
        "rules": _rules_json(policy, found, standing),
        "dropped": list(policy.dropped),
    }


@operation(
    blueprint,
    "GET",
    f"{_SLO}/revisions",
    permission="read",
    query=RevisionQuery,
    answer=Revisions,
)
def list_revisions(service: str, name: str, query: RevisionQuery) -> dict[str, Any]:
    """Lists what the SLO promised, and since when; a window is judged by that of its end."""
    with reading(current_site().engine) as session:
        standing = ensure_standing(session, service, name)
        found = slos.revisions(session, standing.slo)
    # They are only ever added, at the end, so that their places tell them apart.
    shown, more = cut(enumerate(found), query, (int,), lambda placed: (placed[0],))
    return {
        "slo": standing.slo,
        "revisions": [_revision_json(one) for _, one in shown],
        "next": more,
    }


@operation(
    blueprint,
    "GET",
    f"{_SLO}/corrections",
    permission="read",
    query=CorrectionQuery,
    answer=Corrections,
)
def list_corrections(service: str, name: str, query: CorrectionQuery) -> dict[str, Any]:
    """Lists the events that were booked by hand, of former meters too, by their buckets."""
    with reading(current_site().engine) as session:
        standing = ensure_standing(session, service, name)
        found = corrections.of_slo(session, standing.slo)
    ordered = sorted(found, key=_order)
    shown, more = cut(ordered, query, (int, int, str), _order)
    return {
        "slo": standing.slo,
        "corrections": [_correction_json(one) for one in shown],
        "next": more,
    }


@operation(
    blueprint,
    "GET",
    f"{_SLO}/explain",
    permission="read",
    query=ExplainQuery,
    answer=Explanation,
)
def explain_slo(service: str, name: str, query: ExplainQuery) -> dict[str, Any]:
    """Explains how the SLO's number came about, with every figure it rests on."""
    site = current_site()
    settings, now = site.settings, int(site.clock())
    if query.at is not None and query.at > now:
        raise refusal("query", "at", f"{rfc3339(query.at)} lies in the future; name a past time")
    with reading(site.engine) as session:
        standing = ensure_standing(session, service, name)
        slo = next((one for one in settings.slos if one.id == standing.slo), None)
        if slo is None:
            raise ProblemError(404, f"{standing.slo} {_GONE}")
        meter = slos.meter_of(session, slo.id)
        if meter is None:
            raise ProblemError(404, f"nothing is booked of {slo.id} yet; ask again after a cycle")
        subject = subject_at(session, settings, slo, meter, query.at, now)
        source = next(source for source in settings.sources if source.name == slo.source)
        scrape = int(source.scrape_interval.total_seconds())
        found = explain(session, subject, query.at, scrape_interval=scrape)
    return explanation_json(found)


def _rules_json(policy: Policy, found: list[Ruling], standing: Standing) -> list[dict[str, Any]]:
    said = {ruling.rule.name: ruling for ruling in found}
    return [_rule_json(rule, said.get(rule.name), standing) for rule in policy.rules]


def _rule_json(rule: Rule, ruling: Ruling | None, standing: Standing) -> dict[str, Any]:
    burn = rule if isinstance(rule, BurnRule) else None
    floor = rule if isinstance(rule, FloorRule) else None
    state = None if ruling is None else ruling.state
    firing = state is not None and state.firing
    seen = dict.fromkeys(("long_burn", "short_burn"))
    share = None
    if burn is not None:
        share = float(budget_share(burn, window_of(standing).period_at(standing.at).seconds))
        if ruling is not None:
            moment = ruling.moment
            seen = {
                "long_burn": burn_rate(moment.tally(burn.long), moment.objective),
                "short_burn": burn_rate(moment.tally(burn.short), moment.objective),
            }
    return {
        "name": rule.name,
        "kind": rule.kind,
        "severity": rule.severity,
        "factor": None if burn is None else float(burn.factor),
        "long": None if burn is None else burn.long,
        "short": None if burn is None else burn.short,
        "budget_share": share,
        "least": None if floor is None else float(floor.least),
        "span": None if floor is None else floor.span,
        "spent": float(rule.spent) if isinstance(rule, BudgetRule) else None,
        "after": rule.after if isinstance(rule, AbsenceRule) else None,
        "min_bad_events": getattr(rule, "min_bad_events", None),
        "confident": True if floor is not None else None if burn is None else burn.confident,
        "verdict": None if ruling is None else ruling.decision.verdict,
        "firing": firing,
        "since": None if state is None or state.since is None else rfc3339(state.since),
        "reason": "" if ruling is None else ruling.decision.reason,
        "frozen": None if state is None else state.frozen or None,
        **seen,
    }


def _revision_json(one: Revision) -> dict[str, Any]:
    return {
        "since": rfc3339(one.since),
        "recorded_at": rfc3339(one.recorded_at),
        "objective": float(one.objective),
        "window": one.window.label(),
        "owner": one.owner,
        "description": one.description,
        "runbook": one.runbook,
        "labels": dict(one.labels),
    }


def _order(one: Correction) -> tuple[int, int, str]:
    return one.end, one.at, one.key


def _correction_json(one: Correction) -> dict[str, Any]:
    found = {f.name: getattr(one, f.name) for f in dataclasses.fields(one)}
    return {**found, "end": rfc3339(one.end), "at": rfc3339(one.at)}

"""Facts: the snapshot of an SLO's numbers that a notification tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.domain.notification import Facts, Notice
from slo.domain.objective import format_percent
from slo.store.outbox import installation_id

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.alert import AlertState, Transition
    from slo.domain.notification import NoticeKind
    from slo.domain.policy import Severity
    from slo.domain.standing import Standing


def budget_notice(
    session: Session, settings: Settings, standing: Standing, state: AlertState
) -> Notice:
    """Tells that a share of the error budget is spent; `state` fires."""
    title = f"{standing.slo}: {state.reason.partition(';')[0]}"
    return _budget_notice(
        session,
        settings,
        standing,
        "budget",
        state.severity,
        (state.alert or 0, title),
        state.reason,
        state.since or standing.at,
    )


def budget_over_notice(
    session: Session, settings: Settings, standing: Standing, transition: Transition
) -> Notice:
    """Tells that a budget alert is over."""
    title = f"{standing.slo}: the error budget has recovered"
    return _budget_notice(
        session,
        settings,
        standing,
        "budget-over",
        transition.severity,
        (transition.began or 0, title),
        transition.reason,
        transition.at,
    )


def _budget_notice(
    session: Session,
    settings: Settings,
    standing: Standing,
    kind: NoticeKind,
    severity: Severity,
    alert: tuple[int, str],
    reason: str,
    at: int,
) -> Notice:
    subject = f"budget/{standing.slo}/{alert[0]}"
    over = kind == "budget-over"
    facts = Facts(
        kind=kind,
        severity=severity,
        dedup_key=f"{installation_id(session)}/{subject}",
        title=alert[1],
        summary=reason,
        at=at,
        service=standing.service,
        installation=settings.name,
        slos=(standing.slo,),
        owner=standing.owner,
        runbook=standing.runbook,
        labels=standing.labels,
        opened_at=None if over else at,
        resolved_at=at if over else None,
        objective=format_percent(standing.objective),
        window=standing.window_label,
        budget_remaining=standing.budget.remaining,
        burn_rates=standing.burn_rates,
        exhausted_at=standing.exhausted_at,
        url=f"{settings.url}/slo/{standing.slo}" if settings.url else "",
    )
    return Notice(subject, kind, facts)

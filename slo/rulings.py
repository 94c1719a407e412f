"""Rulings: what each rule of an SLO's policy says of its last bucket, asked again and not kept.

The same decision on the same spans as the cycle's, after the states that it left, so
that it says what the cycle said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.alert import AlertState
from slo.domain.decision import Decision, decide
from slo.domain.policy import AbsenceRule
from slo.domain.span import Span
from slo.store import alerts
from slo.tracks import LookedAt, tracks_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.domain.decision import Moment
    from slo.domain.meter import Meter
    from slo.domain.policy import Policy, Rule
    from slo.domain.standing import Standing


@dataclass(frozen=True, slots=True)
class Ruling:
    """One rule, what it says at the end of the last bucket, and what it looked at."""

    rule: Rule
    decision: Decision
    moment: Moment

    @property
    def state(self) -> AlertState:
        """The rule's state after the decision."""
        return self.decision.state


def rulings(session: Session, standing: Standing, meter: Meter, policy: Policy) -> list[Ruling]:
    """The rulings of an SLO's policy as of its standing; none before its first bucket."""
    if meter.booked_to is None:
        return []
    at = standing.at
    looked_at = LookedAt(meter, policy, Span(at - meter.bucket, at), (at,))
    states = alerts.states(session, [standing.slo]).get(standing.slo, {})
    track = tracks_of(session, [looked_at])[standing.slo]
    moment = track.moment(at, standing.objective, spent=standing.spent_as_booked)
    return [
        Ruling(rule, _decision(rule, moment, states.get(rule.name)), moment)
        for rule in policy.rules
    ]


def _decision(rule: Rule, moment: Moment, state: AlertState | None) -> Decision:
    if isinstance(rule, AbsenceRule):
        # Only the cycle sees why data are missing; its last word is in the state.
        left = state or AlertState(rule.name, rule.kind, rule.severity)
        return Decision("firing" if left.firing else "quiet", left.reason, left)
    return decide(rule, moment, state)

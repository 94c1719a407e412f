"""Models of alerts: what fires, and every transition there was."""

from __future__ import annotations

from pydantic import Field

from slo.domain.alert import Change, Kind
from slo.domain.policy import Severity
from slo.web.api.models.base import NEXT, Ago, Answer, Limit, ListQuery, Time
from slo.web.api.models.slos import Id


class AlertQuery(ListQuery):
    """Which alerts are asked for; what fires now does so whatever time is asked for."""

    slo: str | None = Field(default=None, description="Only those of one SLO, by its id.")
    service: str | None = Field(default=None, description="Only those of one service.")
    severity: Severity | None = Field(default=None, description="Only those of one severity.")
    kind: Kind | None = Field(default=None, description="Only transitions of this kind of rule.")
    rule: str | None = Field(default=None, description="Only transitions of the rule of this name.")
    change: Change | None = Field(default=None, description="Only transitions of this kind.")
    start: Ago | None = Field(
        default=None,
        alias="from",
        description="The history from then on: a duration back from now, or a time.",
    )
    to: Ago | None = Field(default=None, description="The history before then.")
    limit: Limit = Field(default=200, description="How many transitions to list at most.")


class FiringAlert(Answer):
    """An alert that fires."""

    id: int | None = Field(description="The number of the transition with which it fired.")
    slo: Id
    rule: str = Field(description="The rule's name.")
    kind: Kind = Field(description="What the rule watches.")
    severity: Severity = Field(description="Whether somebody is woken, or it can wait.")
    since: Time | None = Field(description="The end of the bucket in which it fired.")
    seconds: int | None = Field(description="For how long it has been firing.")
    reason: str = Field(description="The last decision in words.")
    frozen: str | None = Field(description="Why it can neither fire nor resolve; null: it can.")
    muted_until: Time | None = Field(description="Until when it is mute after a resolve by hand.")
    late: bool = Field(description="Whether it was found while catching up.")
    numbers: dict[str, float | None] = Field(description="The numbers with which it fired.")
    incident: int | None = Field(description="The incident that it belongs to.")


class FrozenRule(Answer):
    """A rule that does not fire and cannot decide."""

    slo: Id
    rule: str = Field(description="The rule's name.")
    reason: str = Field(description="Why it cannot decide.")


class Transition(Answer):
    """A change of an alert."""

    id: int = Field(description="Its number.")
    at: Time = Field(description="The end of the bucket that decided.")
    slo: Id
    rule: str = Field(description="The rule's name.")
    kind: Kind = Field(description="What the rule watches.")
    severity: Severity = Field(description="Whether somebody is woken, or it can wait.")
    change: Change = Field(description="`closes`: its SLO or rule was removed.")
    decided_at: Time = Field(description="When it was decided.")
    late: bool = Field(description="Whether it was found while catching up.")
    reason: str = Field(description="Why, in words.")
    numbers: dict[str, float | None] = Field(description="The numbers that decided.")
    began: int | None = Field(description="Of an end: the transition with which the alert fired.")
    seconds: int | None = Field(description="How long the alert lasted; null: it still does.")
    incident: int | None = Field(description="The incident that it belongs to.")


class Alerts(Answer):
    """What fires, what is frozen, and the history."""

    at: Time = Field(description="When it was asked for.")
    firing: list[FiringAlert] = Field(description="What fires now, pages first.")
    frozen: list[FrozenRule] = Field(description="Rules that cannot decide.")
    history: list[Transition] = Field(description="Transitions, newest first.")
    next: str | None = Field(description=NEXT)

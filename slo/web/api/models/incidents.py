"""Models of incidents: lists, one with its timeline, and what people do to it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from slo.domain.alert import Change, Kind
from slo.domain.incident import EventKind, Status
from slo.domain.policy import Severity
from slo.domain.postmortem import Status as PostmortemStatus
from slo.web.api.models.base import NEXT, Ago, Answer, ListQuery, Time
from slo.web.api.models.base import Change as Doing
from slo.web.api.models.slos import Id


class IncidentQuery(ListQuery):
    """Which incidents to list."""

    status: Literal[Status, "unresolved"] | None = Field(
        default=None, description="Only those in this status; `unresolved`: open or acknowledged."
    )
    service: str | None = Field(default=None, description="Only those of one service.")
    slo: str | None = Field(default=None, description="Only those that this SLO was in.")
    severity: Severity | None = Field(default=None, description="Only those of one severity.")
    assignee: str | None = Field(
        default=None, description="Only those of one person; empty: those that nobody has."
    )
    start: Ago | None = Field(
        default=None,
        alias="from",
        description="Leaves out what was over before: a duration back from now, or a time.",
    )
    to: Ago | None = Field(default=None, description="Leaves out what opened at or after.")


class Phases(Answer):
    """How long the phases of an incident took, in seconds; null: not yet."""

    detect: int | None = Field(description="From where the burn began until the alert.")
    acknowledge: int | None = Field(
        description="From the alert that opened or reopened it until somebody first acknowledged."
    )
    mitigate: int | None = Field(description="From where the burn began until it stayed below 1.")
    resolve: int | None = Field(description="From where the burn began until it resolved.")


class IncidentSLO(Answer):
    """An SLO in an incident, and what it lost in it."""

    slo: Id
    joined_at: Time = Field(description="When its alert joined.")
    open: bool = Field(description="Whether it is still in it.")
    bad: float = Field(description="Bad events in the incident.")
    total: float = Field(description="All events in the incident.")
    budget_share: float | None = Field(description="The share of its budget that was spent.")


class Incident(Answer):
    """One incident as lists have it."""

    id: int = Field(description="Its number.")
    title: str = Field(description="What it is, in a line.")
    service: str = Field(description="The service that it concerns.")
    severity: Severity = Field(description="That of its most severe alert.")
    status: Status = Field(description="How far it is.")
    started_at: Time = Field(description="Where the burn began.")
    opened_at: Time = Field(description="When its alert fired.")
    acknowledged_at: Time | None = Field(
        description="When somebody took it on; null: nobody has, or not since it reopened."
    )
    mitigated_at: Time | None = Field(description="When the burn stayed below 1.")
    resolved_at: Time | None = Field(description="When it was over.")
    resolved_by: str | None = Field(description="Who resolved it.")
    assignee: str | None = Field(description="Whose it is.")
    announced: Severity | None = Field(description="The severity that receivers were told.")
    announced_at: Time | None = Field(description="When they were last told that it is open.")
    end_told_at: Time | None = Field(description="When they were told that it is over.")
    flapping: bool = Field(description="Whether its alerts come and go too often to be told.")
    reopened: int = Field(description="How often a relapse reopened it.")
    late: bool = Field(description="Whether it opened while catching up.")
    seconds: Phases = Field(description="How long each phase took.")
    slos: list[IncidentSLO] = Field(description="The SLOs that are or were in it.")


class Incidents(Answer):
    """Incidents, newest first."""

    incidents: list[Incident] = Field(description="Those that fit.")
    next: str | None = Field(default=None, description=NEXT)


class Event(Answer):
    """One entry of a timeline."""

    at: Time = Field(description="When it happened.")
    recorded_at: Time = Field(description="When it was written.")
    who: str = Field(description="Who did it.")
    kind: EventKind = Field(description="What it was.")
    text: str = Field(description="What happened, in words.")
    detail: dict[str, Any] = Field(description="The same as values; its keys depend on the kind.")


class IncidentAlert(Answer):
    """A transition of an alert of an incident."""

    id: int = Field(description="Its number.")
    slo: Id
    rule: str = Field(description="The rule's name.")
    kind: Kind = Field(description="What the rule watches.")
    severity: Severity = Field(description="Whether somebody is woken, or it can wait.")
    change: Change = Field(description="Whether it fires or ends.")
    at: Time = Field(description="The end of the bucket that decided.")
    late: bool = Field(description="Whether it was found while catching up.")
    reason: str = Field(description="Why, in words.")
    numbers: dict[str, float | None] = Field(description="The numbers that decided.")
    began: int | None = Field(description="Of an end: the transition with which the alert fired.")


class Written(Answer):
    """What lists tell of an incident's postmortem."""

    status: PostmortemStatus = Field(description="How far it is.")
    required: bool = Field(description="Whether the incident needs one.")


class WholeIncident(Incident):
    """One incident with all that is known of it."""

    timeline: list[Event] = Field(description="What happened, oldest first.")
    alerts: list[IncidentAlert] = Field(description="The transitions of its alerts, oldest first.")
    evidence: dict[str, Any] = Field(
        description="What was stored when it opened: the alert's numbers and rule, readings, the"
        " PromQL, contributors; `more` holds the same of later alerts."
    )
    postmortem: Written | None = Field(description="Its postmortem; null: there is none yet.")


class Acknowledgement(Doing):
    """Somebody works on it."""


class Assignment(Doing):
    """Whose it is."""

    assignee: str = Field(description="Who is to have it.", examples=["leo"])


class Comment(Doing):
    """A comment on the timeline."""

    text: str = Field(description="What to say.", examples=["The deploy of 20:04 is rolled back."])


class Resolution(Doing):
    """The end of an incident by hand."""

    why: str = Field(description="Why it is over.", examples=["A load test, now stopped."])

"""Models of gates and of what holds them open."""

from __future__ import annotations

from pydantic import Field

from slo.domain.gate import GateState
from slo.domain.standing import DataState, State
from slo.web.api.models.base import NEXT, Ahead, Answer, Change, ListQuery, Switch, Time, like

_CLOSED = {
    "at": "2026-11-20T20:21:12Z",
    "gate": "payments",
    "state": "closed",
    "reasons": ["payments/availability: the error budget is spent: -12.3% is left"],
    "overrides": [],
    "slos": [
        {
            "slo": "payments/availability",
            "state": "closed",
            "counts": True,
            "reasons": ["the error budget is spent: -12.3% is left"],
            "notes": [],
            "override": None,
            "budget_state": "exhausted",
            "budget_remaining": -0.123,
            "data": "fresh",
            "alerts": [],
            "incident": 12,
            "read_at": "2026-11-20T20:21:00Z",
        }
    ],
}


class GateOverrideAnswer(Answer):
    """A gate that somebody holds open for a while."""

    id: int = Field(description="Its number.")
    scope: str = Field(description="`service/*` or an SLO.")
    until: Time = Field(description="Until when it holds the gate open.")
    who: str = Field(description="Who asked for it.")
    why: str = Field(description="Why.")
    at: Time = Field(description="When it was asked for.")
    ended_at: Time | None = Field(description="When it was ended early.")


class GateAlertAnswer(Answer):
    """An alert that fires."""

    rule: str = Field(description="The rule's name.")
    severity: str = Field(description="Whether somebody is woken, or it can wait.")
    reason: str = Field(description="The last decision in words.")


class SLOGateAnswer(Answer):
    """The gate of one SLO, and the numbers behind it."""

    slo: str = Field(description="The SLO's id.")
    state: GateState = Field(description="What its gate says.")
    counts: bool = Field(description="False: it has no say in the gate of its service.")
    reasons: list[str] = Field(description="What closes it, or why it is unknown.")
    notes: list[str] = Field(description="What else is to know.")
    override: int | None = Field(description="The override that holds it open.")
    budget_state: State | None = Field(description="How its budget stands.")
    budget_remaining: float | None = Field(description="Share of the budget left; may be negative.")
    data: DataState | None = Field(description="Whether data arrives.")
    alerts: list[GateAlertAnswer] = Field(description="What fires.")
    incident: int | None = Field(description="The open incident that it is in.")
    read_at: Time | None = Field(description="When its last reading was taken.")


class GateAnswer(Answer):
    """A gate, which says whether a change may go out now."""

    model_config = like(_CLOSED)

    at: Time = Field(description="When it was asked for.")
    gate: str = Field(description="The service or SLO whose gate it is.")
    state: GateState = Field(
        description="`open`; `closed` where any SLO closes it; "
        "`unknown` where none closes it and any cannot be judged."
    )
    reasons: list[str] = Field(description="Sentences, each after its SLO.")
    overrides: list[GateOverrideAnswer] = Field(description="What holds it open.")
    slos: list[SLOGateAnswer] = Field(description="The gates of its SLOs.")


class GateOverrideChange(Change):
    """A gate to be held open."""

    scope: str = Field(description="A service or an SLO.", examples=["fraud-model"])
    until: Ahead = Field(
        description="A duration from now or a time, at most 7 days ahead.", examples=["2h"]
    )
    why: str = Field(description="The reason, kept with it.", examples=["the fix goes out"])


class GateReleaseChange(Change):
    """An override to be ended before its time."""

    why: str = Field(description="The reason, kept in the audit.")


class GateOverrideQuery(ListQuery):
    """Which overrides to list."""

    all: Switch = Field(default=False, description="Those that are over too, newest first.")


class GateOverrideListAnswer(Answer):
    """Overrides that hold gates open, or did."""

    overrides: list[GateOverrideAnswer] = Field(
        description="Those that hold now, the first to end first; or all, newest first."
    )
    next: str | None = Field(description=NEXT)

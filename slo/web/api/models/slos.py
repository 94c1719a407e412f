"""Models of SLOs: the contract of `GET /api/v1/slos` and `slo status --json`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slo.domain.alert import Kind
from slo.domain.policy import Severity
from slo.domain.standing import DataState, State
from slo.web.api.models.base import NEXT, Ago, Answer, Query, Time, WholeQuery

Shown = Literal["exhausted", "restricted", "none", "caution", "late", "paused", "new", "healthy"]
"""A state of the budget, of the data where they are not fresh, or `paused`."""
Id = Annotated[str, Field(description="The SLO's id.", examples=["fraud-model/availability"])]


class SLOQuery(WholeQuery):
    """Which SLOs to list; without `limit` all of them."""

    q: str | None = Field(
        default=None,
        description="Only those that have all of these words in id, owner, description, labels or"
        " in what they count.",
        examples=["fraud latency"],
    )
    service: str | None = Field(default=None, description="Only those of one service.")
    owner: str | None = Field(default=None, description="Only those of one owner.")
    label: str | None = Field(
        default=None, description="Only those with this label.", examples=["tier=1"]
    )
    state: Shown | None = Field(
        default=None, description="Only those in this state, of the budget or of the data."
    )
    at: Ago | None = Field(
        default=None, description="As of a past time, or so long back; then only those declared."
    )


class StandingQuery(Query):
    """As of when an SLO is asked for."""

    at: Ago | None = Field(
        default=None, description="As of a past time, or so long back; else of the last reading."
    )


class Window(Answer):
    """The span that the objective is judged over; it ends at the last reading."""

    kind: Literal["rolling", "calendar"] = Field(
        description="Whether it moves on with each bucket, or starts anew by the calendar."
    )
    length: str = Field(description="`30d`, or `week`, `month`, `quarter`, `year`.")
    start: Time = Field(description="Where it begins.")
    end: Time = Field(description="Where it ends: at the last reading.")
    zone: str | None = Field(default=None, description="The time zone of a calendar window.")


class Events(Answer):
    """Good and bad events; with slices one of either a bucket."""

    good: float | None = Field(description="Good events.")
    bad: float | None = Field(description="Bad events.")
    total: float | None = Field(description="All events.")


class Budget(Answer):
    """An error budget, in events."""

    allowed: float | None = Field(description="Bad events that the objective allows.")
    spent: float | None = Field(description="Bad events so far.")
    remaining: float | None = Field(
        description="The share that is left; below 0 once more was spent than there was."
    )


class Note(Answer):
    """What makes a number unsure."""

    kind: str = Field(description="A stable word, such as `birth-uncounted`, `rename`, `skew`.")
    text: str = Field(description="What happened, in words.")
    amount: float | None = Field(description="How many events it concerns.")
    first: Time | None = Field(description="When it was first seen.")
    last: Time | None = Field(description="When it was last seen.")


class Forecast(Answer):
    """When the budget is gone at the burn of a span."""

    basis: str = Field(description="The span whose burn goes on: `6h` or `3d`.")
    exhausted_at: Time | None = Field(description="When it is gone; null: it stays within.")


class StandingAlert(Answer):
    """A rule that fires, or that is frozen."""

    rule: str = Field(description="The rule's name, such as `page-1h`.")
    kind: Kind = Field(description="What the rule watches.")
    severity: Severity = Field(description="Whether somebody is woken, or it can wait.")
    firing: bool = Field(description="Whether it fires.")
    since: Time | None = Field(description="Since when it fires.")
    reason: str = Field(description="The last decision in words.")
    frozen: str | None = Field(description="Why it cannot decide; null: it can.")


class SLO(Answer):
    """An SLO's numbers as of its last cycle."""

    slo: Id
    service: str = Field(description="The service that it is an objective of.")
    name: str = Field(description="Its name within the service.")
    owner: str = Field(description="Who answers for it; may be empty.")
    description: str = Field(description="What it promises, in words; may be empty.")
    runbook: str = Field(description="Where it is written what to do; may be empty.")
    labels: dict[str, str] = Field(description="Its labels in slo.yaml.")
    at: Time = Field(description="When the last reading was taken.")
    objective: float = Field(description="The share of events that must be good.")
    indicator: str = Field(description="How good and total events are found.")
    counts: str = Field(description="What is counted, in words.")
    estimated: bool = Field(description="True for `query`, which is not exact.")
    slices: bool = Field(description="Whether its events are slices: one good or bad a bucket.")
    window: Window = Field(description="What the objective is judged over.")
    events: Events = Field(description="The events of the window.")
    sli: float | None = Field(description="Good of total; null without events.")
    budget: Budget = Field(description="The error budget of the window.")
    burn_rates: dict[str, float | None] = Field(
        description="By span, how fast the budget is spent; 1 spends it in just one window."
    )
    coverage: float | None = Field(
        description="The share of the window, as far as the ledger reaches, with data."
    )
    state: State = Field(description="How the budget stands; `new`: under a day of history.")
    data: DataState = Field(description="Whether data arrives.")
    last_data: Time | None = Field(description="When the newest bucket with data ended.")
    paused: bool = Field(description="True once it is gone from slo.yaml.")
    projected: bool = Field(
        description="Whether the window is not full yet: the budget counts on events to come."
    )
    notes: list[Note] = Field(description="What makes the numbers unsure.")
    exhausted_at: Time | None = Field(
        description="When the budget is or was gone; null: it stays within."
    )
    forecasts: list[Forecast] = Field(description="When the budget will be gone, by basis.")
    alerts: list[StandingAlert] = Field(description="Rules that fire or are frozen.")
    incident: int | None = Field(description="The open incident that it is in.")


class SLOs(Answer):
    """SLOs as of now."""

    at: Time = Field(description="When it was asked for.")
    slos: list[SLO] = Field(description="The SLOs, by id.")
    next: str | None = Field(default=None, description=NEXT)

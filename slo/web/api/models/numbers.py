"""Models of an SLO's numbers over time: series, past windows, contributors."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slo.web.api.models.base import NEXT, Ago, Answer, Limit, ListQuery, Query, Time
from slo.web.api.models.slos import Id, Note


class SeriesQuery(Query):
    """Which span to show, in which steps."""

    from_: Ago | None = Field(
        default=None,
        alias="from",
        description="Where it begins: a duration back from now, or a time; else with the window.",
    )
    to: Ago | None = Field(default=None, description="Where it ends; else at the last reading.")
    step: str | None = Field(
        default=None,
        description="The step as a duration, `5m`; else one that gives up to 750 points.",
        examples=["1h"],
    )


class SeriesPoint(Answer):
    """What happened in the step that ends at `at`."""

    at: Time = Field(description="The end of the step.")
    good: float | None = Field(description="Good events in the step; null before the ledger.")
    bad: float | None = Field(description="Bad events in the step; null before the ledger.")
    total: float | None = Field(description="All events in the step; null before the ledger.")
    coverage: float | None = Field(description="The share of the step with data.")
    remaining: float | None = Field(
        description="The share of the budget that was left: of the present window where all of"
        " the span lies in it, else of the window that ended then."
    )
    burn_rates: dict[str, float | None] = Field(description="The burn rates then, by span.")


class Series(Answer):
    """The numbers behind the charts of an SLO."""

    slo: Id
    start: Time = Field(description="Where the span begins.")
    end: Time = Field(description="Where it ends.")
    step: int = Field(
        description="The length of a step, in seconds; another begins where the ledger does."
    )
    objective: float = Field(description="The objective in force at the end.")
    points: list[SeriesPoint] = Field(description="The steps, oldest first.")


class PeriodQuery(ListQuery):
    """Which past windows to judge."""

    unit: Literal["week", "month", "quarter", "year"] | None = Field(
        default=None, description="The kind of period; else the SLO's own, or months."
    )
    limit: Limit = Field(default=12, description="How many to judge at most.")


class PeriodBudget(Answer):
    """An error budget of a period, in events."""

    allowed: float = Field(description="Bad events that the objective allows.")
    spent: float = Field(description="Bad events.")
    remaining: float | None = Field(description="The share that is left.")
    projected: bool = Field(description="Whether it counts on events to come.")


class PastWindow(Answer):
    """One period, judged by the objective in force at its end."""

    start: Time = Field(description="Where it begins.")
    end: Time = Field(description="Where it ends.")
    objective: float | None = Field(description="The objective in force at its end.")
    good: float = Field(description="Good events.")
    bad: float = Field(description="Bad events.")
    total: float = Field(description="All events.")
    sli: float | None = Field(description="Good of total.")
    budget: PeriodBudget | None = Field(description="Its budget; null: nothing was booked.")
    coverage: float | None = Field(description="The share of it with data.")
    met: bool | None = Field(
        description="Whether the objective was met; null: no events. While the window is running:"
        " whether the bad events so far are within the budget projected for the whole of it."
    )
    running: bool = Field(description="Whether it still runs.")
    notes: list[Note] = Field(description="What to know beside the numbers.")


class PastWindows(Answer):
    """Periods of an SLO, newest first."""

    slo: Id
    unit: str = Field(description="The kind of period.")
    windows: list[PastWindow] = Field(description="As far back as the ledger reaches.")
    next: str | None = Field(description=NEXT)


class ContributorQuery(Query):
    """Over which span the worst label sets are wanted."""

    from_: Ago | None = Field(
        default=None,
        alias="from",
        description="Where it begins: a duration back from now, or a time; else with the window.",
    )
    to: Ago | None = Field(default=None, description="Where it ends; else at the last reading.")
    limit: Limit = Field(default=20, description="How many label sets to list at most.")


class Contributor(Answer):
    """A label set and its events."""

    labels: dict[str, str] | None = Field(description="The labels; null: all others together.")
    bad: float = Field(description="Bad events of it.")
    total: float = Field(description="All events of it.")
    share: float | None = Field(description="Its share of all bad events.")


class Contributors(Answer):
    """The label sets with most bad events of a span, which is counted in whole hours."""

    slo: Id
    start: Time = Field(description="Where the span begins.")
    end: Time = Field(description="Where it ends.")
    worst_hour: Time | None = Field(description="The start of the hour with most bad events.")
    contributors: list[Contributor] = Field(description="Worst first; all others last.")

"""Models of reports: periods, and what was promised, kept and learned in one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slo.domain.report import Trend
from slo.domain.window import CalendarUnit
from slo.web.api.models.base import NEXT, Answer, ListQuery, Query, Time
from slo.web.api.models.incidents import Incident
from slo.web.api.models.numbers import PeriodBudget
from slo.web.api.models.postmortems import ActionItem, Postmortem
from slo.web.api.models.slos import Id, Note

_ZONE = "The time zone in which periods begin and end."


class ReportListQuery(ListQuery):
    """Of which periods reports can be had."""

    unit: Literal["week", "month", "quarter", "year"] = Field(
        default="month", description="The kind of period."
    )
    zone: str = Field(default="UTC", description=_ZONE, examples=["Europe/Berlin"])


class ReportQuery(Query):
    """Of which SLOs the report is to be."""

    service: str | None = Field(default=None, description="Only those of one service.")
    owner: str | None = Field(
        default=None, description="Only those that had this owner at the period's end."
    )
    zone: str = Field(default="UTC", description=_ZONE, examples=["Europe/Berlin"])


class Period(Answer):
    """A week, month, quarter or year."""

    name: str = Field(description="As the address has it.", examples=["2026-10"])
    title: str = Field(description="As people say it.", examples=["October 2026"])
    unit: CalendarUnit = Field(description="The kind of period.")
    zone: str = Field(description=_ZONE)
    start: Time = Field(description="Where it begins.")
    end: Time = Field(description="Where it ends.")
    before: str = Field(description="The name of the period before.")


class Periods(Answer):
    """The periods that have a ledger."""

    periods: list[Period] = Field(description="The newest first; the first of all may still run.")
    next: str | None = Field(description=NEXT)


class Judged(Answer):
    """An SLO's numbers over a period, with corrections and without what is excluded."""

    objective: float | None = Field(description="The objective in force at the period's end.")
    good: float = Field(description="Good events.")
    bad: float = Field(description="Bad events.")
    total: float = Field(description="All events.")
    sli: float | None = Field(description="Good of total; null: no events.")
    met: bool | None = Field(description="Whether the objective was met; null: no events.")
    budget: PeriodBudget | None = Field(description="Its budget; null: nothing was booked.")
    spent_share: float | None = Field(description="The share of the budget that was spent.")
    coverage: float | None = Field(description="The share of the time with data.")
    excluded_seconds: int = Field(description="How much of the period does not count.")


class Lengths(Answer):
    """How long something took, in seconds."""

    mean: float = Field(description="On average.")
    worst: int = Field(description="At most.")


class Tally(Answer):
    """The incidents that opened in the period."""

    number: int = Field(description="How many.")
    pages: int = Field(description="Of severity `page`.")
    tickets: int = Field(description="Of severity `ticket`.")
    seconds: int = Field(description="The time in which any was going on, inside the period.")
    detect: Lengths | None = Field(description="From where the burn began until the alert.")
    resolve: Lengths | None = Field(description="From there until it resolved.")


class Count(Answer):
    """How many SLOs met their objective."""

    met: int = Field(description="Met their objective.")
    missed: int = Field(description="Missed it.")
    without_events: int = Field(description="Had no events to judge.")


class Totals(Count):
    """All SLOs together."""

    before: Count = Field(description="The same SLOs in the period before.")
    incidents: Tally = Field(description="The incidents of the period.")
    incidents_before: Tally = Field(description="Those of the period before.")


class UsedExclusion(Answer):
    """An exclusion that took time out of the period."""

    id: int = Field(description="Its number.")
    scope: str = Field(description="For which SLOs it is.")
    start: Time = Field(description="Where it begins.")
    end: Time = Field(description="Where it ends.")
    seconds: int = Field(description="Of it inside the period.")
    category: str = Field(description="Its kind.")
    who: str = Field(description="Who declared it.")
    why: str = Field(description="Why.")


class BookedCorrection(Answer):
    """Late truth of the period."""

    at: Time = Field(description="The end of the bucket that it is for.")
    good: float = Field(description="Good events more, or fewer.")
    total: float = Field(description="Events more, or fewer.")
    who: str = Field(description="Who booked it.")
    why: str = Field(description="Why.")
    key: str = Field(description="The key by which it is booked once.")


class ObjectiveChange(Answer):
    """Another objective."""

    at: Time = Field(description="Since when.")
    before: float = Field(description="What it was.")
    after: float = Field(description="What it is since.")


class SloLine(Judged):
    """One SLO of a report."""

    slo: Id
    owner: str = Field(description="Whose it was at the period's end.")
    description: str = Field(description="What it is about.")
    before: Judged = Field(description="The same over the period before.")
    sli_change: float | None = Field(description="By how much the SLI rose.")
    spent_change: float | None = Field(description="By which share of the budget more was spent.")
    trend: Trend | None = Field(
        description="Whether the SLI is better; under a hundredth of the budget is `same`."
    )
    incidents: Tally = Field(description="The incidents that it was in.")
    incidents_before: int = Field(description="How many it was in in the period before.")
    exclusions: list[UsedExclusion] = Field(description="What did not count.")
    corrections: list[BookedCorrection] = Field(
        description="What was booked late and is counted in."
    )
    objective_changes: list[ObjectiveChange] = Field(description="How its promise changed.")
    notes: list[Note] = Field(description="What makes the numbers unsure.")


class ServiceReport(Count):
    """One service of a report."""

    service: str = Field(description="Its name.")
    owners: list[str] = Field(description="Who owns its SLOs.")
    incidents: Tally = Field(description="The incidents of any of its SLOs.")
    slos: list[SloLine] = Field(description="Its SLOs, by name.")


class ReportIncident(Incident):
    """An incident of the period."""

    seconds_in_period: int = Field(description="Of it inside the period.")
    opened_before: bool = Field(description="Whether it opened in an earlier period.")
    budget_share: float | None = Field(description="The most that it spent of a budget.")
    postmortem: Postmortem | None = Field(description="Its postmortem.")


class Learned(Answer):
    """The postmortems of the period's incidents."""

    required: int = Field(description="How many are required.")
    required_published: int = Field(description="How many of these are published.")
    published: int = Field(description="How many of all are published.")
    drafts: int = Field(description="How many are not.")
    action_items_open: int = Field(description="How many of their action items are left.")
    action_items_overdue: int = Field(description="How many of these are overdue.")
    action_items: list[ActionItem] = Field(description="Those left, overdue ones first.")


class Report(Answer):
    """What was promised, kept and learned in one period."""

    period: Period
    at: Time = Field(description="When it was made.")
    running: bool = Field(
        description="Whether the period is not over, or its last minutes are not booked yet: its"
        " numbers are those so far."
    )
    service: str | None = Field(description="The service that it is of; null: all.")
    owner: str | None = Field(description="The owner that it is of; null: all.")
    headline: list[str] = Field(description="What to know first, in sentences.")
    totals: Totals = Field(description="All SLOs together.")
    worst_slos: list[str] = Field(description="Those that spent most of their budgets.")
    worst_incidents: list[int] = Field(description="Those that spent most of a budget.")
    services: list[ServiceReport] = Field(description="The services, by name.")
    incidents: list[ReportIncident] = Field(
        description="Those that opened in the period, or were going on in it; the newest first."
    )
    postmortems: Learned = Field(description="What was learned.")

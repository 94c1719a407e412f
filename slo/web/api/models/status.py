"""Models of the status page: how services are, for everybody."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slo.web.api.models.base import Answer, Time

Trouble = Literal["healthy", "new", "none", "exhausted", "caution"]
_STATE = (
    "`healthy`; `exhausted`: an objective is missed; `caution`: an incident is open; `none`: no"
    " data; `new`: too early to judge."
)


class StatusDay(Answer):
    """A service on one day."""

    day: Time = Field(description="Where it begins, in UTC.")
    state: Literal["met", "partly", "missed", "none"] = Field(
        description="Whether all SLOs were within their objectives, some, or none; `none`: no data."
    )
    missed: list[str] = Field(description="The SLOs that were not.")


class StatusSLO(Answer):
    """An SLO, for everybody."""

    name: str = Field(description="Its name within the service.")
    state: Trouble = Field(description=_STATE)
    objective: float = Field(description="The share of events that must be good.")
    window: str = Field(description="What the objective is judged over.")
    sli: float | None = Field(description="Good of total over all days; null without events.")


class StatusService(Answer):
    """A service, for everybody."""

    service: str = Field(description="Its name.")
    state: Trouble = Field(description=_STATE)
    slos: list[StatusSLO] = Field(description="Its SLOs.")
    days: list[StatusDay] = Field(description="The last 90 days, the oldest first.")


class StatusIncident(Answer):
    """An incident, for everybody."""

    title: str = Field(description="Which service and SLOs it is about.")
    text: str = Field(description="How far it is, in words.")
    started_at: Time = Field(description="When it began.")
    resolved_at: Time | None = Field(description="When it was over; null: it is open.")


class StatusAnswer(Answer):
    """How all services are, without what is internal."""

    at: Time = Field(description="When it was made; that may be two cycles ago.")
    read_at: Time | None = Field(description="When the newest reading was taken; null: never.")
    state: Trouble = Field(description=_STATE)
    headline: str = Field(description="How all of it is, in one sentence.")
    services: list[StatusService] = Field(
        description="Those that slo.yaml does not hide, those in trouble first."
    )
    incidents: list[StatusIncident] = Field(
        description="What is open, then what was over within 14 days."
    )

"""Models of services: what their SLOs say together."""

from __future__ import annotations

from pydantic import Field

from slo.domain.standing import State
from slo.web.api.models.base import NEXT, Answer, Time, WholeQuery
from slo.web.api.models.slos import Id


class ServiceQuery(WholeQuery):
    """Which services to list; without `limit` all of them."""


class Service(Answer):
    """A service, by its SLOs."""

    service: str = Field(description="Its name.")
    owners: list[str] = Field(description="Who answers for its SLOs.")
    slos: int = Field(description="How many SLOs it has.")
    states: dict[State, int] = Field(description="How many are in each state of the budget.")
    without_data: int = Field(description="How many get no data.")
    paused: int = Field(description="How many are gone from slo.yaml.")
    worst: Id | None = Field(description="The SLO with the least budget left; null: none has one.")
    remaining: float | None = Field(description="The share of its budget that is left.")
    firing: int = Field(description="Alerts that fire.")
    incidents: list[int] = Field(description="The numbers of its open incidents.")


class Services(Answer):
    """All services."""

    at: Time = Field(description="When it was asked for.")
    services: list[Service] = Field(description="By name.")
    next: str | None = Field(description=NEXT)

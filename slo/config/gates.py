"""The keys of gates in slo.yaml."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, cast, get_args

from pydantic import Field

from slo.config.kinds import Duration
from slo.config.scalars import choice
from slo.config.settings import GateSettings
from slo.config.shape import Shape
from slo.domain.gate import GateReason

GateWord = Annotated[str, *choice(*get_args(GateReason))]
_USUAL = GateSettings()
_CLOSES_ON = (
    "What closes it: exhausted, restricted, caution (the budget's state, or worse), "
    "page, ticket (an alert fires), incident (one is open)."
)


class OwnGateShape(Shape):
    """What closes the gate of an SLO, or of a service's SLOs."""

    closes_on: list[GateWord] = Field(
        description=f"{_CLOSES_ON} An empty list leaves it out of gates."
    )

    def reasons(self) -> tuple[GateReason, ...]:
        """What closes it, each once."""
        return cast("tuple[GateReason, ...]", tuple(dict.fromkeys(self.closes_on)))


class GateShape(Shape):
    """What closes gates, and when they are unknown."""

    closes_on: list[GateWord] = Field(default=list(_USUAL.closes_on), description=_CLOSES_ON)
    max_age: Duration = Field(
        default=timedelta(minutes=10),
        description="A gate whose newest reading is older is unknown.",
    )

    def settings(self) -> GateSettings:
        """The settings of gates."""
        reasons = cast("tuple[GateReason, ...]", tuple(dict.fromkeys(self.closes_on)))
        return GateSettings(reasons, self.max_age)

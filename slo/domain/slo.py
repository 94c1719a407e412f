"""Definitions: what slo.yaml declares, once parsed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from slo.domain.policy import default_policy

if TYPE_CHECKING:
    from slo.domain.gate import GateReason
    from slo.domain.indicator import FirstOf, Indicator
    from slo.domain.policy import NoData, Policy
    from slo.domain.window import Window

Births = Literal["auto", "count", "ignore"]

DEFAULT_IGNORED_LABELS = ("__replica__", "prometheus_replica", "replica")


@dataclass(frozen=True, slots=True)
class StateBounds:
    """Shares of the budget left at or below which a state begins."""

    caution: Decimal = Decimal("0.25")
    restricted: Decimal = Decimal("0.10")


@dataclass(frozen=True, slots=True)
class SLO:
    """One objective for one indicator of one service over a window."""

    service: str
    name: str
    objective: Decimal
    window: Window
    indicator: Indicator | FirstOf
    source: str
    bucket: int = 60
    """Seconds."""
    births: Births = "auto"
    ignore_labels: tuple[str, ...] = DEFAULT_IGNORED_LABELS
    was: str | None = None
    """The former id, `service/name`, if it was renamed."""
    owner: str = ""
    description: str = ""
    runbook: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    bounds: StateBounds = StateBounds()
    policy: Policy | None = None
    """The alert policy that slo.yaml declares; None: the default one of the objective."""
    no_data: NoData = "page"
    gate: tuple[GateReason, ...] | None = None
    """What closes its gate; None: what closes all gates."""

    @property
    def alert_policy(self) -> Policy:
        """The alert policy in force."""
        return self.policy or default_policy(self.objective, self.no_data)

    @property
    def id(self) -> str:
        """The SLO's id, `service/name`."""
        return f"{self.service}/{self.name}"

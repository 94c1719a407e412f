"""The metric families of incidents and of the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    SummaryMetricFamily,
)

from slo.domain.policy import SEVERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client import Metric

    from slo.domain.breaker import Health
    from slo.store import backlog, incidents


def incident_families(summary: incidents.Summary) -> Iterator[Metric]:
    """The metric families of incidents."""
    current = GaugeMetricFamily(
        "slo_incidents_open", "Incidents that are not resolved.", labels=["severity"]
    )
    for severity in SEVERE:
        current.add_metric([severity], summary.open.get(severity, 0))
    yield current
    seconds = SummaryMetricFamily(
        "slo_incident_seconds",
        "Time that the phases of resolved incidents took.",
        labels=["phase"],
    )
    for phase, (count, total) in summary.phases.items():
        seconds.add_metric([phase], count, total)
    yield seconds


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the outbox and its receivers do, by receiver; finished notifications by state too."""

    healths: Mapping[str, Health]
    backlogs: Mapping[str, backlog.Backlog]
    finished: Mapping[tuple[str, str], int]


def delivery_families(delivery: Delivery, now: float) -> Iterator[Metric]:
    """The metric families of the outbox."""
    pending = GaugeMetricFamily(
        "slo_outbox_pending", "Notifications that wait to be delivered.", labels=["receiver"]
    )
    for name in sorted({*delivery.healths, *delivery.backlogs}):
        waiting = delivery.backlogs.get(name)
        pending.add_metric([name], 0 if waiting is None else waiting.pending)
    yield pending
    # Without a label, so that one rule watches all; 0 is what an empty outbox shows.
    oldest = [b.oldest for b in delivery.backlogs.values() if b.oldest is not None]
    yield GaugeMetricFamily(
        "slo_outbox_oldest_pending_seconds",
        "How long the oldest notification waits.",
        value=max(0.0, now - min(oldest)) if oldest else 0.0,
    )
    deliveries = CounterMetricFamily(
        "slo_outbox_deliveries",
        "Notifications that are finished, by what became of them.",
        labels=["receiver", "outcome"],
    )
    for (name, state), count in sorted(delivery.finished.items()):
        deliveries.add_metric([name, state], count)
    yield deliveries
    dead = sum(count for (_, state), count in delivery.finished.items() if state == "dead")
    yield CounterMetricFamily("slo_outbox_dead", "Notifications that nobody got.", value=dead)
    up = GaugeMetricFamily(
        "slo_receiver_up",
        "0 while a receiver is paused or its breaker is open.",
        labels=["receiver"],
    )
    for name, health in sorted(delivery.healths.items()):
        up.add_metric([name], float(health.state in {"ok", "failing"}))
    yield up

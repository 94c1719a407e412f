"""The service's own /metrics: the standings as gauges, and how the service itself does.

Standings are read from the store at each scrape, so no gauge has to be kept in
step by hand, and an SLO that is gone leaves no series behind. All metrics live
in a registry of their own; the client library's global one stays untouched.
"""

from __future__ import annotations

import time
from collections import Counter as Tallies
from typing import TYPE_CHECKING, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import (
    GaugeMetricFamily,
)
from prometheus_client.registry import Collector

import slo
from slo.domain.standing import DataState, State
from slo.loaded_metrics import LoadedCollector
from slo.paging_metrics import Delivery, delivery_families, incident_families
from slo.store import backlog, cycles, facts, incidents, receivers, standings
from slo.store.engine import StoreError, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client import Metric
    from sqlalchemy import Engine

    from slo.domain.standing import Standing
    from slo.loaded import Loaded

STATES: tuple[State, ...] = get_args(State)
DATA_STATES: tuple[DataState, ...] = get_args(DataState)
_CYCLE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_GAUGES: tuple[tuple[str, str, Callable[[Standing], float | None]], ...] = (
    ("slo_objective", "Share of events that must be good.", lambda s: float(s.objective)),
    ("slo_sli", "Share of good events in the window.", lambda s: s.sli),
    (
        "slo_budget_remaining",
        "Share of the error budget that is left; negative when overspent.",
        lambda s: s.budget.remaining,
    ),
    (
        "slo_budget_allowed_events",
        "Bad events that the window's budget allows.",
        lambda s: s.budget.allowed,
    ),
    (
        "slo_budget_spent_events",
        "Bad events that count against the budget.",
        lambda s: s.budget.spent,
    ),
    ("slo_window_events", "Events in the window.", lambda s: s.total),
    ("slo_window_good_events", "Good events in the window.", lambda s: s.good),
    ("slo_window_bad_events", "Bad events in the window.", lambda s: s.bad),
    ("slo_coverage", "Share of the window for which there was data.", lambda s: s.coverage),
    (
        "slo_last_reading_timestamp_seconds",
        "End of the last bucket that was booked.",
        # Without a reading `at` is only the time of the cycle.
        lambda s: None if s.last_data is None else float(s.at),
    ),
)


class Metrics:
    """All metrics of one process; without `engine` or `loaded`, less what those hold."""

    def __init__(
        self,
        engine: Engine | None = None,
        registry: CollectorRegistry | None = None,
        loaded: Loaded | None = None,
    ) -> None:
        self.registry = registry if registry is not None else CollectorRegistry()
        self._cycles = Counter("slo_ledger_cycles", "Cycles run.", registry=self.registry)
        self._cycle_seconds = Histogram(
            "slo_ledger_cycle_seconds",
            "Time that a cycle took.",
            buckets=_CYCLE_BUCKETS,
            registry=self.registry,
        )
        self._booked = Counter(
            "slo_ledger_booked", "SLOs booked, summed over the cycles.", registry=self.registry
        )
        self._booking_errors = Counter(
            "slo_ledger_booking_errors",
            "SLOs that a cycle could not book, by kind of error.",
            ["kind"],
            registry=self.registry,
        )
        self._requests = Counter(
            "slo_ledger_source_requests",
            "Requests sent to a source.",
            ["source", "what"],
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "slo_ledger_source_request_seconds",
            "Time that a source took to answer.",
            ["source"],
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )
        self._source_errors = Counter(
            "slo_ledger_source_errors",
            "Requests that failed, by kind of error.",
            ["source", "kind"],
            registry=self.registry,
        )
        self._samples = Counter(
            "slo_ledger_samples_read",
            "Samples that a source read for us, by its own account.",
            ["source"],
            registry=self.registry,
        )
        self._heartbeat = Gauge(
            "slo_heartbeat_last_success_timestamp_seconds",
            "When the heartbeat URL was last reached; 0 while it never was.",
            registry=self.registry,
        )
        self._verify = Gauge(
            "slo_ledger_verify_difference_events",
            "Events by which the last recount of a past day differed from the ledger.",
            ["slo"],
            registry=self.registry,
        )
        Gauge(
            "slo_ledger_build_info",
            "Always 1; the label tells the version.",
            ["version"],
            registry=self.registry,
        ).labels(slo.__version__).set(1)
        if engine is not None:
            self.registry.register(StoreCollector(engine))
        if loaded is not None:
            self.registry.register(LoadedCollector(loaded))

    def observe_request(
        self, source: str, what: str, seconds: float, samples: int, error_kind: str | None = None
    ) -> None:
        """Count one request to `source`; `samples` as the source counted them."""
        self._requests.labels(source, what).inc()
        self._request_seconds.labels(source).observe(seconds)
        self._samples.labels(source).inc(samples)
        if error_kind is not None:
            self._source_errors.labels(source, error_kind).inc()

    def observe_cycle(self, seconds: float, booked: int, errors: Mapping[str, int]) -> None:
        """Count one finished cycle: SLOs booked, and those that failed by kind of error."""
        self._cycles.inc()
        self._cycle_seconds.observe(seconds)
        self._booked.inc(booked)
        for kind, amount in errors.items():
            self._booking_errors.labels(kind).inc(amount)

    def observe_heartbeat(self, at: float) -> None:
        """Keep when the heartbeat last got through, epoch seconds."""
        self._heartbeat.set(at)

    def observe_verify(self, slo_id: str, difference: float) -> None:
        """Keep by how many events a recount of a past day differed from the ledger."""
        self._verify.labels(slo_id).set(difference)


class StoreCollector(Collector):
    """What the store holds, read at each scrape; a store out of reach costs only these."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        """Nothing: without this the registry would scrape the store when it is registered."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The metric families of all standings and of the last cycle."""
        up = GaugeMetricFamily("slo_ledger_store_up", "Whether the store answered this scrape.")
        try:
            with reading(self._engine) as session:
                found = standings.all(session, now=self._clock(), sparklines=False)
                last = cycles.last(session)
                backup = facts.of(session, "backup")
                worked_on = incidents.summary(session)
                delivery = Delivery(
                    receivers.healths(session),
                    backlog.backlogs(session),
                    backlog.count_finished(session),
                )
        except StoreError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        finished = GaugeMetricFamily(
            "slo_ledger_last_cycle_timestamp_seconds", "When the last cycle finished."
        )
        if last is not None and last.finished is not None:
            finished.add_metric([], last.finished)
        yield finished
        made = GaugeMetricFamily(
            "slo_ledger_last_backup_timestamp_seconds", "When `slo db backup` last made one."
        )
        if backup is not None:
            made.add_metric([], backup["at"])
        yield made
        yield from standing_families(found)
        yield from incident_families(worked_on)
        yield from delivery_families(delivery, self._clock())


def standing_families(found: Iterable[Standing]) -> Iterator[Metric]:
    """The metric families of standings; a number that does not exist has no sample."""
    known = list(found)
    for name, text, value_of in _GAUGES:
        family = GaugeMetricFamily(name, text, labels=["slo", "service"])
        for standing in known:
            value = value_of(standing)
            if value is not None:
                family.add_metric([standing.slo, standing.service], value)
        yield family
    yield _burn_rates(known)
    yield _one_hot("slo_state", "state", STATES, [(s, s.state) for s in known])
    yield _one_hot("slo_data", "data", DATA_STATES, [(s, s.data) for s in known])
    yield _notes(known)
    yield _alerts(known)


def _burn_rates(known: list[Standing]) -> Metric:
    family = GaugeMetricFamily(
        "slo_burn_rate",
        "How many times faster than sustainable the budget burns.",
        labels=["slo", "service", "span"],
    )
    for standing in known:
        for span, rate in standing.burn_rates:
            if rate is not None:
                family.add_metric([standing.slo, standing.service, span], rate)
    return family


def _one_hot(
    name: str, label: str, values: Iterable[str], known: list[tuple[Standing, str]]
) -> Metric:
    family = GaugeMetricFamily(
        name, f"1 for the {label} that holds, 0 for the others.", labels=["slo", "service", label]
    )
    for value in values:
        for standing, holds in known:
            family.add_metric([standing.slo, standing.service, value], float(holds == value))
    return family


def _notes(known: list[Standing]) -> Metric:
    family = GaugeMetricFamily(
        "slo_notes", "Notes on what makes a number unsure.", labels=["slo", "service", "kind"]
    )
    for standing in known:
        kinds = Tallies(note.kind for note in standing.notes)
        for kind, amount in sorted(kinds.items()):
            family.add_metric([standing.slo, standing.service, kind], amount)
    return family


def _alerts(known: list[Standing]) -> Metric:
    family = GaugeMetricFamily(
        "slo_alert_firing",
        "1 for each alert that fires.",
        labels=["slo", "service", "rule", "severity"],
    )
    for standing in known:
        for alert in standing.alerts:
            if alert.since is not None:
                family.add_metric([standing.slo, standing.service, alert.rule, alert.severity], 1)
    return family

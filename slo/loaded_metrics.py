"""The metrics of slo.yaml: whether what is in force is what the file says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from slo.loaded import Loaded


class LoadedCollector(Collector):
    """How the last load of slo.yaml went, read at each scrape."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded

    def collect(self) -> Iterator[Metric]:
        """The metric families of the last load."""
        state = self._loaded.state
        yield GaugeMetricFamily(
            "slo_ledger_config_last_reload_successful",
            "Whether the newest slo.yaml is in force; 0 while it has faults.",
            value=float(not state.faults),
        )
        yield GaugeMetricFamily(
            "slo_ledger_config_last_reload_success_timestamp_seconds",
            "When the slo.yaml in force was read.",
            value=state.loaded_at,
        )
        yield GaugeMetricFamily(
            "slo_ledger_config_faults",
            "Faults of the newest slo.yaml, which keep it from coming into force.",
            value=len(state.faults),
        )
        yield GaugeMetricFamily(
            "slo_ledger_config_restart_needed",
            "Whether slo.yaml says something that only a restart brings into force.",
            value=float(bool(state.waiting)),
        )

"""The top of slo.yaml, and the settings that the whole file declares."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field

from slo.config.advice import warnings_of
from slo.config.alerts import AlertsValue
from slo.config.definitions import ALERTS, NO_DATA, Common, ServiceShape
from slo.config.document import KEY
from slo.config.gates import GateShape
from slo.config.keeping import KeepValue, keep_of
from slo.config.kinds import (
    BaseUrl,
    DatabaseUrl,
    Duration,
    InstallationName,
    NoDataWord,
    Seconds,
    Url,
)
from slo.config.overrides import override_complaints
from slo.config.paging import OutboundShape, PostmortemsShape, QuietHoursShape
from slo.config.readers import interval_of
from slo.config.receivers import ReceiverShape
from slo.config.references import DEFAULT_SERVICE, DEFAULT_SOURCE, reference_complaints
from slo.config.routes import RoutesValue
from slo.config.settings import Settings
from slo.config.shape import Shape
from slo.config.short_form import MetricsShape, ShortShape
from slo.config.site import SiteShape, site_complaints
from slo.config.sources import SourceShape
from slo.config.windows import WindowValue
from slo.domain.duration import format_duration
from slo.domain.window import RollingWindow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePath

    from slo.config.definitions import Definition
    from slo.config.shape import Complaint
    from slo.domain.policy import NoData
    from slo.domain.source import Source

_SHORTEST_SPAN = 300
"""Seconds of the shortest burn-rate window; it and every local midnight end a bucket."""


class DatabaseShape(Shape):
    """The ledger's database."""

    url: DatabaseUrl = Field(
        default="sqlite:///slo.db",
        description="sqlite:///slo.db or postgresql://user:password@host/slo. "
        "A relative SQLite path is relative to the working directory.",
    )


class RootShape(Shape):
    """slo.yaml of SLO Ledger."""

    prometheus: SourceShape | None = Field(
        default=None, description="The one Prometheus to read from."
    )
    sources: dict[str, SourceShape] = Field(
        default={}, description="Several Prometheus servers by name, instead of prometheus."
    )
    database: DatabaseShape = Field(
        default_factory=DatabaseShape, description="Where the ledger is kept."
    )
    interval: Seconds = Field(
        default=timedelta(seconds=60),
        description="Spacing of cycles, and the bucket of every SLO; a divisor of 5m.",
    )
    window: WindowValue = Field(
        default=RollingWindow(timedelta(days=30)), description="Window of SLOs that name none."
    )
    keep: KeepValue | None = Field(
        default=None,
        description="How long readings are kept at which spacing; "
        "{1m: 3d, 5m: 35d, 1h: 400d, 1d: forever} where it is left out.",
    )
    max_gap: Duration = Field(
        default=timedelta(days=7),
        description="How long a series may be silent and still be counted on from its last value.",
    )
    keep_notifications: Duration = Field(
        default=timedelta(days=90),
        description="How long finished notifications are kept; those that nobody got, at least 1y.",
    )
    services: dict[str, ServiceShape] = Field(default={}, description="The services by name.")
    short: ShortShape | None = Field(
        default=None, alias="SLO", description="Short form: objectives of the service `default`."
    )
    metrics: MetricsShape | None = Field(
        default=None, description="Metrics of the short form, where they are not the usual ones."
    )
    receivers: dict[str, ReceiverShape] = Field(
        default={}, description="Where notifications can go, by name."
    )
    routes: RoutesValue = Field(default=(), description="Which receivers get which alerts.")
    alerts: AlertsValue = Field(default={}, description=ALERTS)
    no_data: NoDataWord = Field(default="page", description=NO_DATA)
    quiet_hours: QuietHoursShape | None = Field(
        default=None, description="The local time of day in which tickets wait."
    )
    outbound: OutboundShape = Field(
        default_factory=OutboundShape,
        description="What receivers may reach beside public addresses.",
    )
    heartbeat: Url | None = Field(
        default=None, description="URL that is asked for after each finished cycle."
    )
    postmortems: PostmortemsShape = Field(
        default_factory=PostmortemsShape, description="When a postmortem is required."
    )
    gate: GateShape = Field(default_factory=GateShape, description="What closes gates.")
    url: BaseUrl | None = Field(
        default=None, description="Where people reach the site, for links in notifications."
    )
    name: InstallationName = Field(
        default="slo-ledger", description="What this installation calls itself in notifications."
    )
    site: SiteShape = Field(
        default_factory=SiteShape, description="Who has to log in, and how the site is reached."
    )

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """At least one SLO, an interval that fits, and names that are declared."""
        if not data.get("services") and not data.get("SLO"):
            yield (), "no SLO is declared; add services, or the short form SLO"
        if "metrics" in data and "SLO" not in data:
            yield ("metrics", KEY), "belongs to the short form; add SLO beside it"
        if data.get("sources") == {}:
            yield ("sources", KEY), "is empty; declare at least one server"
        interval = interval_of(data.get("interval", "60s"))
        if interval is not None and _SHORTEST_SPAN % interval:
            yield (
                ("interval",),
                "must divide 5m, the shortest window of a burn rate; write for example 60s",
            )
        yield from _keep_complaints(data.get("keep"), interval)
        yield from reference_complaints(data)
        yield from site_complaints(data)
        yield from override_complaints(data)

    def settings(self, folder: PurePath) -> Settings:
        """The settings; relative paths of files begin in `folder`."""
        sources = self._sources(folder)
        bucket = round(self.interval.total_seconds())
        common = Common(
            self.window, sources[0].name, bucket, self.alerts, cast("NoData", self.no_data)
        )
        definitions: list[Definition] = []
        if self.short is not None:
            top = ServiceShape.model_construct(short=self.short, metrics=self.metrics)
            definitions += top.definitions(DEFAULT_SERVICE, common)
        for name, service in self.services.items():
            definitions += service.definitions(name, common)
        slos = tuple(definition.slo for definition in definitions)
        defaults = [definition.sentence for definition in definitions if definition.sentence]
        settings = Settings(
            sources=sources,
            slos=slos,
            database_url=self.database.url,
            interval=bucket,
            keep=keep_of(self.keep, self.interval),
            max_gap=self.max_gap,
            keep_notifications=self.keep_notifications,
            receivers=tuple(shape.receiver(name, folder) for name, shape in self.receivers.items()),
            routes=tuple(route for shape in self.routes for route in shape.routes()),
            quiet_hours=None if self.quiet_hours is None else self.quiet_hours.hours(),
            outbound=self.outbound.outbound(),
            heartbeat=self.heartbeat or "",
            postmortems=self.postmortems.settings(folder),
            gate=self.gate.settings(),
            unlisted=tuple(n for n, service in self.services.items() if not service.status_page),
            url=self.url or "",
            name=self.name,
            site=self.site.settings(),
            defaults=tuple(defaults),
        )
        return replace(settings, warnings=tuple(dict.fromkeys(warnings_of(settings))))

    def _sources(self, folder: PurePath) -> tuple[Source, ...]:
        if self.prometheus is not None:
            return (self.prometheus.source(DEFAULT_SOURCE, folder),)
        return tuple(shape.source(name, folder) for name, shape in self.sources.items())


def _keep_complaints(keep: object, interval: int | None) -> Iterator[Complaint]:
    first = next(iter(keep), None) if isinstance(keep, dict) else None
    if interval is None or first is None:
        return
    finest = interval_of(first)
    if finest is not None and finest != interval:
        spacing = format_duration(timedelta(seconds=interval))
        yield ("keep",), f"must begin with the interval, as in {spacing}: 3d"

"""The keys of services and SLOs in slo.yaml, and the SLOs that they declare."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field

from slo.config.alerts import AlertsValue
from slo.config.document import KEY
from slo.config.gates import OwnGateShape
from slo.config.indicators import (
    EventsShape,
    FreshnessShape,
    LatencyShape,
    MeanShape,
    QueryShape,
    SlicesShape,
)
from slo.config.kinds import (
    BirthsWord,
    Flag,
    LabelName,
    NoDataWord,
    Objective,
    Share,
    SLOId,
    Text,
    Url,
)
from slo.config.policies import Judged, Layer, make_policy
from slo.config.readers import LABEL, share_of
from slo.config.shape import Shape
from slo.config.short_form import MetricsShape, ShortShape, short_slos
from slo.config.windows import WindowValue, usual_length
from slo.domain.slo import DEFAULT_IGNORED_LABELS, SLO, StateBounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slo.config.alerts import AlertValue
    from slo.config.shape import Complaint
    from slo.domain.indicator import FirstOf, Indicator
    from slo.domain.policy import NoData
    from slo.domain.slo import Births
    from slo.domain.window import Window

ALERTS = "What is changed of the default alert rules, by the rule's name."
NO_DATA = "What having no data means: page, ticket, bad (of slices) or ignore."
INDICATORS = ("events", "latency", "mean", "slices", "freshness", "query")


class StatesShape(Shape):
    """Shares of the budget left at or below which a state begins."""

    caution: Share = Field(default=Decimal("0.25"), description="At or below this share: caution.")
    restricted: Share = Field(
        default=Decimal("0.10"), description="At or below this share: restricted."
    )

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """Caution begins before restricted."""
        caution = share_of(data.get("caution", "25%"))
        restricted = share_of(data.get("restricted", "10%"))
        if caution is not None and restricted is not None and caution <= restricted:
            yield (), "caution must be larger than restricted, as in caution: 25%, restricted: 10%"


class SLOShape(Shape):
    """One objective for one indicator."""

    objective: Objective | None = Field(
        default=None, description="Share of events that must be good: 99.9%, 99.9 or 0.999."
    )
    window: WindowValue | None = Field(
        default=None,
        description="Over which the objective is judged: 30d, month, or a calendar period.",
    )
    events: EventsShape | None = Field(default=None, description="Indicator: counters of events.")
    latency: LatencyShape | None = Field(
        default=None,
        description="Indicator: events of a histogram that were faster than a threshold.",
    )
    mean: MeanShape | None = Field(
        default=None, description="Indicator: the mean of a Summary in slices."
    )
    slices: SlicesShape | None = Field(
        default=None, description="Indicator: any PromQL value, one good or bad slice per interval."
    )
    freshness: FreshnessShape | None = Field(
        default=None, description="Indicator: the age of the newest timestamp, in slices."
    )
    query: QueryShape | None = Field(
        default=None, description="Indicator: events estimated by PromQL with `$window`."
    )
    source: Text | None = Field(
        default=None, description="Name of the source that it is read from."
    )
    births: BirthsWord = Field(
        default="auto",
        description="Whether the first value of a new series counts: auto, count or ignore.",
    )
    ignore_labels: list[LabelName] = Field(
        default=list(DEFAULT_IGNORED_LABELS),
        description="Labels that only tell replicas of Prometheus apart; replaces the default.",
    )
    was: SLOId | None = Field(default=None, description="Former id, service/name, after a rename.")
    owner: Text | None = Field(default=None, description="Who answers for it.")
    description: Text | None = Field(default=None, description="What it promises, in a sentence.")
    runbook: Url | None = Field(default=None, description="Link to what to do when it burns.")
    labels: dict[str, Text] = Field(default={}, description="Labels of your own, name and text.")
    states: StatesShape = Field(
        default_factory=StatesShape, description="Shares of the budget left at which states begin."
    )
    alerts: AlertsValue = Field(default={}, description=ALERTS)
    no_data: NoDataWord | None = Field(default=None, description=NO_DATA)
    gate: OwnGateShape | None = Field(default=None, description="What closes its gate.")

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """Just one indicator, states in order, and lawful label names."""
        given = [key for key in INDICATORS if key in data]
        if not given:
            yield (), f"needs an indicator, one of {', '.join(INDICATORS)}"
        for extra in given[1:]:
            yield (extra, KEY), f"cannot stand beside {given[0]}; an SLO has one indicator"
        yield from label_complaints(data)

    def indicator(self) -> Indicator:
        """The indicator that these keys declare."""
        shape = next(s for key in INDICATORS if (s := getattr(self, key)) is not None)
        return cast("Indicator", shape.indicator())


class ServiceShape(Shape):
    """A service: its SLOs, and what they have in common."""

    owner: Text | None = Field(default=None, description="Who answers for the service.")
    description: Text | None = Field(
        default=None, description="What the service does, in a sentence."
    )
    runbook: Url | None = Field(default=None, description="Link to what to do when an SLO burns.")
    labels: dict[str, Text] = Field(default={}, description="Labels of all its SLOs.")
    source: Text | None = Field(default=None, description="Name of the source of all its SLOs.")
    objective: Objective | None = Field(
        default=None, description="Objective of SLOs that name none."
    )
    window: WindowValue | None = Field(default=None, description="Window of SLOs that name none.")
    alerts: AlertsValue = Field(default={}, description=ALERTS)
    no_data: NoDataWord | None = Field(default=None, description=NO_DATA)
    gate: OwnGateShape | None = Field(
        default=None, description="What closes the gates of its SLOs."
    )
    status_page: Flag = Field(
        default=True, description="Whether the status page, badges and the feed show it."
    )
    slos: dict[str, SLOShape] = Field(default={}, description="The SLOs by name.")
    short: ShortShape | None = Field(
        default=None, alias="SLO", description="Short form: objectives over usual metrics."
    )
    metrics: MetricsShape | None = Field(
        default=None, description="Metrics of the short form, where they are not the usual ones."
    )

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """At least one SLO, and metrics only beside the short form."""
        if not data.get("slos") and not data.get("SLO"):
            yield (), "has no SLO; add slos, or the short form SLO"
        if "metrics" in data and "SLO" not in data:
            yield ("metrics", KEY), "belongs to the short form; add SLO beside it"
        yield from label_complaints(data)

    def definitions(self, service: str, common: Common) -> Iterator[Definition]:
        """The SLOs of the service; what they leave out is the service's, then `common`."""
        for name, shape in self.slos.items():
            objective = shape.objective or self.objective
            if objective is None:  # The loader refuses this before it comes here.
                raise ValueError(f"{service}/{name} has no objective")
            indicator = shape.indicator()
            yield Definition(self._slo(service, name, shape, objective, indicator, common))
        if self.short is None:
            return
        for short in short_slos(self.short, self.metrics or MetricsShape()):
            slo = self._slo(
                service,
                short.name,
                SLOShape.model_construct(),
                short.objective,
                short.indicator,
                common,
            )
            yield Definition(slo, f"{slo.id} is {short.sentence}, over {slo.window.label()}")

    def _slo(
        self,
        service: str,
        name: str,
        shape: SLOShape,
        objective: Decimal,
        indicator: Indicator | FirstOf,
        common: Common,
    ) -> SLO:
        window = shape.window or self.window or common.window
        layers = (
            Layer(common.alerts, 0),
            Layer(self.alerts, 1),
            Layer(shape.alerts, 2),
        )
        near = 2 if shape.no_data else 1 if self.no_data else 0
        no_data = cast("NoData", shape.no_data or self.no_data or common.no_data)
        gate = shape.gate or self.gate
        interval = timedelta(seconds=common.bucket)
        judged = Judged(objective, usual_length(window), interval, no_data, near)
        return SLO(
            service=service,
            name=name,
            objective=objective,
            window=window,
            indicator=indicator,
            source=shape.source or self.source or common.source,
            bucket=common.bucket,
            births=cast("Births", shape.births),
            ignore_labels=tuple(sorted(set(shape.ignore_labels))),
            was=shape.was,
            owner=shape.owner or self.owner or "",
            description=shape.description or self.description or "",
            runbook=shape.runbook or self.runbook or "",
            labels=tuple(sorted({**self.labels, **shape.labels}.items())),
            bounds=StateBounds(shape.states.caution, shape.states.restricted),
            policy=make_policy(layers, judged)[0],
            no_data=no_data,
            gate=None if gate is None else gate.reasons(),
        )


@dataclass(frozen=True, slots=True)
class Common:
    """What SLOs take from the whole file."""

    window: Window
    source: str
    bucket: int
    """Seconds."""
    alerts: Mapping[str, AlertValue] = field(default_factory=dict)
    no_data: NoData = "page"


@dataclass(frozen=True, slots=True)
class Definition:
    """An SLO, and the sentence that tells what the short form filled in."""

    slo: SLO
    sentence: str = ""


def label_complaints(data: dict[str, Any]) -> Iterator[Complaint]:
    """Faults in the names of labels, which `/metrics` shows."""
    labels = data.get("labels")
    for name in labels if isinstance(labels, dict) else ():
        if not LABEL.fullmatch(name):
            yield (
                ("labels", name, KEY),
                "is not a label name; use letters, digits and _, not beginning with a digit",
            )

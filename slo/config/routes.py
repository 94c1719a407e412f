"""The keys of `routes` in slo.yaml: which receivers get which alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

from pydantic import Field, PlainValidator, TypeAdapter, WithJsonSchema

from slo.config.document import KEY
from slo.config.kinds import SeverityWord, Text
from slo.config.scalars import ScalarError
from slo.config.settings import Route
from slo.config.shape import Shape
from slo.domain.policy import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slo.config.shape import Complaint


class RoutesShape(Shape):
    """Receivers by severity."""

    page: list[Text] = Field(default=[], description="Receivers of alerts that wake people.")
    ticket: list[Text] = Field(
        default=[], description="Receivers of alerts that can wait for the day."
    )


class RouteShape(Shape):
    """The receivers of the alerts that fit; a key that is left out fits all."""

    severity: SeverityWord | None = Field(
        default=None, description="Only alerts of this severity: page or ticket."
    )
    service: Text | None = Field(default=None, description="Only alerts of this service.")
    owner: Text | None = Field(default=None, description="Only alerts of this owner's SLOs.")
    labels: dict[str, Text] = Field(
        default={}, description="Only alerts of SLOs that have all of these labels."
    )
    receivers: list[Text] = Field(description="The receivers, by name.")

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """At least one receiver."""
        if data.get("receivers") == []:
            yield ("receivers", KEY), "is empty; write at least one receiver"

    def routes(self) -> Iterator[Route]:
        """One route per severity."""
        severities = (cast("Severity", self.severity),) if self.severity else get_args(Severity)
        for severity in severities:
            yield Route(
                severity,
                tuple(dict.fromkeys(self.receivers)),
                service=self.service or "",
                owner=self.owner or "",
                labels=tuple(sorted(self.labels.items())),
            )


_LIST: TypeAdapter[list[RouteShape]] = TypeAdapter(list[RouteShape])


def _routes(value: object) -> tuple[RouteShape, ...]:
    if isinstance(value, list):
        return tuple(_LIST.validate_python(value))
    if not isinstance(value, dict):
        raise ScalarError("must be a mapping such as {page: [pager]}, or a list of routes")
    shape = RoutesShape.model_validate(value)
    named = (("page", shape.page), ("ticket", shape.ticket))
    return tuple(RouteShape(severity=word, receivers=names) for word, names in named if names)


def _schema() -> dict[str, Any]:
    route = RouteShape.model_json_schema()
    return {"anyOf": [RoutesShape.model_json_schema(), {"type": "array", "items": route}]}


RoutesValue = Annotated[tuple[RouteShape, ...], PlainValidator(_routes), WithJsonSchema(_schema())]

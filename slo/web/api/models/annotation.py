"""Models of annotations: marks on the timeline."""

from __future__ import annotations

from pydantic import Field

from slo.domain.annotation import AnnotationKind
from slo.web.api.models.base import NEXT, Answer, Change, Instant, ListQuery, Time

_SCOPE = "A service, `service/*`, an SLO (`service/name`), or `*` for all."


class AnnotationChange(Change):
    """An annotation to be added."""

    kind: AnnotationKind = Field(description="What happened.", examples=["deploy"])
    scope: str = Field(description=_SCOPE, examples=["fraud-model"])
    title: str = Field(
        description="One line, at most 200 characters.", examples=["fraud-model 2.4"]
    )
    at: Instant | None = Field(
        default=None, description="When, at most a day ahead; now where it is left out."
    )
    end: Instant | None = Field(default=None, description="When it was over, if it took a while.")
    text: str = Field(default="", description="More, at most 4,000 characters.")
    url: str = Field(default="", description="A link to it, by http or https.")
    labels: dict[str, str] = Field(
        default={}, description="Such as `version` and `commit`.", examples=[{"version": "2.4"}]
    )
    key: str | None = Field(
        default=None,
        description="A key of your own: sent twice with the same content, it is one annotation;"
        " sent again with an `end`, one that runs is over.",
        examples=["deploy-4711"],
    )


class AnnotationAnswer(Answer):
    """One annotation."""

    id: int = Field(description="Its number.")
    kind: AnnotationKind = Field(description="What happened.")
    scope: str = Field(description=_SCOPE)
    at: Time = Field(description="When.")
    end: Time | None = Field(description="When it was over, if it took a while.")
    title: str = Field(description="What happened, in a line.")
    text: str = Field(description="More of it; may be empty.")
    url: str = Field(description="A link to it; may be empty.")
    labels: dict[str, str] = Field(description="Such as `version` and `commit`.")
    who: str = Field(description="Who made it.")
    key: str | None = Field(description="The key of the one who sent it.")
    created_at: Time = Field(description="When it was made.")


class AnnotationQuery(ListQuery):
    """Which annotations to list."""

    start: Instant | None = Field(
        default=None, alias="from", description="Leaves out those that were over before."
    )
    to: Instant | None = Field(
        default=None, description="Leaves out those that begin then or later."
    )
    scope: str | None = Field(
        default=None,
        description="An SLO, with what is about its service and about all; "
        "or a service, with what is about its SLOs.",
    )
    kind: AnnotationKind | None = Field(default=None, description="Only those of this kind.")


class AnnotationListAnswer(Answer):
    """Annotations, newest first."""

    annotations: list[AnnotationAnswer] = Field(description="Those that fit.")
    next: str | None = Field(description=NEXT)

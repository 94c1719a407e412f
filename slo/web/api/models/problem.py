"""The model of a problem: what is told of a request that is refused (RFC 9457)."""

from __future__ import annotations

from pydantic import Field

from slo.web.api.models.base import Answer


class Complaint(Answer):
    """One fault of a request."""

    at: str = Field(description="Where it is.", examples=["body.scope", "query.limit"])
    text: str = Field(description="What is wrong, and what to do instead.")


class Problem(Answer):
    """Why a request was refused, and what to do instead."""

    type: str = Field(description="Always `about:blank`: the status says what kind it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong, in words, with the remedy.")
    instance: str = Field(description="The path that was asked for.")
    errors: list[Complaint] = Field(default=[], description="Every fault of the request.")
    near: list[str] = Field(default=[], description="Ids that are like the one asked for.")

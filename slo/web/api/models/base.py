"""The ground of the models: what goes in is refused if unknown, what goes out is told whole.

Instants, ids and limits are types of their own, so that each is read and described
in one way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
)

from slo.domain.instant import InstantError, parse_ago, parse_instant
from slo.sent import LARGEST_ID

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 1000
"""Things that one answer may list."""
LONGEST_NAME = 200
_LONGEST_NUMBER = 20
_EPOCH = {"type": "integer", "minimum": 0, "maximum": 100_000_000_000}


class Input(BaseModel):
    """What a request brings; a key that is not declared is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Query(Input):
    """The parameters of an address."""


class Body(Input):
    """The JSON object that a request sends."""


def _leave_open(schema: dict[str, Any]) -> None:
    """Clients must bear further keys: the contract is that none goes."""
    schema.pop("additionalProperties", None)


def like(example: dict[str, Any]) -> ConfigDict:
    """The configuration of an answer that looks like `example`."""

    def tell(schema: dict[str, Any]) -> None:
        _leave_open(schema)
        schema["examples"] = [example]

    return ConfigDict(json_schema_extra=tell)


class Answer(BaseModel):
    """The JSON object that an operation gives.

    Answers are not validated while they are served, only by the tests: there a key
    that is not declared is a fault.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, json_schema_extra=_leave_open
    )


def whole(least: int, most: int) -> Callable[[Any, ValidationInfo], int]:
    """A reader of whole numbers between two bounds; those of an address are digits."""
    told = f"must be a whole number from {least} to {most}"

    def read(value: Any, info: ValidationInfo) -> int:
        if isinstance(value, str) and info.mode != "json":
            if not (value.isascii() and value.isdecimal() and len(value) <= _LONGEST_NUMBER):
                raise ValueError(f"{value[:40]!r} {told}")
            number = int(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            number = value
        else:
            raise ValueError(told)
        if not least <= number <= most:
            shown = repr(value) if isinstance(value, str) else str(number)[:40]
            raise ValueError(f"{shown} {told}")
        return number

    return read


def _schema(least: int, most: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "minimum": least, "maximum": most})


RowId = Annotated[int, BeforeValidator(whole(1, LARGEST_ID)), _schema(1, LARGEST_ID)]
"""The number of an incident, a notification, ..."""
Version = Annotated[int, BeforeValidator(whole(0, LARGEST_ID)), _schema(0, LARGEST_ID)]
Limit = Annotated[int, BeforeValidator(whole(1, MOST)), _schema(1, MOST)]


def _instant(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InstantError("must be a time: text, or epoch seconds")
    return parse_instant(str(value))


def _ago(value: Any, info: ValidationInfo) -> int:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InstantError("must be a time: text, or epoch seconds")
    now: int = (info.context or {})["now"]
    return parse_ago(str(value), now)


def _ahead(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("must be text or a whole number")  # noqa: TRY004 -- pydantic collects ValueErrors.
    return str(value)


def _switch(value: Any) -> bool:
    if value in {"true", "false"}:
        return bool(value == "true")
    raise ValueError(f"cannot be {str(value)[:40]!r}; true or false")


_TIME = {"anyOf": [{"type": "string", "format": "date-time"}, _EPOCH]}
_SPAN = {"type": "string", "pattern": r"^[0-9]", "examples": ["7d"]}
Instant = Annotated[int, BeforeValidator(_instant), WithJsonSchema(_TIME)]
"""RFC 3339, a day, or epoch seconds."""
Ago = Annotated[
    int,
    BeforeValidator(_ago),
    WithJsonSchema({"anyOf": [*_TIME["anyOf"], _SPAN]}),
]
"""An instant, or a duration back from now."""
Ahead = Annotated[
    str,
    BeforeValidator(_ahead),
    WithJsonSchema({"anyOf": [*_TIME["anyOf"], _SPAN]}),
]
"""An instant, or a duration on from now; kept as its text, which is read where it is used."""
Switch = Annotated[bool, BeforeValidator(_switch), WithJsonSchema({"type": "boolean"})]
"""`true` or `false` in an address."""


def _name(value: str) -> str:
    if not value.strip() or len(value) > LONGEST_NAME or not value.isprintable():
        raise ValueError(f"must be a name of 1 to {LONGEST_NAME} printable characters")
    return value


_LENGTHS = {"minLength": 1, "maxLength": LONGEST_NAME}
Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra=_LENGTHS)]
"""A name of a person or a thing."""
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""An instant in an answer: RFC 3339 in UTC."""
WHO = "Who does it, for the timeline and the audit; one who is logged in is named by the login."


CURSOR = "The `next` of a former answer to the same query: goes on there."


class Change(Body):
    """The body of a change; who makes it may be said."""

    who: Name | None = Field(default=None, description=WHO, examples=["mia"])


class ListQuery(Query):
    """The parameters of a list that grows: how many, and from where on."""

    limit: Limit = Field(default=100, description="How many to list at most.")
    cursor: str | None = Field(default=None, description=CURSOR)


class WholeQuery(Query):
    """The parameters of a list that slo.yaml keeps short: all of it, unless a part is wanted."""

    limit: Limit | None = Field(default=None, description="How many to list at most; else all.")
    cursor: str | None = Field(default=None, description=CURSOR)


NEXT = "The cursor that goes on, as `cursor`; null: that was all."

"""The windows of slo.yaml: `30d`, `month`, or a calendar period in a time zone."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, cast

from pydantic import Field, PlainValidator, WithJsonSchema

from slo.config.document import Filled, Plain
from slo.config.kinds import Zone
from slo.config.readers import read_seconds
from slo.config.scalars import ScalarError, choice, hint, shown
from slo.config.shape import Shape
from slo.domain.duration import DurationError
from slo.domain.window import (
    CALENDAR_UNITS,
    CalendarUnit,
    CalendarWindow,
    RollingWindow,
    Window,
)

CalendarWord = Annotated[str, *choice(*CALENDAR_UNITS)]


class CalendarShape(Shape):
    """A calendar period in a time zone."""

    calendar: CalendarWord = Field(description="week (from Monday), month, quarter or year.")
    zone: Zone = Field(default="UTC", description="Time zone in which the period begins.")


_USUAL_DAYS: dict[CalendarUnit, int] = {"week": 7, "month": 30, "quarter": 91, "year": 365}


def usual_length(window: Window) -> timedelta:
    """The length of a window; of a calendar period the usual one."""
    if isinstance(window, RollingWindow):
        return window.length
    return timedelta(days=_USUAL_DAYS[window.unit])


def _window(value: object) -> Window:
    if isinstance(value, dict):
        shape = CalendarShape.model_validate(value)
        return CalendarWindow(cast("CalendarUnit", shape.calendar), shape.zone)
    text = value.text if isinstance(value, Plain) else value
    if not isinstance(text, str):
        raise ScalarError("must be a duration such as 30d, or {calendar: month, zone: UTC}")
    word = text.strip()
    if word in CALENDAR_UNITS:
        return CalendarWindow(word)
    try:
        return RollingWindow(read_seconds(text))
    except (DurationError, ScalarError) as error:
        if isinstance(value, Filled) or word.isalpha():
            rest = hint("" if isinstance(value, Filled) else word, CALENDAR_UNITS, "calendar")
            raise ScalarError(f"{shown(value)} is not a window such as 30d{rest}") from None
        raise ScalarError(str(error)) from None


def _schema() -> dict[str, Any]:
    calendar = CalendarShape.model_json_schema()
    return {
        "anyOf": [
            {"type": "string", "examples": ["30d", *CALENDAR_UNITS]},
            {**calendar, "description": calendar["description"]},
        ]
    }


WindowValue = Annotated[Window, PlainValidator(_window), WithJsonSchema(_schema())]

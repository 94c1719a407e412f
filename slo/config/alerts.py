"""The keys of `alerts` in slo.yaml: what is changed of the default alert rules, by name."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PlainValidator, ValidationError, WithJsonSchema

from slo.config.document import KEY, Plain
from slo.config.kinds import Count, Factor, Seconds, SeverityWord, Share
from slo.config.readers import NAME, read_spent
from slo.config.scalars import ScalarError, shown
from slo.config.shape import Shape, fault_error, faults_of
from slo.domain.policy import ACCURACY_LADDER, LADDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slo.config.shape import Complaint

LADDER_NAMES = tuple(dict.fromkeys(rule.name for rule in (*LADDER, *ACCURACY_LADDER)))
DEFAULT_NAMES = (*LADDER_NAMES, "floor", "budget", "dead", "gone", "blind")
"""What alerts may change; `budget` stands for all rules of budget spent."""

_LONGEST_NAME = 64
_NAME = re.compile(NAME, re.ASCII)
_SWITCH = {"off": False, "false": False, "on": True, "true": True}


class BurnShape(Shape):
    """A burn-rate rule: both windows must burn at the factor."""

    factor: Factor | None = Field(default=None, description="Burn rate that it fires at, 14.4.")
    long: Seconds | None = Field(default=None, description="The long window, such as 1h.")
    short: Seconds | None = Field(
        default=None, description="The short window, which must burn too, such as 5m."
    )
    min_bad_events: Count | None = Field(
        default=None, description="Bad events that the long window must hold."
    )
    severity: SeverityWord | None = Field(
        default=None, description="page wakes people, ticket can wait for the day."
    )

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """Something to change."""
        yield from _empty(data, "factor: 6")


class FloorShape(Shape):
    """A rule that fires while the indicator lies below a share."""

    least: Share | None = Field(default=None, description="It fires below this share, 90%.")
    over: Seconds | None = Field(default=None, description="The window that it looks at, 1h.")
    min_bad_events: Count | None = Field(
        default=None, description="Bad events that the window must hold."
    )
    severity: SeverityWord | None = Field(
        default=None, description="page wakes people, ticket can wait for the day."
    )

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """Something to change."""
        yield from _empty(data, "least: 90%")


class AbsenceShape(Shape):
    """A rule that fires when there are no data."""

    after: Seconds | None = Field(default=None, description="How long before it fires, 5m.")
    severity: SeverityWord | None = Field(
        default=None, description="page wakes people, ticket can wait for the day."
    )

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """Something to change."""
        yield from _empty(data, "after: 3m")


AlertValue = bool | tuple[Decimal, ...] | BurnShape | FloorShape | AbsenceShape
"""Off and on, the shares of `budget`, or what is changed of a rule."""


def read_alert(name: str, value: object) -> AlertValue:
    """What slo.yaml says of one rule; raises `ValueError`, with faults inside it their paths."""
    text = value.text if isinstance(value, Plain) else value
    if isinstance(text, str) and text.strip().lower() in _SWITCH:
        return _SWITCH[text.strip().lower()]
    if name == "budget":
        return _budget(value)
    shape = _shape_of(name)
    if not isinstance(value, dict):
        example = {FloorShape: "least: 90%", AbsenceShape: "after: 3m"}.get(shape, "factor: 6")
        raise ScalarError(f"must be off, on, or what changes, as in {{{example}}}")
    return shape.model_validate(value)


def read_alerts(value: object) -> dict[str, AlertValue]:
    """The rules that slo.yaml changes, by name; every fault at once."""
    if not isinstance(value, dict):
        raise ScalarError("must be a mapping of rules, as in {page-1h: off}")
    found, faults = sort_alerts(value)
    if faults:
        raise fault_error("alerts", faults)
    return found


def sort_alerts(value: dict[str, Any]) -> tuple[dict[str, AlertValue], list[Complaint]]:
    """The rules that can be read, and the faults of the others."""
    found: dict[str, AlertValue] = {}
    faults: list[Complaint] = []
    for name, item in value.items():
        if fault := _name_fault(name):
            faults.append(((name, KEY), fault))
            continue
        try:
            found[name] = read_alert(name, item)
        except ValidationError as error:
            faults += (((name, *path), message) for path, message in faults_of(error))
        except ScalarError as error:
            faults.append(((name,), str(error)))
    return found, faults


def _shape_of(name: str) -> type[BurnShape | FloorShape | AbsenceShape]:
    if name == "floor":
        return FloorShape
    return AbsenceShape if name in {"dead", "gone", "blind"} else BurnShape


def _name_fault(name: str) -> str:
    if name.startswith("budget-"):
        return "is set by budget, as in budget: [75%, 90%]"
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        return (
            "is not a name for a rule; use letters, digits, `_`, `.` and `-`, "
            f"beginning with a letter or digit, at most {_LONGEST_NAME}"
        )
    return ""


def _budget(value: object) -> tuple[Decimal, ...]:
    if not isinstance(value, list) or not value:
        raise ScalarError("must be off, or shares of the budget spent, as in [50%, 90%]")
    shares: list[Decimal] = []
    for index, item in enumerate(value):
        text = item.text if isinstance(item, Plain) else item
        try:
            share = read_spent(text) if isinstance(text, str) else None
        except ValueError:
            share = None
        if share is None:
            wanted = "is not a share of the budget above 0% and up to 100%, such as 75%"
            raise fault_error("budget", [((index,), f"{shown(item)} {wanted}")])
        if share in shares:
            raise fault_error("budget", [((index,), f"{shown(item)} stands there already")])
        shares.append(share)
    return tuple(sorted(shares))


def _empty(data: dict[str, Any], example: str) -> Iterator[Complaint]:
    if not data:
        yield (), f"is empty; write what changes, as in {{{example}}}, or off"


_OFF: dict[str, Any] = {
    "anyOf": [{"type": "boolean"}, {"type": "string", "enum": ["off", "on"]}],
}


def _schema() -> dict[str, Any]:
    def rule(shape: type[Shape], description: str) -> dict[str, Any]:
        return {"anyOf": [*_OFF["anyOf"], shape.model_json_schema()], "description": description}

    shares = {"type": "array", "items": {"type": ["string", "number"]}}
    absent = {
        "dead": "No data: the source ingests and every target of the SLO is down.",
        "gone": "No data: the source ingests and the targets have left it.",
        "blind": "No data: the source itself is silent.",
    }
    return {
        "type": "object",
        "properties": {
            **{name: rule(BurnShape, "A default burn-rate rule.") for name in LADDER_NAMES},
            "floor": rule(FloorShape, "The indicator lies below a share."),
            "budget": {
                "anyOf": [*_OFF["anyOf"], shares],
                "description": "Shares of the budget spent at which tickets are written.",
            },
            **{name: rule(AbsenceShape, text) for name, text in absent.items()},
        },
        "additionalProperties": rule(BurnShape, "A burn-rate rule of your own."),
    }


AlertsValue = Annotated[
    dict[str, AlertValue], PlainValidator(read_alerts), WithJsonSchema(_schema())
]

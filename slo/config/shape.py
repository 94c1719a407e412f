"""The base of every mapping in slo.yaml: strict keys, and every fault at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError
from pydantic import model_validator as pydantic_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from slo.config.document import KEY, Path
from slo.config.scalars import hint

if TYPE_CHECKING:
    from collections.abc import Iterator

Complaint = tuple[Path, str]
"""A fault inside a mapping: the path from there, and what is wrong."""


class Shape(BaseModel):
    """A mapping with fixed keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """Faults between the keys; `data` is raw, so that no other fault hides them."""
        del data
        yield from ()

    @classmethod
    def names(cls) -> list[str]:
        """The keys as slo.yaml writes them."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    @pydantic_validator(mode="wrap")
    @classmethod
    def _whole(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Validate the fields and what lies between them, and raise all faults of both."""
        if not isinstance(data, dict):
            empty = "is empty" if data is None else "must be a mapping"
            raise fault_error(cls.__name__, [((), f"{empty}; its keys: {', '.join(cls.names())}")])
        known = cls.names()
        found: list[Complaint] = [
            ((key, KEY), f"unknown key{hint(key, known)}") for key in data if key not in known
        ]
        found += [
            ((key, KEY), "is empty; give it a value, or leave the key out")
            for key in known
            if key in data and data[key] is None
        ]
        told = {path[0] for path, _ in found}
        found += cls.complaints(data)
        rest = {key: value for key, value in data.items() if key not in told}
        try:
            whole = handler(rest)
        except ValidationError as error:
            raise fault_error(cls.__name__, [*found, *_others(error, told)]) from None
        if found:
            raise fault_error(cls.__name__, found)
        return whole


def faults_of(error: ValidationError) -> Iterator[Complaint]:
    """The faults of a validation as paths and sentences."""
    for item in error.errors(include_url=False, include_input=False):
        yield tuple(item["loc"]), _sentence(item)


def _sentence(item: Any) -> str:
    match item["type"]:
        case "value_error":
            return str(item["ctx"]["error"])
        case "missing":
            return "is missing"
        case "dict_type":
            return "must be a mapping"
        case "list_type":
            return "must be a list"
        case _:
            return str(item["msg"])


def _others(error: ValidationError, told: set[Any]) -> list[Complaint]:
    """The faults of the fields, without those of keys that have one already."""
    return [fault for fault in faults_of(error) if not (fault[0] and fault[0][0] in told)]


def fault_error(title: str, found: list[Complaint]) -> ValidationError:
    """The error that raises these faults from a validator."""
    details: list[InitErrorDetails] = [
        {
            "type": PydanticCustomError("fault", "{sentence}", {"sentence": sentence}),
            "loc": path,
            "input": None,
        }
        for path, sentence in found
    ]
    return ValidationError.from_exception_data(title, details)

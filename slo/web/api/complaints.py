"""Complaints: what is wrong with a request, in plain words with the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from slo.web.problem import Complaint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_LONGEST = 40
_KINDS = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "missing": "is missing",
    "none_required": "must be null",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


def complaints(part: str, model: type[BaseModel], error: ValidationError) -> tuple[Complaint, ...]:
    """What `model` found wrong in a part of a request: its `query` or `body`."""
    return tuple(
        Complaint(".".join((part, *(str(step)[:80] for step in found["loc"]))), _text(model, found))
        for found in error.errors(include_url=False)
    )


def summary(found: Sequence[Complaint]) -> str:
    """All of it in one sentence, each fault after the name of what has it."""
    return "; ".join(f"{one.at.partition('.')[2] or one.at}: {one.text}" for one in found)


def _text(model: type[BaseModel], found: ErrorDetails) -> str:
    kind, context = found["type"], found.get("ctx", {})
    if not found["loc"] and kind != "value_error":
        return "is not a JSON object"
    if kind == "extra_forbidden":
        known = _keys(model, found["loc"][:-1])
        return f"is unknown; there are {', '.join(known)}" if known else "is unknown; there is none"
    if kind == "literal_error":
        return f"{_shown(found['input'])} is unknown; one of {_choices(context)}"
    if kind == "value_error":
        return str(context["error"])
    message = found["msg"]
    return _KINDS.get(kind) or _of_length(kind, context, found) or message[:1].lower() + message[1:]


def _of_length(kind: str, context: Mapping[str, Any], found: ErrorDetails) -> str:
    """What is wrong with the length of a text; empty where that is not the fault."""
    if kind == "string_too_short":
        least = context["min_length"]
        return "is empty" if least == 1 else f"has under {least} characters"
    if kind == "string_too_long":
        return f"has {len(found['input']):,} characters; {context['max_length']:,} fit"
    return ""


def _choices(context: Mapping[str, Any]) -> str:
    return str(context["expected"]).replace("'", "").replace(" or ", ", ")


def _shown(value: Any) -> str:
    return (
        repr(value[:_LONGEST])
        if isinstance(value, str)
        else f"what is no text ({type(value).__name__})"
    )


def _keys(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """The keys that there may be at a place of a body; none where that is no object of ours."""
    here: Any = model
    for step in path:
        if isinstance(step, int):
            continue
        fields = {field.alias or name: field for name, field in here.model_fields.items()}
        inner = [fields[step].annotation, *get_args(fields[step].annotation)]
        here = next((one for one in inner if _is_model(one)), None)
        if here is None:
            return []
    return [field.alias or name for name, field in here.model_fields.items()]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)

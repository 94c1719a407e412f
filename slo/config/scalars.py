"""Scalar values of slo.yaml: how a reader of text becomes a type with plain faults.

A reader raises `ScalarError` with a sentence that says what would be right. Values
that hold a variable are not repeated in sentences, since they may be secret.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from pydantic import PlainValidator, WithJsonSchema

from slo.config.document import Filled, Plain
from slo.domain.duration import DurationError
from slo.domain.objective import ObjectiveError
from slo.promql import PromQLError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class ScalarError(ValueError):
    """The value is not of its kind; the message says what is."""


def shown(value: object) -> str:
    """A value for a sentence: as the file writes it, never what a variable holds."""
    match value:
        case Filled():
            return repr(value.written)
        case Plain():
            return repr(value.text)
        case _:
            return repr(value)


def hint(word: str, known: Iterable[str], label: str = "allowed") -> str:
    """The end of a sentence about an unknown word: the nearest known one, and all of them."""
    words = list(known)
    found = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    guess = f"; did you mean `{found[0]}`?" if found else ";"
    return f"{guess} {label}: {', '.join(words)}"


def kind(
    read: Callable[[str], Any],
    wanted: str,
    schema: dict[str, Any],
    plain: tuple[str, ...] = (),
) -> tuple[PlainValidator, WithJsonSchema]:
    """A pydantic type of `read`, which also takes the kinds of unquoted scalars in `plain`."""

    def validate(value: object) -> Any:
        match value:
            case Filled():
                try:
                    return read(str(value))
                except (ValueError, OverflowError):
                    raise ScalarError(f"{shown(value)} does not give {wanted}") from None
            case str():
                return _read(read, value, wanted)
            case Plain() if value.kind in plain:
                return _read(read, value.text, wanted)
            case Plain():
                raise ScalarError(_plain_message(value, wanted))
            case None:
                raise ScalarError(f"is empty; give it {wanted}, or leave the key out")
            case _:
                raise ScalarError(f"must be {wanted}, not {_shape(value)}")

    return PlainValidator(validate), WithJsonSchema(schema)


def _read(read: Callable[[str], Any], text: str, wanted: str) -> Any:
    try:
        return read(text)
    except (DurationError, ObjectiveError, PromQLError, ScalarError) as error:
        raise ScalarError(str(error)) from None
    except (ValueError, OverflowError, ArithmeticError):
        raise ScalarError(f"{text!r} is not {wanted}") from None


def _plain_message(value: Plain, wanted: str) -> str:
    meaning = {
        "bool": "true or false",
        "int": "a number",
        "float": "a number",
        "timestamp": "a date",
    }.get(value.kind, f"a {value.kind}")
    return f"must be {wanted}, but YAML takes it for {meaning}; if text is meant, put it in quotes"


def _shape(value: object) -> str:
    return "a list" if isinstance(value, list) else "a mapping"


def choice(*values: str) -> tuple[PlainValidator, WithJsonSchema]:
    """A pydantic type of one word of `values`."""

    def read(text: str) -> str:
        if text not in values:
            raise ScalarError(f"{text!r} is not known{hint(text, values)}")
        return text

    return kind(read, f"one of {', '.join(values)}", {"type": "string", "enum": list(values)})

"""Annotations: marks on the timeline, such as a deploy, which explain what budgets show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

AnnotationKind = Literal["deploy", "config", "experiment", "note"]

KINDS: tuple[AnnotationKind, ...] = get_args(AnnotationKind)


@dataclass(frozen=True, slots=True)
class Annotation:
    """A mark at `at`, or over the span until `end`; epoch seconds.

    `scope` is `*`, `service/*` or `service/name`. The `key` is the sender's own: the
    same key twice is one annotation.
    """

    id: int
    kind: AnnotationKind
    scope: str
    at: int
    end: int | None
    title: str
    text: str = ""
    url: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    who: str = ""
    created_at: int = 0
    key: str | None = None

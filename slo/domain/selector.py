"""PromQL selectors as values: a metric name and label matchers."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Literal

MatchOp = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """One label matcher, such as `code=~"5.."`."""

    label: str
    op: MatchOp
    value: str

    def __str__(self) -> str:
        # JSON's string syntax is a subset of Go's double-quoted strings, which PromQL uses.
        return f"{self.label}{self.op}{json.dumps(self.value, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True, order=True)
class Selector:
    """An instant vector selector; `matchers` are sorted and hold no `__name__` equality."""

    name: str | None
    matchers: tuple[Matcher, ...] = ()

    def __str__(self) -> str:
        inside = ",".join(str(m) for m in self.matchers)
        return (self.name or "") + (f"{{{inside}}}" if inside else "")

    def with_name(self, name: str) -> Selector:
        """The same matchers on another metric."""
        return replace(self, name=name)

    def with_matchers(self, *extra: Matcher) -> Selector:
        """The selector narrowed by further matchers."""
        return replace(self, matchers=tuple(sorted({*self.matchers, *extra})))

    def narrows(self, other: Selector) -> bool:
        """Whether every series of this selector is surely one of `other`, by their text alone."""
        return self.name == other.name and set(other.matchers) <= set(self.matchers)

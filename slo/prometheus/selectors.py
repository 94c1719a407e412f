"""Shared requests: selectors that differ in the value of one equality matcher ask together.

Range selectors cannot be `or`-ed. So `x{job="a"}[90s]` and `x{job="b"}[90s]` become
`x{job=~"a|b"}[90s]`, and the answer's series are told apart by that label's value.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.selector import Matcher, Selector

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_MEMBERS = 500
"""Alternatives in one request; beyond this Prometheus gains nothing from sharing."""

_NAME = "__name__"
_RE2_SPECIAL = frozenset("\\.+*?()|[]{}^$")


@dataclass(frozen=True, slots=True)
class SharedRequest:
    """One selector that stands for several, and which label tells them apart.

    `members` maps the label's value to the selector asked for; with a single
    member `label` is None and every series belongs to it.
    """

    selector: Selector
    label: str | None
    members: Mapping[str, Selector]

    def member_of(self, labels: Mapping[str, str]) -> Selector | None:
        """The selector that a series was asked for by."""
        if self.label is None:
            return next(iter(self.members.values()))
        return self.members.get(labels.get(self.label, ""))

    def halves(self) -> tuple[SharedRequest, ...]:
        """The same members in two requests; empty where there is nothing to halve."""
        chosen = list(self.members.values())
        if self.label is None or len(chosen) == 1:
            return ()
        middle = len(chosen) // 2
        return tuple(_shared(self.label, part) for part in (chosen[:middle], chosen[middle:]))


def share(selectors: Iterable[Selector], most: int = MOST_MEMBERS) -> list[SharedRequest]:
    """As few requests as ask for all `selectors`, each at most for `most` of them."""
    left = sorted(set(selectors), key=str)
    shapes: dict[tuple[str, Selector], list[Selector]] = defaultdict(list)
    keys: dict[Selector, list[tuple[str, Selector]]] = {}
    for selector in left:
        keys[selector] = [(label, _without(selector, label)) for label in _variable(selector)]
        for key in keys[selector]:
            shapes[key].append(selector)
    requests: list[SharedRequest] = []
    done: set[Selector] = set()
    for selector in left:
        if selector in done:
            continue
        label, alike = "", [selector]
        if keys[selector]:
            widest = max(keys[selector], key=lambda k: (len(shapes[k]), k[0]))
            label, alike = widest[0], [s for s in shapes[widest] if s not in done]
        done.update(alike)
        requests.extend(
            _shared(label, alike[first : first + most]) for first in range(0, len(alike), most)
        )
    return requests


def _shared(label: str, members: Sequence[Selector]) -> SharedRequest:
    if len(members) == 1:
        return SharedRequest(members[0], None, {"": members[0]})
    by_value = {_value(member, label): member for member in members}
    pattern = "|".join(quote(value) for value in by_value)
    shape = _without(members[0], label).with_matchers(Matcher(label, "=~", pattern))
    return SharedRequest(shape, label, by_value)


def _variable(selector: Selector) -> list[str]:
    """The labels whose value may differ within a request: those matched by equality alone."""
    labels = [m.label for m in selector.matchers]
    equal = [m.label for m in selector.matchers if m.op == "=" and labels.count(m.label) == 1]
    named = selector.name is not None and _NAME not in labels
    # Without its name a selector needs another matcher that refuses the empty value;
    # the pattern of names is one.
    return ([_NAME] if named else []) + equal


def _without(selector: Selector, label: str) -> Selector:
    if label == _NAME:
        return Selector(None, selector.matchers)
    return Selector(selector.name, tuple(m for m in selector.matchers if m.label != label))


def _value(selector: Selector, label: str) -> str:
    if label == _NAME:
        return selector.name or ""
    return next(m.value for m in selector.matchers if m.label == label)


def quote(value: str) -> str:
    """`value` as an RE2 pattern that matches it alone."""
    return "".join(f"\\{c}" if c in _RE2_SPECIAL else c for c in value)

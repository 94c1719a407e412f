"""The alert policy of one SLO: the default one of its objective, changed by slo.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from slo.config.alerts import DEFAULT_NAMES, AbsenceShape, BurnShape, FloorShape
from slo.config.document import KEY
from slo.config.scalars import hint
from slo.domain.duration import format_duration
from slo.domain.objective import format_percent
from slo.domain.policy import (
    ACCURACY_LADDER,
    CONFIDENT_BELOW,
    LADDER,
    AbsenceRule,
    BudgetRule,
    BurnRule,
    FloorRule,
    Policy,
    absence_rules,
    default_policy,
    impossible,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta
    from decimal import Decimal

    from slo.config.alerts import AlertValue
    from slo.config.document import Path
    from slo.config.shape import Complaint
    from slo.domain.policy import NoData, Rule

_ORDER = {"burn": 0, "floor": 1, "budget": 2, "dead": 3, "gone": 4, "blind": 5}
_NEEDED = ("factor", "long", "short", "severity")
_PAGE_EVENTS = 2
"""Bad events that a page needs where nothing is said, as in the default policy."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The `alerts` of one place, and how near to the SLO that is."""

    alerts: Mapping[str, AlertValue]
    depth: int
    """0 for the file, 1 for a service, 2 for the SLO itself."""
    path: Path = ()

    @property
    def own(self) -> bool:
        """Whether it is the SLO's own, and so must fit it."""
        return self.depth == 2  # noqa: PLR2004 -- the depth of an SLO, as told above.


@dataclass(frozen=True, slots=True)
class Judged:
    """What alert rules must fit: the SLO's objective, window and interval."""

    objective: Decimal
    window: timedelta
    """Of calendar windows the usual length."""
    interval: timedelta
    no_data: NoData = "page"
    no_data_depth: int = 0


@dataclass(slots=True)
class _Making:
    judged: Judged
    rules: dict[str, Rule]
    dropped: list[str]
    spare: dict[str, Rule]
    """Rules that are not in force, and that an override can bring back."""
    off: set[str] = field(default_factory=set)
    places: dict[str, dict[str, Path]] = field(default_factory=dict)
    """Of each rule that slo.yaml changes: where each key was written last, and "" the rule."""
    faults: list[Complaint] = field(default_factory=list)


def make_policy(layers: Sequence[Layer], judged: Judged) -> tuple[Policy | None, list[Complaint]]:
    """The policy that `layers`, widest first, make of the default one, and their faults.

    None where they change nothing. Each layer changes what the one before it left. A
    wider layer's change of a default rule holds for the SLOs that have it.
    """
    if not any(layer.alerts for layer in layers):
        return None, []
    default = default_policy(judged.objective, judged.no_data)
    ladder = ACCURACY_LADDER if judged.objective < CONFIDENT_BELOW else LADDER
    rules = {rule.name: rule for rule in default.rules}
    spares: tuple[Rule, ...] = (*ladder, *absence_rules("page"))
    spare = {rule.name: rule for rule in spares if rule.name not in rules}
    making = _Making(judged, rules, list(default.dropped), spare)
    for layer in layers:
        for name, value in layer.alerts.items():
            if name == "budget":
                _set_budget(making, value, default)
            else:
                _apply(making, layer, name, value)
    making.faults += _checked(making)
    ordered = sorted(making.rules.values(), key=lambda rule: _ORDER[rule.kind])
    policy = Policy(tuple(ordered), tuple(making.dropped))
    return (None if policy == default else policy), making.faults


def _set_budget(making: _Making, value: AlertValue, default: Policy) -> None:
    for name in [n for n, rule in making.rules.items() if rule.kind == "budget"]:
        del making.rules[name]
    if value is True:
        making.rules |= {rule.name: rule for rule in default.rules if rule.kind == "budget"}
    for share in value if isinstance(value, tuple) else ():
        name = f"budget-{format_percent(share).removesuffix('%')}"
        making.rules[name] = BudgetRule(name, "ticket", share)


def _apply(making: _Making, layer: Layer, name: str, value: AlertValue) -> None:
    base = making.rules.get(name)
    if base is None and name in making.spare and _brings_back(making, layer, name, value):
        base = making.spare[name]
    if base is None and not layer.own and name in DEFAULT_NAMES:
        return  # Of another ladder: this SLO has no such rule.
    if value is False and (base is not None or name in DEFAULT_NAMES):
        if name in making.rules:
            making.spare[name] = making.rules.pop(name)
        making.off.add(name)
        _tell_no_drop(making, name)
        return
    rule = base if isinstance(value, bool) else _rule(making, name, base, value)
    if rule is None:
        making.faults.append(((*layer.path, name, KEY), _unknown(making, layer, name, value)))
        return
    making.rules[name] = rule
    _tell_no_drop(making, name)
    places = making.places.setdefault(name, {})
    given = () if isinstance(value, bool | tuple) else sorted(value.model_fields_set)
    places |= {key: (*layer.path, name, key) for key in given} | {"": (*layer.path, name)}


def _tell_no_drop(making: _Making, name: str) -> None:
    making.dropped = [text for text in making.dropped if not text.startswith(f"{name} ")]


def _brings_back(making: _Making, layer: Layer, name: str, value: AlertValue) -> bool:
    """Whether a change of a rule that is not in force puts it in force."""
    if layer.own or name in making.off or value is False:
        return True
    if isinstance(value, AbsenceShape):  # It was no_data that took the rule away.
        return layer.depth >= making.judged.no_data_depth
    spare = making.spare[name]
    if not isinstance(value, BurnShape) or not isinstance(spare, BurnRule) or not value.factor:
        return False
    return impossible(replace(spare, factor=value.factor), making.judged.objective) is None


def _rule(making: _Making, name: str, base: Rule | None, value: AlertValue) -> Rule | None:
    """The rule as `value` changes it, or a new one; None where too little of it is known."""
    match value:
        case BurnShape():
            return _burn(making, name, base, value)
        case FloorShape():
            given = _given(value, over="span")
            if isinstance(base, FloorRule):
                return replace(base, **given)
            return (
                None if value.least is None else FloorRule("floor", **{"severity": "page"} | given)
            )
        case AbsenceShape() if isinstance(base, AbsenceRule):
            return replace(base, **_given(value))
        case _:
            return None


def _burn(making: _Making, name: str, base: Rule | None, value: BurnShape) -> BurnRule | None:
    given = _given(value)
    if isinstance(base, BurnRule):
        return replace(base, **given)
    if not given.keys() >= set(_NEEDED):
        return None
    least = {"min_bad_events": _PAGE_EVENTS if value.severity == "page" else 1}
    confident = making.judged.objective < CONFIDENT_BELOW
    return BurnRule(name, confident=confident, **least | given)


def _given(value: BurnShape | FloorShape | AbsenceShape, **renamed: str) -> dict[str, Any]:
    """What slo.yaml gives of a rule, under the names of the domain, windows in seconds."""
    found = {renamed.get(key, key): getattr(value, key) for key in sorted(value.model_fields_set)}
    for key in ("long", "short", "span", "after"):
        if key in found:
            found[key] = round(found[key].total_seconds())
    return found


def _unknown(making: _Making, layer: Layer, name: str, value: AlertValue) -> str:
    """Why a name means nothing: the rules that there are, and what a new one needs."""
    if isinstance(value, FloorShape):
        return "needs least, such as 90%: this objective has no floor by default"
    own = [n for n, rule in making.rules.items() if rule.kind != "budget"]
    known = [*own, "budget"] if layer.own else list(DEFAULT_NAMES)
    of = "this SLO" if layer.own else "any SLO"
    text = f"is no default rule of {of}{hint(name, known, 'there are')}"
    if isinstance(value, BurnShape):
        missing = [key for key in _NEEDED if key not in value.model_fields_set]
        text += f"; a rule of your own also needs {', '.join(missing)}"
    return text


def _checked(making: _Making) -> Iterator[Complaint]:
    """Faults of the rules that slo.yaml changes, as they are in the end."""
    for name, places in making.places.items():
        rule = making.rules.get(name)
        if rule is None:  # Switched off by a nearer layer.
            continue
        found = [*_span_faults(making.judged, rule, places)]
        found = found or [*_meaning_faults(making, rule, places)]
        yield from found


def _span_faults(judged: Judged, rule: Rule, places: dict[str, Path]) -> Iterator[Complaint]:
    interval = round(judged.interval.total_seconds())
    shown = format_duration(judged.interval)
    spans = {
        "long": getattr(rule, "long", None),
        "short": getattr(rule, "short", None),
        "over": getattr(rule, "span", None),
    }
    for key, span in spans.items():
        if span is not None and key in places and span % interval:
            yield places[key], f"must be a multiple of the interval, {shown}"
        if span is not None and key in places and span > judged.window.total_seconds():
            window = format_duration(judged.window)
            yield places[key], f"must not be longer than the SLO's window, {window}"
    if isinstance(rule, AbsenceRule) and "after" in places and rule.after < interval:
        yield places["after"], f"must not be shorter than the interval, {shown}"
    if isinstance(rule, BurnRule) and rule.short >= rule.long:
        place = places.get("short", places.get("long", places[""]))
        yield place, "short must be shorter than long, as in long: 1h, short: 5m"


def _meaning_faults(making: _Making, rule: Rule, places: dict[str, Path]) -> Iterator[Complaint]:
    objective = making.judged.objective
    if reason := impossible(rule, objective):
        yield places[""], reason
    if isinstance(rule, FloorRule) and rule.least >= objective:
        share = format_percent(objective)
        yield places.get("least", places[""]), f"must lie below the objective, {share}"
    if not isinstance(rule, BurnRule):
        return
    for other in making.rules.values():
        if other.name == rule.name:
            return  # Of two that slo.yaml writes, the later one is told.
        if isinstance(other, BurnRule) and _same(other, rule):
            yield places[""], f"means the same as {other.name}; keep one of them"


def _same(one: BurnRule, other: BurnRule) -> bool:
    words = ("severity", "factor", "long", "short")
    return all(getattr(one, word) == getattr(other, word) for word in words)

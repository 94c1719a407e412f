"""Evidence as pages show it: what was stored of the moment when an alert fired."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from slo.web import format as fmt
from slo.web.moment import moment
from slo.web.pages import breakdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from markupsafe import Markup

_NUMBERS: dict[str, tuple[str, Callable[[float], str]]] = {
    "factor": ("fires at", lambda v: fmt.times(_exact(v))),
    "long_bad": ("bad events in the long window", fmt.count),
    "long_total": ("events in the long window", fmt.count),
    "short_bad": ("bad events in the short window", fmt.count),
    "short_total": ("events in the short window", fmt.count),
    "least": ("fires below", lambda v: fmt.objective(_exact(v))),
    "bad": ("bad events", fmt.count),
    "total": ("events", fmt.count),
    "at": ("fires at", lambda v: fmt.objective(_exact(v))),
    "since": ("since", fmt.stamp),
    "after": ("fires after", fmt.span),
}
"""What the numbers of a decision are called, and how each is told."""
_SEEN: dict[str, tuple[str, str]] = {
    "sli": ("was good", "least"),
    "sli_low": ("was good at least", "least"),
    "sli_high": ("was good at most", "least"),
    "spent": ("budget spent", "at"),
}
"""Likewise the shares that were compared with another of the numbers, which is their limit."""
_BURNED = {
    "long_burn": "burn rate over the long window",
    "short_burn": "burn rate over the short window",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What was booked from the reading before until this one."""

    at: Markup
    bad: str
    total: str
    share: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The evidence of one alert, in texts."""

    slo: tuple[str, str]
    rule: str
    policy: str
    reason: str
    at: Markup | str
    numbers: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    queries: tuple[str, ...]
    worst: tuple[tuple[str, str, str], ...]


def proofs(kept: Mapping[str, Any], now: float) -> list[Proof]:
    """What was stored when the incident opened, then what each SLO that joined brought."""
    if not kept.get("slo"):
        return []
    return [_proof(each, now) for each in (kept, *kept.get("more", ()))]


def _proof(kept: Mapping[str, Any], now: float) -> Proof:
    service, _, name = str(kept.get("slo", "")).partition("/")
    return Proof(
        slo=(service, name),
        rule=kept.get("rule", ""),
        policy=kept.get("policy", ""),
        reason=kept.get("reason", ""),
        at=moment(kept["at"], now) if "at" in kept else "",
        numbers=tuple(_numbers(kept)),
        steps=tuple(_steps(kept.get("readings", ()), now)),
        queries=tuple(kept.get("promql", ())),
        worst=tuple(
            (breakdown.text_of(c["labels"]), fmt.count(c["bad"]), fmt.count(c["total"]))
            for c in kept.get("contributors", ())
        ),
    )


def _numbers(kept: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    found: Mapping[str, float | None] = kept.get("numbers", {})
    rates = kept.get("burn_rates", {})
    for span, rate in rates.items():
        yield f"burn rate over {span}", fmt.burn(rate, _limit(found, "factor"))
    for name, value in found.items():
        if name in _BURNED:
            if not rates:  # Else told above, by the windows' lengths.
                yield _BURNED[name], fmt.burn(value, _limit(found, "factor"))
        elif name in _SEEN:
            word, limit = _SEEN[name]
            yield word, fmt.percent(value, limit=_limit(found, limit))
        else:
            word, tell = _NUMBERS.get(name, (name.replace("_", " "), fmt.count))
            yield word, fmt.DASH if value is None else tell(value)


def _limit(found: Mapping[str, float | None], name: str) -> Decimal | None:
    value = found.get(name)
    return None if value is None else _exact(value)


def _exact(value: float) -> Decimal:
    """The number as the policy has it, without the noise of its float."""
    return Decimal(str(value))


def _steps(kept: Sequence[Mapping[str, float]], now: float) -> list[Step]:
    """The differences of the readings, oldest first: each alone means nothing."""
    steps = []
    for before, after in pairwise(kept):
        total = max(0.0, after["total"] - before["total"])
        bad = max(0.0, total - (after["good"] - before["good"]))
        share = fmt.percent(bad / total, 2) if total > 0 else fmt.DASH
        steps.append(Step(moment(after["end"], now), fmt.count(bad), fmt.count(total), share))
    return steps

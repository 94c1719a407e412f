"""Reads: which selectors an indicator needs, and what the series of each count towards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.counter import Role
from slo.domain.indicator import Events, Latency, Mean, threshold_in
from slo.domain.selector import Matcher

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from slo.domain.selector import Selector

SAME_BOUND = 1e-9
"""Relative distance at which two bucket bounds are the same number."""


@dataclass(frozen=True, slots=True)
class Read:
    """One selector to read.

    All its series have `roles`; those that `inside` selects have its role too;
    with `bound` the role comes from the bucket: GOOD at the bound, TOTAL at +Inf.
    """

    index: int
    selector: Selector
    roles: Role
    inside: tuple[Role, Selector] | None = None
    bound: Decimal | None = None

    def roles_by_bound(self, labels: Mapping[str, str]) -> Role:
        """The role of a histogram's series by its `le`; none for other buckets."""
        bound = number_of(labels.get("le", ""))
        if bound is None or self.bound is None:
            return Role(0)
        if bound == float("inf"):
            return Role.TOTAL
        wanted = float(self.bound)
        return Role.GOOD if abs(bound - wanted) <= SAME_BOUND * abs(wanted) else Role(0)


def reads_of(indicator: Events | Latency | Mean) -> tuple[Read, ...]:
    """The reads of a counted indicator, in a fixed order."""
    match indicator:
        case Events(total=total, good=good, bad=bad):
            role, part = (Role.GOOD, good) if good is not None else (Role.BAD, bad)
            if part is None:
                return (Read(0, total, Role.TOTAL),)
            if part.narrows(total):
                return (Read(0, total, Role.TOTAL, inside=(role, part)),)
            return Read(0, total, Role.TOTAL), Read(1, part, role)
        case Latency(histogram=histogram):
            bound = bound_of(indicator)
            le = Matcher("le", "=~", rf"{bound_pattern(bound)}|\+?[Ii]nf")
            buckets = histogram.with_name(f"{histogram.name}_bucket").with_matchers(le)
            return (Read(0, buckets, Role(0), bound=bound),)
        case Mean(summary=summary):
            return (
                Read(0, summary.with_name(f"{summary.name}_sum"), Role.SUM),
                Read(1, summary.with_name(f"{summary.name}_count"), Role.COUNT),
            )


def bound_of(indicator: Latency) -> Decimal:
    """The bucket bound that an indicator counts by, in the metric's unit."""
    if indicator.bound is not None:
        return indicator.bound
    return threshold_in(indicator.unit, indicator.threshold)


def created_name(name: str) -> str:
    """The metric that tells when a counter, histogram or summary was created (OpenMetrics)."""
    return re.sub(r"_(total|bucket|count|sum)$", "", name) + "_created"


def number_of(text: str) -> float | None:
    """The number that an `le` writes, None if it writes none."""
    try:
        return float(text)
    except ValueError:
        return None


def bound_pattern(bound: Decimal) -> str:
    r"""An RE2 pattern for every spelling of a positive number: `0.2`, `0.20`, `2e-01`."""
    _, digits, exponent = bound.normalize().as_tuple()
    figures, exponent = "".join(map(str, digits)), int(exponent)
    if exponent >= 0:
        plain = rf"0*{figures}{'0' * exponent}(\.0*)?"
    else:
        whole, fraction = figures[:exponent], figures[exponent:].rjust(-exponent, "0")
        plain = rf"0*{whole}\.{fraction}0*"
    power = exponent + len(figures) - 1
    mantissa = rf"{figures[0]}\.{figures[1:]}0*" if figures[1:] else rf"{figures[0]}(\.0*)?"
    sign = "-" if power < 0 else r"\+?"
    return rf"{plain}|{mantissa}[eE]{sign}0*{abs(power)}"

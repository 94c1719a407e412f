"""Findings: what a source has of what an indicator names, and what may have been meant."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from slo.config.indicators import looks_recorded
from slo.domain.indicator import Events, Freshness, Latency, Mean, Query, Slices
from slo.domain.reads import SAME_BOUND, bound_of
from slo.domain.selector import Selector
from slo.prometheus.resolve import LOOK_BACK, bounds
from slo.promql import WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slo.domain.indicator import Indicator
    from slo.domain.selector import Matcher
    from slo.prometheus.client import PrometheusClient

_RESETS = 6
"""A counter that falls more often than this in an hour is likely none."""
_MOST = 8
"""Values that are listed at most."""
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_PARTS = ("_count", "_sum", "_bucket")

Grade = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what came of it."""

    grade: Grade
    text: str


@dataclass(slots=True)
class Asker:
    """Asks one source about definitions, as of `at` (epoch seconds)."""

    client: PrometheusClient
    at: float
    _known: list[str] = field(default_factory=list)

    def findings(self, indicator: Indicator) -> Iterator[Finding]:
        """All findings about a resolved indicator."""
        match indicator:
            case Events():
                yield from self._events(indicator)
            case Latency(histogram=histogram):
                yield from self._latency(indicator, histogram)
            case Mean(summary=summary):
                for part in ("_sum", "_count"):
                    selector = summary.with_name(f"{summary.name}{part}")
                    yield from self._counter(selector, recorded=False)
            case Slices(query=query):
                yield self._expression(query)
            case Freshness(timestamp=timestamp):
                yield self._expression(timestamp)
            case Query(total=total, good=good, bad=bad):
                yield self._expression(total)
                yield self._expression(good or bad or "", may_be_empty=good is None)

    def near(self, name: str) -> list[str]:
        """The names of metrics that may have been meant."""
        known = self._names()
        sure = [n for n in (f"{name}_total", name.removesuffix("_total")) if n in known]
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
        return list(dict.fromkeys([*sure, *close]))[:3]

    def _names(self) -> list[str]:
        if not self._known:
            self._known = self.client.label_values("__name__", [], self.at - LOOK_BACK, self.at)
        return self._known

    def _events(self, events: Events) -> Iterator[Finding]:
        yield from self._counter(events.total, recorded=events.recorded)
        if events.good is not None:
            yield from self._counter(events.good, recorded=events.recorded)
        if events.bad is not None:
            yield from self._counter(events.bad, recorded=events.recorded, is_bad=True)

    def _latency(self, latency: Latency, histogram: Selector) -> Iterator[Finding]:
        buckets = histogram.with_name(f"{histogram.name}_bucket")
        there = bounds(self.client, histogram, self.at)
        if not there:
            summary = histogram.with_name(f"{histogram.name}_sum")
            if self._series(summary):
                text = f"{histogram} has no buckets; use mean: {{summary: ...}} for a Summary"
                yield Finding("error", text)
            else:
                yield self._missing(buckets)
            return
        yield from self._counter(buckets, recorded=latency.recorded)
        wanted = bound_of(latency)
        if any(abs(b - wanted) <= float(wanted) * SAME_BOUND for b in there):
            taken = "" if latency.bound is None else f", the nearest {latency.rounding}"
            yield Finding("ok", f"{wanted:f} {latency.unit} is a bucket bound{taken}")
            return
        listed = ", ".join(f"{b:f}" for b in there)
        yield Finding(
            "error",
            f"{wanted:f} {latency.unit} is no bucket bound; there are {listed}:"
            " choose one of them, or set round: down or up",
        )

    def _counter(
        self, selector: Selector, *, recorded: bool, is_bad: bool = False
    ) -> Iterator[Finding]:
        series = self._series(selector)
        if not series:
            yield self._missing(selector, is_bad=is_bad)
            return
        count = f"{len(series):,} series"
        told = self.client.metadata(str(selector.name)) if selector.name else None
        falls = self._falls(selector)
        if told not in {None, "counter"} and not str(selector.name).endswith(_PARTS):
            yield Finding(
                "error", f"{selector}: {count}, but it is a {told}, not a counter; use slices"
            )
        elif falls > _RESETS:
            yield Finding(
                "warning", f"{selector}: {count}; one fell {falls:.0f} times in an hour: a gauge?"
            )
        else:
            sure = "a counter" if told else "only rises; Prometheus tells no type"
            yield Finding("ok", f"{selector}: {count}, {sure}")
        if recorded or looks_recorded(selector):
            yield Finding(
                "warning", f"{selector} is recorded by a rule: a scale-down reads as a reset"
            )
        elif not any("instance" in labels for labels in series):
            yield Finding(
                "warning",
                f"{selector} has no label instance: if a rule sums it up, a scale-down reads as"
                " a reset",
            )

    def _series(self, selector: Selector) -> list[dict[str, str]]:
        return self.client.series([str(selector)], self.at - LOOK_BACK, self.at)

    def _falls(self, selector: Selector) -> float:
        """How often a series fell within an hour, at most."""
        series = self.client.instant(f"max(resets({selector}[1h]))", self.at).series
        return series[0].values[0] if series else 0.0

    def _missing(self, selector: Selector, *, is_bad: bool = False) -> Finding:
        """What is wrong with a selector that matched nothing for a day."""
        name = selector.name
        if name is not None and name not in self._names():
            near = " or ".join(self.near(name))
            hint = f"; did you mean {near}?" if near else ""
            return Finding("error", f"{selector}: Prometheus has no {name}{hint}")
        alone = [(m, self._matcher(name, m)) for m in selector.matchers]
        wrong = [text for _, text in alone if text is not None]
        if is_bad and not any("no label" in text for text in wrong):
            return Finding("ok", f"{selector}: nothing in the last day, so no bad events")
        all_of_it = "no series has all of these labels" if alone else "its samples are older"
        why = "; ".join(wrong) or all_of_it
        return Finding("error", f"{selector} matched nothing in the last day: {why}")

    def _matcher(self, name: str | None, matcher: Matcher) -> str | None:
        """Why a matcher alone matches nothing of the metric, or None if it does."""
        if self._series(Selector(name, (matcher,))):
            return None
        whole = [str(Selector(name))] if name else []
        values = self.client.label_values(matcher.label, whole, self.at - LOOK_BACK, self.at)
        if not values:
            return f"{name} has no label {matcher.label}"
        near = difflib.get_close_matches(matcher.value, values, n=_MOST, cutoff=0.5)
        shown = near or values[:_MOST]
        more = "" if len(shown) == len(values) else ", ..."
        return f"{matcher.label} is {', '.join(shown)}{more}, never {matcher}"

    def _expression(self, query: str, *, may_be_empty: bool = False) -> Finding:
        series = self.client.instant(query.replace(WINDOW, "5m"), self.at).series
        if series:
            value = f"{series[0].values[-1]:g}" if len(series) == 1 else f"{len(series):,} series"
            return Finding("ok", f"{query}: {value}")
        if may_be_empty:
            return Finding("ok", f"{query}: nothing, so no bad events")
        known = set(self._names())
        words = [w for w in dict.fromkeys(_WORD.findall(query)) if "_" in w and w not in known]
        near = list(dict.fromkeys(guess for word in words for guess in self.near(word)))
        hint = f"; did you mean {' or '.join(near[:3])}?" if near else ""
        return Finding("error", f"{query} gives nothing now{hint}")

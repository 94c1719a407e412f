"""The overview's view of standings: filtered, sorted, grouped and put into words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from slo.web import charts, faults, urgency
from slo.web import format as fmt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from slo.domain.standing import Standing
    from slo.web.urgency import Badge

SORTS = {"attention": "needs attention", "name": "name"}
MOST_CARDS = 6
_MOST_KEPT = 20_000

_CERTAIN = frozenset({"frozen", "carried", "rename", "young", "estimated"})
"""Notes that put no sum in doubt: events are booked elsewhere, or another mark tells."""

_ALONE = frozenset({"exhausted", "restricted", "caution"})
"""States that a fault shared with others must not hide."""


@dataclass(frozen=True, slots=True)
class Query:
    """What the visitor asked for; unknown states and sorts fall back to all and attention."""

    text: str = ""
    state: str = ""
    owner: str = ""
    sort: str = "attention"


@dataclass(frozen=True, slots=True)
class Card:
    """What needs attention: one SLO, or with `slo` None all that share a fault."""

    slo: tuple[str, str] | None
    title: str
    badge: Badge
    text: str
    names: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One SLO's line in the table; all numbers are text."""

    slo: str
    service: str
    name: str
    counts: str
    badges: tuple[Badge, ...]
    objective: str
    estimated: bool
    sli: str
    events: str
    remaining: str
    spent: bool
    meter: Markup
    burn: str
    spark: Markup
    forecast: str
    unsure: str


@dataclass(frozen=True, slots=True)
class Group:
    """One service's rows."""

    service: str
    owners: str
    runbook: str
    rows: Markup


def matching(standings: Iterable[Standing], query: Query) -> list[Standing]:
    """The standings that hold all words of the query and its state and owner, in its order."""
    words = query.text.casefold().split()
    found = [
        s
        for s in standings
        if (not query.state or query.state in {badge.key for badge in urgency.badges(s)})
        and (not query.owner or s.owner == query.owner)
        and (not words or _holds(s, words))
    ]
    if query.sort == "name":
        return sorted(found, key=lambda s: s.slo)
    return sorted(found, key=urgency.by_urgency)


class RowCache:
    """Rendered rows, each kept while its standing and what it says of the clock stay the same.

    Most visits fall between two cycles; for a thousand SLOs this is most of the page.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Standing, tuple[str, str], Markup]] = {}

    def render(self, standing: Standing, now: float, template: Callable[[Row], Markup]) -> Markup:
        """The row of a standing, by `template` if it is not kept."""
        clock = (urgency.forecast(standing, now), _events(standing, now))
        kept = self._kept.get(standing.slo)
        if kept and kept[1] == clock and (kept[0] is standing or kept[0] == standing):
            return kept[2]
        if len(self._kept) >= _MOST_KEPT:  # Renamed and removed SLOs must not pile up.
            self._kept.clear()
        html = template(row_of(standing, now))
        self._kept[standing.slo] = (standing, clock, html)
        return html


def groups(found: Sequence[Standing], render: Callable[[Standing], Markup]) -> list[Group]:
    """Rows by service; services and rows keep the order in which they come first."""
    services: dict[str, list[Standing]] = {}
    for standing in found:
        services.setdefault(standing.service, []).append(standing)
    return [_group(service, members, render) for service, members in services.items()]


def cards(standings: Iterable[Standing], now: float) -> list[Card]:
    """All that needs attention: faults that SLOs share, then SLOs, most urgent first."""
    known = list(standings)
    shared = {t: slos for t, slos in faults.by_text(known).items() if len(slos) > 1}
    found = [
        Card(None, f"{faults.many(len(slos))} cannot be read", urgency.UNREAD, text, names)
        for text, slos in shared.items()
        if (names := faults.names(slos))
    ]
    for s in urgency.needing(known):
        badge, fault = urgency.badges(s)[0], faults.fault_of(s)
        if fault is not None and badge.key not in _ALONE:
            if fault in shared:
                continue
            badge = urgency.UNREAD
        title = f"{s.service} / {s.name}"
        found.append(Card((s.service, s.name), title, badge, urgency.sentence(s, now)))
    return found


def summary(standings: Sequence[Standing]) -> str:
    """One line on all: `34 SLOs of 9 services · 30 healthy, 1 caution`."""
    services = len({s.service for s in standings})
    states = Counter(urgency.badges(s)[0].key for s in standings)
    tally = [
        f"{states[key]:,} {urgency.BADGES[key].word}"
        for key in reversed(urgency.BADGES)
        if states[key]
    ]
    return (
        f"{_many(len(standings), 'SLO')} of {_many(services, 'service')} \u00b7 {', '.join(tally)}"
    )


def owners(standings: Iterable[Standing]) -> list[str]:
    """All owners, sorted."""
    return sorted({s.owner for s in standings if s.owner})


def web_link(url: str) -> str:
    """The URL if a browser may follow it, else nothing: a runbook is text from a file."""
    return url if url.startswith(("https://", "http://")) else ""


def tone(standing: Standing) -> str:
    """The colour's name: that of the most urgent badge."""
    return urgency.badges(standing)[0].key


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def _holds(standing: Standing, words: Sequence[str]) -> bool:
    labels = " ".join(f"{name}={value}" for name, value in standing.labels)
    texts = (standing.slo, standing.indicator_text, standing.owner, standing.description, labels)
    text = "\n".join(texts).casefold()
    return all(word in text for word in words)


def _group(
    service: str, members: Sequence[Standing], render: Callable[[Standing], Markup]
) -> Group:
    named = ", ".join(dict.fromkeys(s.owner for s in members if s.owner))
    runbook = next((link for s in members if (link := web_link(s.runbook))), "")
    return Group(service, named, runbook, Markup("").join(map(render, members)))


def row_of(standing: Standing, now: float) -> Row:
    """A standing's line in the table."""
    colour = tone(standing)
    remaining = standing.budget.remaining
    return Row(
        slo=standing.slo,
        service=standing.service,
        name=standing.name,
        counts=standing.indicator_text,
        badges=urgency.badges(standing),
        objective=fmt.objective(standing.objective),
        estimated=standing.estimated and standing.sli is not None,
        sli=fmt.sli(standing.sli, standing.objective),
        events=_events(standing, now),
        remaining=fmt.percent(remaining),
        spent=remaining is not None and remaining <= 0,
        meter=charts.meter(remaining, colour),
        burn=fmt.burn(urgency.burn_over(standing, "1h")),
        spark=charts.sparkline(standing.sparkline, colour),
        forecast=urgency.forecast(standing, now),
        unsure=_unsure(standing),
    )


def _events(standing: Standing, now: float) -> str:
    if standing.total <= 0:
        if standing.data != "none":
            return "no events yet"
        if standing.last_data is None:
            return "no data yet"
        return f"no data for {fmt.span(now - standing.last_data)}"
    unit = " slices" if standing.slices else ""
    return f"{fmt.count(standing.bad)} of {fmt.count(standing.total)}{unit}"


def _unsure(standing: Standing) -> str:
    """The kinds of notes that put the window's numbers in doubt."""
    told = (note.kind for note in standing.notes if note.kind not in _CERTAIN)
    return ", ".join(dict.fromkeys(told))

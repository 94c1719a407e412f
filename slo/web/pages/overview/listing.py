"""The overview's view of standings: what was asked for, filtered, sorted and summed up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from slo.web import faults, urgency
from slo.web import format as fmt
from slo.web.badge import BADGES, DOUBT, FIRES, UNREAD, Badge
from slo.web.search import holds, labels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any

    from slo.domain.standing import Standing

MOST_ROWS = 1000
"""Rows of one page: what browsers lay out at once without a pause."""
_LONGEST = 200
_MOST_LABELS = 500
"""Labels to choose from; the text finds the rest."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One order of the table: its key, and whether that puts the largest last."""

    word: str
    key: Callable[[Standing], Any]
    ascending: bool = True
    grouped: bool = False
    """Whether the rows of a service stand together."""


SORTS: dict[str, Sort] = {
    "attention": Sort("needs attention", urgency.by_urgency, grouped=True),
    "service": Sort("service", lambda s: s.slo, grouped=True),
    "name": Sort("name", lambda s: (s.name, s.service)),
    "objective": Sort("objective", lambda s: (-s.objective, s.slo), ascending=False),
    "budget": Sort("budget left", lambda s: (_last(s.budget.remaining), s.slo)),
    "burn": Sort(
        "burn rate", lambda s: (_last(_minus(urgency.burn_over(s, "1h"))), s.slo), ascending=False
    ),
}
"""The orders, each with what asks for attention first; a minus before the name turns it round."""

STATES: dict[str, Badge] = {
    **FIRES,
    "incident": Badge("incident", "\u25cf", "in an incident", "In an open incident."),
    **BADGES,
    UNREAD.key: UNREAD,
    DOUBT.key: DOUBT,
}
"""What the table can be filtered by, beside what needs attention and what fires at all."""
ANY_STATES = {"attention": "needs attention", "firing": "firing"}

_JUDGED: dict[str, Callable[[Standing], bool]] = {
    "firing": lambda s: bool(urgency.firing(s)),
    "page": lambda s: any(alert.severity == "page" for alert in urgency.firing(s)),
    "ticket": lambda s: any(alert.severity == "ticket" for alert in urgency.firing(s)),
    "fault": lambda s: faults.fault_of(s) is not None,
    "doubt": lambda s: bool(urgency.doubts(s)),
}


@dataclass(frozen=True, slots=True)
class Query:
    """What the visitor asked for; unknown states and sorts fall back to all and attention."""

    text: str = ""
    state: str = ""
    owner: str = ""
    service: str = ""
    label: str = ""
    sort: str = "attention"
    page: int = 1

    @property
    def order(self) -> Sort:
        """The order, whichever way round."""
        return SORTS[self.sort.removeprefix("-")]

    @property
    def reversed(self) -> bool:
        """Whether the order is turned round."""
        return self.sort.startswith("-")

    def url(self, **changes: str | int) -> str:
        """The address of the table with this query and these changes, without what is usual.

        It leads to the filter above the table: the cards before it stay as they are.
        """
        wanted = replace(self, **{"page": 1, **changes})  # type: ignore[arg-type] # By name.
        pairs = {
            name: value
            for name, value, usual in (
                ("q", wanted.text, ""),
                ("state", wanted.state, ""),
                ("owner", wanted.owner, ""),
                ("service", wanted.service, ""),
                ("label", wanted.label, ""),
                ("sort", wanted.sort, "attention"),
                ("page", wanted.page, 1),
            )
            if value != usual
        }
        return f"/{'?' if pairs else ''}{urlencode(pairs)}#filter"


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column: where it sorts to, and how it is sorted now."""

    word: str
    url: str = ""
    sorted: str = ""


_HEADS = (
    ("State", "attention"),
    ("SLO", "name"),
    ("Objective", "objective"),
    ("SLI", ""),
    ("Events, bad of total", ""),
    ("Budget left", "budget"),
    ("Burn 1\u202fh", "burn"),
    ("Trend", ""),
    ("Forecast", ""),
)
"""Words and sorts of the table's columns."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filter offers: all that the standings have."""

    owners: Sequence[str]
    services: Sequence[str]
    labels: Sequence[str]


def query_of(args: Mapping[str, str]) -> Query:
    """The query of an address."""
    text, owner, service, label, state, sort, page = (
        args.get(name, "").strip()[:_LONGEST]
        for name in ("q", "owner", "service", "label", "state", "sort", "page")
    )
    return Query(
        text=text,
        state=state if state in STATES or state in ANY_STATES else "",
        owner=owner,
        service=service,
        label=label,
        sort=sort if sort.removeprefix("-") in SORTS else "attention",
        page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 5 else 1,  # noqa: PLR2004 -- ten million rows.
    )


def matching(
    standings: Iterable[Standing], query: Query, incidents: Collection[str] = ()
) -> list[Standing]:
    """The standings that fit the query, in its order; `incidents` holds the SLOs in open ones."""
    words = query.text.casefold().split()
    found = [
        s
        for s in standings
        if (not query.state or _is(s, query.state, incidents))
        and (not query.owner or s.owner == query.owner)
        and (not query.service or s.service == query.service)
        and (not query.label or query.label in labels_of(s))
        and (not words or holds(s, words))
    ]
    return sorted(found, key=query.order.key, reverse=query.reversed)


def columns(query: Query | None) -> list[Column]:
    """The heads of the table's columns; with a query they sort, and turn round when used."""
    return [
        Column(word) if query is None or not key else _column(word, key, query)
        for word, key in _HEADS
    ]


def choices(standings: Sequence[Standing]) -> Choices:
    """What the filter offers; of very many labels those that most SLOs have."""
    tally = Counter(chain.from_iterable(map(labels_of, standings)))
    return Choices(
        sorted({s.owner for s in standings if s.owner}),
        sorted({s.service for s in standings}),
        sorted(label for label, _ in tally.most_common(_MOST_LABELS)),
    )


def summary(standings: Sequence[Standing], incidents: int) -> str:
    """One line on all: services, states, and how many fire and are worked on."""
    services = len({s.service for s in standings})
    states = Counter(urgency.badges(s)[0].key for s in standings)
    tally = [f"{states[key]:,} {BADGES[key].word}" for key in reversed(BADGES) if states[key]]
    parts = [
        f"{fmt.many(len(standings), 'SLO')} of {fmt.many(services, 'service')}",
        ", ".join(tally),
    ]
    firing = sum(1 for s in standings if urgency.firing(s))
    if firing:
        parts.append(f"{firing:,} firing")
    if incidents:
        parts.append(fmt.many(incidents, "open incident"))
    return " \u00b7 ".join(parts)


def _is(standing: Standing, state: str, incidents: Collection[str]) -> bool:
    if state == "incident":
        return standing.slo in incidents
    if state == "attention":
        return urgency.needs_attention(standing) or standing.slo in incidents
    if state in _JUDGED:
        return _JUDGED[state](standing)
    return state in {badge.key for badge in urgency.badges(standing)}


def _column(word: str, key: str, query: Query) -> Column:
    sort = SORTS[key]
    if query.order is not sort:
        return Column(word, query.url(sort=key))
    turned = key if query.reversed else f"-{key}"
    way = "ascending" if sort.ascending != query.reversed else "descending"
    return Column(word, query.url(sort=turned), way)


def _last(value: float | None) -> tuple[bool, float]:
    """A key that puts what is not known behind all that is."""
    return value is None, value or 0.0


def _minus(value: float | None) -> float | None:
    return None if value is None else -value

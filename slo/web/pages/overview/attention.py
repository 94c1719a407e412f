"""What needs attention: cards, one for each SLO, incident and shared fault, and one for doubts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from slo.web import faults, urgency
from slo.web import format as fmt
from slo.web.badge import DOUBT, FIRES, UNREAD, Badge
from slo.web.links import slo_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from slo.domain.incident import Incident
    from slo.domain.standing import Standing

MOST_CARDS = 6
_TOGETHER = 3
"""SLOs of one incident that its card names; of more it names the first."""

_ALONE = frozenset({"exhausted", "restricted", "caution"})
"""States that a fault shared with others must not hide."""

_PASSING = frozenset({"fault", "backfill"})
"""Doubts that have a card of their own, or that pass by themselves."""

Key = tuple[float, float, float, str]
Found = tuple[Key, "Callable[[], Card]"]
"""Where a card stands, and how it is made: of many only the first are."""


@dataclass(frozen=True, slots=True)
class Card:
    """What needs attention, in a sentence; the title leads to `url`."""

    title: str
    url: str
    badges: tuple[Badge, ...]
    text: str
    names: str = ""
    incident: int | None = None
    told: str = ""
    """Of an incident: its state and for how long."""


@dataclass(frozen=True, slots=True)
class Attention:
    """The most urgent cards, and how many there are in all."""

    cards: tuple[Card, ...]
    total: int


def attention(
    standings: Iterable[Standing], incidents: Mapping[str, Incident], now: float
) -> Attention:
    """What needs attention, most urgent first; no SLO is told of twice.

    `incidents` are the open ones, by the SLOs that are in them.
    """
    known = {s.slo: s for s in standings}
    alone = [s for s in known.values() if s.slo not in incidents]
    found = [
        *_of_incidents(known, incidents, now),
        *_of_faults(alone),
        *_of_slos(alone, now),
        *_of_doubts(alone),
    ]
    found.sort(key=lambda pair: pair[0])
    return Attention(tuple(make() for _, make in found[:MOST_CARDS]), len(found))


def _of_incidents(
    known: Mapping[str, Standing], incidents: Mapping[str, Incident], now: float
) -> Iterator[Found]:
    for incident in {i.id: i for i in incidents.values()}.values():
        members = [known[s.slo] for s in incident.slos if s.open and s.slo in known]
        members.sort(key=urgency.by_urgency)
        rank = urgency.RANKS[incident.severity]
        key: Key = (rank, rank, 0.0, incident.title)
        if members:
            first = urgency.by_urgency(members[0])
            key = (min(rank, first[0]), *first[1:])
        yield key, partial(_incident_card, incident, members, now)


def _incident_card(incident: Incident, members: Sequence[Standing], now: float) -> Card:
    url, told = f"/incidents/{incident.id}", incident_told(incident, now)
    if not members:
        shown = (FIRES[incident.severity],)
        return Card(incident.title, url, shown, "", incident=incident.id, told=told)
    worst = members[0]
    names = ", ".join(s.name for s in members[:_TOGETHER])
    rest = len(members) - _TOGETHER
    text = urgency.sentence(worst, now) or "Its alerts have calmed down."
    return Card(
        f"{worst.service} / {names}" + (f" and {rest:,} more" if rest > 0 else ""),
        slo_url(worst.service, worst.name) if len(members) == 1 else url,
        marks(worst),
        f"{worst.name}: {text}" if len(members) > 1 else text,
        incident=incident.id,
        told=told,
    )


def incident_told(incident: Incident, now: float) -> str:
    """The state of an open incident and for how long: `acknowledged 22 min ago`."""
    if incident.acknowledged_at is None:
        told = f"open for {fmt.span(now - incident.opened_at)}, not acknowledged"
    else:
        told = f"acknowledged {fmt.span(now - incident.acknowledged_at)} ago"
    return told + (f", assigned to {incident.assignee}" if incident.assignee else "")


def marks(standing: Standing) -> tuple[Badge, ...]:
    """The most urgent state, and what fires beside it."""
    fires = urgency.fires(standing)
    state = urgency.badges(standing)[0]
    if fires is None:
        return (state,)
    # "healthy" beside what fires would comfort without a reason.
    return (fires,) if state.key in {"healthy", "new"} else (state, fires)


def _of_faults(standings: Sequence[Standing]) -> Iterator[Found]:
    """One card for all SLOs that share a fault."""
    for place, (text, slos) in enumerate(faults.by_text(standings).items()):
        if len(slos) > 1:
            title = f"{fmt.many(len(slos), 'SLO')} cannot be read"
            shown = (UNREAD,)
            key = (urgency.RANKS["none"] - 0.5, place, 0.0, title)
            yield key, partial(Card, title, "/?state=fault", shown, text, faults.names(slos))


def _of_slos(standings: Sequence[Standing], now: float) -> Iterator[Found]:
    """One card for each SLO, unless a shared fault is all there is to tell of it."""
    shared = {text for text, slos in faults.by_text(standings).items() if len(slos) > 1}
    for s in filter(urgency.needs_attention, standings):
        shown, fault = marks(s), faults.fault_of(s)
        if fault is not None and shown[0].key not in _ALONE and not urgency.firing(s):
            if fault in shared:
                continue
            shown = (UNREAD,)
        yield urgency.by_urgency(s), partial(_slo_card, s, shown, now)


def _slo_card(standing: Standing, shown: tuple[Badge, ...], now: float) -> Card:
    title = f"{standing.service} / {standing.name}"
    url = slo_url(standing.service, standing.name)
    return Card(title, url, shown, urgency.sentence(standing, now))


def _of_doubts(standings: Sequence[Standing]) -> Iterator[Found]:
    """One card for all SLOs with doubtful numbers that no other card tells of."""
    kinds: Counter[str] = Counter()
    doubted = []
    for s in standings:
        if not s.notes or s.paused or urgency.needs_attention(s):
            continue
        if found := set(urgency.doubts(s)) - _PASSING:
            doubted.append(s)
            kinds.update(found)
    if doubted:
        title = f"{fmt.many(len(doubted), 'SLO')} with numbers in doubt"
        told = ", ".join(f"{kind} ({number:,})" for kind, number in sorted(kinds.items()))
        text, names = f"Notes say why: {told}.", faults.names(doubted)
        key = (len(urgency.RANKS), 0.0, 0.0, title)
        yield key, partial(Card, title, "/?state=doubt", (DOUBT,), text, names)

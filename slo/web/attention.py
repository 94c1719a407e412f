"""What needs attention: cards, one for each SLO, incident and shared fault, and one for doubts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.web import faults, urgency
from slo.web import format as fmt
from slo.web.heading import slo_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from slo.domain.incident import Incident
    from slo.domain.standing import Standing
    from slo.web.urgency import Badge

MOST_CARDS = 6
_TOGETHER = 3
"""SLOs of one incident that its card names; of more it names the first."""

_ALONE = frozenset({"exhausted", "restricted", "caution"})
"""States that a fault shared with others must not hide."""

_PASSING = frozenset({"fault", "backfill"})
"""Doubts that have a card of their own, or that pass by themselves."""

Key = tuple[float, float, float, str]


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


def cards(
    standings: Iterable[Standing], incidents: Mapping[str, Incident], now: float
) -> list[Card]:
    """All that needs attention, most urgent first; no SLO is told of twice.

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
    return [card for _, card in sorted(found, key=lambda pair: pair[0])]


def _of_incidents(
    known: Mapping[str, Standing], incidents: Mapping[str, Incident], now: float
) -> Iterator[tuple[Key, Card]]:
    for incident in {i.id: i for i in incidents.values()}.values():
        members = [known[s.slo] for s in incident.slos if s.open and s.slo in known]
        members.sort(key=urgency.by_urgency)
        rank = urgency.RANKS[incident.severity]
        if not members:
            key = (rank, rank, 0.0, incident.title)
            badge = urgency.FIRES[incident.severity]
            card = Card(incident.title, f"/incidents/{incident.id}", (badge,), "")
        else:
            first = urgency.by_urgency(members[0])
            key = (min(rank, first[0]), *first[1:])
            card = _incident_card(incident, members, now)
        told = Card(
            card.title,
            card.url,
            card.badges,
            card.text,
            incident=incident.id,
            told=incident_told(incident, now),
        )
        yield key, told


def _incident_card(incident: Incident, members: Sequence[Standing], now: float) -> Card:
    worst = members[0]
    names = ", ".join(s.name for s in members[:_TOGETHER])
    rest = len(members) - _TOGETHER
    text = urgency.sentence(worst, now) or "Its alerts have calmed down."
    if len(members) > 1:
        text = f"{worst.name}: {text}"
    return Card(
        f"{worst.service} / {names}" + (f" and {rest:,} more" if rest > 0 else ""),
        slo_url(worst.service, worst.name) if len(members) == 1 else f"/incidents/{incident.id}",
        marks(worst),
        text,
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


def _of_faults(standings: Sequence[Standing]) -> Iterator[tuple[Key, Card]]:
    """One card for all SLOs that share a fault, unless each has a card for its budget."""
    for place, (text, slos) in enumerate(faults.by_text(standings).items()):
        if len(slos) > 1:
            title = f"{faults.many(len(slos))} cannot be read"
            card = Card(title, "/?state=fault", (urgency.UNREAD,), text, faults.names(slos))
            yield (urgency.RANKS["none"] - 0.5, place, 0.0, title), card


def _of_slos(standings: Sequence[Standing], now: float) -> Iterator[tuple[Key, Card]]:
    shared = {text for text, slos in faults.by_text(standings).items() if len(slos) > 1}
    for s in urgency.needing(standings):
        shown, fault = marks(s), faults.fault_of(s)
        if fault is not None and shown[0].key not in _ALONE and not urgency.firing(s):
            if fault in shared:
                continue
            shown = (urgency.UNREAD,)
        url = slo_url(s.service, s.name)
        yield (
            urgency.by_urgency(s),
            Card(f"{s.service} / {s.name}", url, shown, urgency.sentence(s, now)),
        )


def _of_doubts(standings: Sequence[Standing]) -> Iterator[tuple[Key, Card]]:
    """One card for all SLOs with doubtful numbers that no other card tells of."""
    kinds: Counter[str] = Counter()
    doubted = []
    for s in standings:
        found = set(urgency.doubts(s)) - _PASSING
        if found and not s.paused and not urgency.needs_attention(s):
            doubted.append(s)
            kinds.update(found)
    if not doubted:
        return
    many = faults.many(len(doubted))
    title = f"{many} with numbers in doubt"
    told = ", ".join(f"{kind} ({number:,})" for kind, number in sorted(kinds.items()))
    text = f"Notes say why: {told}."
    names = faults.names(doubted)
    card = Card(title, "/?state=doubt", (urgency.DOUBT,), text, names)
    yield (len(urgency.RANKS), 0.0, 0.0, title), card

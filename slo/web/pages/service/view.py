"""What the page of a service says of all its SLOs together, in texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.web import format as fmt
from slo.web import urgency
from slo.web.badge import FIRES, Badge
from slo.web.links import web_link
from slo.web.pages.overview import attention
from slo.web.search import labels_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slo.domain.ledger import Exclusion
    from slo.domain.silence import Silence
    from slo.domain.standing import Standing
    from slo.web.charts.strips import Strip

_MOST_LABELS = 20


@dataclass(frozen=True, slots=True)
class About:
    """Who owns the service and where one reads on; `labels` are those that its SLOs have."""

    owners: tuple[str, ...]
    runbooks: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the figures at the top."""

    label: str
    value: str
    detail: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert that fires, or with `frozen` a rule that cannot decide."""

    slo: tuple[str, str]
    badge: Badge
    rule: str
    since: str
    why: str


@dataclass(frozen=True, slots=True)
class Muted:
    """A silence or an exclusion that is in force."""

    word: str
    scope: str
    until: str
    why: str


def badges(members: Sequence[Standing]) -> tuple[Badge, ...]:
    """The worst state of the SLOs, which is the service's own, and what fires."""
    return attention.marks(min(members, key=urgency.by_urgency))


def about(members: Sequence[Standing]) -> About:
    """Owners, runbooks and labels of the SLOs."""
    links = (web_link(s.runbook) for s in members)
    tally = Counter(label for s in members for label in labels_of(s))
    return About(
        tuple(sorted({s.owner for s in members if s.owner})),
        tuple(sorted({link for link in links if link})),
        tuple(sorted(label for label, _ in tally.most_common(_MOST_LABELS))),
    )


def tiles(members: Sequence[Standing], incidents: int, strips: Sequence[Strip]) -> list[Tile]:
    """The figures of a service: its SLOs, the least budget, what burns and fires, its days."""
    known = [s for s in members if s.budget.remaining is not None]
    least = min(known, key=lambda s: s.budget.remaining or 0.0, default=None)
    left = None if least is None else least.budget.remaining
    burning = max(members, key=lambda s: urgency.burn_over(s, "1h") or -1.0)
    fast = urgency.burn_over(burning, "1h")
    alerts = [alert for s in members for alert in urgency.firing(s)]
    pages = sum(1 for alert in alerts if alert.severity == "page")
    states = Counter(urgency.badges(s)[0].word for s in members)
    return [
        Tile("SLOs", f"{len(members):,}", ", ".join(f"{n:,} {w}" for w, n in states.items())),
        Tile(
            "Least budget left",
            fmt.percent(left),
            "" if least is None else least.name,
            left is not None and left <= 0,
        ),
        Tile(f"Fastest burn, 1{fmt.SPACE}h", fmt.burn(fast), "" if fast is None else burning.name),
        Tile("Alerts firing", f"{len(alerts):,}", f"{pages:,} of them page", bool(pages)),
        Tile("Open incidents", f"{incidents:,}", "", bool(incidents)),
        Tile("Days met", strips[0].met, f"of the last {len(strips[0].days)} days"),
    ]


def firing(members: Iterable[Standing], now: float) -> list[Firing]:
    """The alerts that fire, pages first and then the oldest."""
    found = [(alert, s) for s in members for alert in urgency.firing(s)]
    found.sort(key=lambda pair: (pair[0].severity != "page", pair[0].since or 0, pair[1].slo))
    return [
        Firing(
            (s.service, s.name),
            FIRES[alert.severity],
            alert.rule,
            f"{fmt.span(now - (alert.since or now))}, since {fmt.stamp(alert.since or 0)} UTC",
            alert.reason,
        )
        for alert, s in found
    ]


def muted(
    silences: Iterable[Silence], away: Iterable[Exclusion], members: Iterable[Standing], now: float
) -> list[Muted]:
    """The silences and exclusions that are in force at `now` for any of the SLOs."""
    known = list(members)
    found = [
        Muted("silenced", silence.scope, _until(silence.end), f"{silence.who}: {silence.why}")
        for silence in silences
        if any(silence.mutes(s.slo, dict(s.labels), now) for s in known)
    ]
    return found + [
        Muted("excluded", e.scope, _until(e.span.end), f"{e.who}: {e.why} ({e.category})")
        for e in away
        if e.span.start <= now < e.span.end
    ]


def _until(at: float) -> str:
    return f"until {fmt.stamp(at)} UTC"

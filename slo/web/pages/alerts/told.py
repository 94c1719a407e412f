"""Who was told of alerts, and whether it arrived."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.alert import PAGED_KINDS
from slo.store import tellings, timeline
from slo.web.badge import Badge
from slo.web.moment import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.alert import Transition
    from slo.domain.incident import Event
    from slo.store.tellings import Telling

STATES: dict[str, Badge] = {
    "pending": Badge("amber", "\u25f7", "pending", "It is tried again."),
    "delivered": Badge("healthy", "\u2713", "delivered", "The receiver took it."),
    "dead": Badge("red", "\u2715", "dead", "Given up; it can be sent again."),
    "suppressed": Badge("none", "\u2016", "suppressed", "Not sent: it was stale."),
    "cancelled": Badge("none", "\u2013", "cancelled", "Not sent: what it ends was never told."),
}
_BEGINNING = frozenset({"opened", "raised", "reopened", "flapping", "budget"})


@dataclass(frozen=True, slots=True)
class Told:
    """One receiver, what became of its notification, and when."""

    receiver: str
    badge: Badge
    at: float
    error: str


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who heard of an alert, or in words why nobody did."""

    told: tuple[Told, ...] = ()
    why: str = ""

    def text(self, now: float) -> str:
        """All of it on one line."""
        parts = [f"{t.receiver} {t.badge.word} {stamp(t.at, now)}" for t in self.told]
        return "; ".join(parts) or self.why


def hearings(
    session: Session, fired: Sequence[Transition], ends: Mapping[int, Transition], now: float
) -> dict[int, Hearing]:
    """Who heard of each of these alerts, by the id with which it fired."""
    numbers = {t.incident for t in fired if t.incident is not None}
    budgets = [t for t in fired if t.kind == "budget"]
    sent: dict[str, list[Telling]] = defaultdict(list)
    since = min((t.decided_at for t in budgets), default=0)
    for one in (
        *tellings.of_incidents(session, numbers),
        *tellings.of_subjects(session, [_subject(t) for t in budgets], since),
    ):
        if one.kind in _BEGINNING:
            sent[one.subject].append(one)
    quiet: dict[int, list[Event]] = defaultdict(list)
    for event in timeline.of_kinds(session, numbers, ("silenced", "notified")):
        quiet[event.incident].append(event)
    return {
        t.id: _hearing(t, ends.get(t.id), sent[_subject(t)], quiet.get(t.incident or 0, ()), now)
        for t in fired
    }


def _subject(t: Transition) -> str:
    return f"budget/{t.slo}/{t.id}" if t.kind == "budget" else f"incident/{t.incident}"


def _hearing(
    t: Transition,
    end: Transition | None,
    sent: Sequence[Telling],
    quiet: Iterable[Event],
    now: float,
) -> Hearing:
    over = now if end is None else end.decided_at
    chosen = {}
    for receiver in sorted({one.receiver for one in sent}):
        of_it = [one for one in sent if one.receiver == receiver]
        inside = [one for one in of_it if t.decided_at <= one.created_at <= over]
        earlier = [one for one in of_it if one.created_at < t.decided_at]
        # An alert that joins an incident which was told already is not told by itself.
        one = (inside[:1] or earlier[-1:] or of_it[:1])[0]
        chosen[receiver] = one
    if chosen:
        return Hearing(
            tuple(
                Told(
                    receiver,
                    STATES[one.state],
                    one.ended_at or one.created_at,
                    "" if one.state == "delivered" else one.error,
                )
                for receiver, one in chosen.items()
            )
        )
    return Hearing(why=_why_nobody(t, end, quiet))


def _why_nobody(t: Transition, end: Transition | None, quiet: Iterable[Event]) -> str:
    events = list(quiet)
    silenced = [e for e in events if e.kind == "silenced" and e.recorded_at >= t.decided_at]
    unrouted = any(e.kind == "notified" and not e.detail.get("receivers") for e in events)
    muted = t.incident is None and t.kind in PAGED_KINDS
    reasons = (
        (bool(silenced), f"silenced: {silenced[0].text}" if silenced else ""),
        (t.kind == "blind", "told once for all SLOs, by the source's own alert"),
        (t.kind == "budget", "nobody by itself: a higher share was told, or no route fits"),
        (muted, "nobody: muted, since its incident was resolved by hand"),
        (unrouted, "nobody: no route fits"),
        (t.late and end is not None, "nobody: it was over when it was found"),
    )
    return next((text for holds, text in reasons if holds), "nobody yet")

"""Which SLOs need attention, in which order, and why, in a sentence."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from slo.web import faults
from slo.web import format as fmt
from slo.web.badge import BADGES, FIRES

if TYPE_CHECKING:
    from slo.domain.standing import DataState, Standing, StandingAlert, State
    from slo.web.badge import Badge

RANKS = {key: rank for rank, key in enumerate(("page", *BADGES))} | {"ticket": 3.5}
"""By urgency: a page first, since it burns now; a ticket between no data and caution."""

ATTENTION = ("exhausted", "restricted", "none", "caution")
_BASIS = {"6h": f"6{fmt.SPACE}h", "3d": f"3{fmt.SPACE}days"}
_CERTAIN = frozenset({"frozen", "carried", "rename", "young", "estimated"})
"""Notes that put no sum in doubt: events are booked elsewhere, or another mark tells."""


def badges(standing: Standing) -> tuple[Badge, ...]:
    """What to show of a standing, most urgent first: the budget's state, and what data lacks."""
    return _badges(standing.state, standing.data, standing.paused)


@cache
def _badges(state: State, data: DataState, paused: bool) -> tuple[Badge, ...]:
    if paused:
        return (BADGES["paused"],)
    keys: set[str] = {state} if data == "fresh" else {state, data}
    if data == "none":  # "healthy" beside "no data" would comfort without a reason.
        keys -= {"healthy", "new"}
    return tuple(BADGES[key] for key in sorted(keys, key=RANKS.__getitem__))


def firing(standing: Standing) -> tuple[StandingAlert, ...]:
    """The alerts that fire, pages first; those on the budget are told by the state already."""
    if not standing.alerts:
        return ()
    found = [a for a in standing.alerts if a.since is not None and a.kind != "budget"]
    return tuple(sorted(found, key=lambda a: (a.severity != "page", a.since or 0)))


def fires(standing: Standing) -> Badge | None:
    """The mark of the gravest alert that fires."""
    found = firing(standing)
    return FIRES[found[0].severity] if found else None


def doubts(standing: Standing) -> tuple[str, ...]:
    """The kinds of notes that put the window's numbers in doubt."""
    told = (note.kind for note in standing.notes if note.kind not in _CERTAIN)
    return tuple(dict.fromkeys(told))


def by_urgency(standing: Standing) -> tuple[float, float, float, str]:
    """The sort key: what pages, the most urgent state, the least budget left, the name."""
    mark, state = fires(standing), RANKS[badges(standing)[0].key]
    remaining = standing.budget.remaining
    least = 1.0 if remaining is None else remaining
    gravest = state if mark is None else min(state, RANKS[mark.key])
    return gravest, state, least, standing.slo


def needs_attention(standing: Standing) -> bool:
    """Whether its budget, its data or an alert asks for somebody."""
    return (
        badges(standing)[0].key in ATTENTION
        or faults.fault_of(standing) is not None
        or bool(firing(standing))
    )


def sentence(standing: Standing, now: float) -> str:
    """Why a standing needs attention, in plain words."""
    parts = []
    fault = faults.fault_of(standing)
    if fault is None and standing.data == "none":
        parts.append(_silence(standing, now))
    if standing.state == "exhausted":
        parts.append(_spent(standing, now))
    elif standing.state in {"restricted", "caution"}:
        parts.append(_low(standing, now))
    alert = next(iter(firing(standing)), None)
    if alert is not None:
        parts.append(_burning(standing, alert, now))
    if fault is not None:
        parts.append(f"Cannot be read: {fault.rstrip('.')}.")
    return " ".join(parts)


def forecast(standing: Standing, now: float) -> str:
    """When the budget will be gone, short enough for a column."""
    remaining = standing.budget.remaining
    if standing.paused or standing.state == "new" or remaining is None or standing.total <= 0:
        return fmt.DASH
    if remaining <= 0:
        return "spent"
    if standing.exhausted_at is None:
        return "stays within"
    if standing.exhausted_at <= now:
        return "now"
    if standing.exhausted_at - now < 6 * 86_400:
        return fmt.soon(standing.exhausted_at, now)
    return f"{(standing.exhausted_at - now) / 86_400:,.0f}{fmt.SPACE}days"


def burn_over(standing: Standing, span: str) -> float | None:
    """The burn rate over one of the standing's spans, such as `1h`."""
    return dict(standing.burn_rates).get(span)


def _silence(standing: Standing, now: float) -> str:
    if standing.last_data is None:
        return "Nothing was ever read for it: does its selector match anything?"
    return f"No samples for {fmt.span(now - standing.last_data)}; the budget stands where it was."


def _spent(standing: Standing, now: float) -> str:
    text = "Budget spent"
    if standing.exhausted_at is not None and standing.exhausted_at < now:
        text += f" {fmt.span(now - standing.exhausted_at)} ago"
    return (
        f"{text}: {fmt.count(standing.budget.spent)} bad events, "
        f"{fmt.count(standing.budget.allowed)} allowed."
        + ("" if firing(standing) else _last_hour(standing))
    )


def _last_hour(standing: Standing) -> str:
    burning = burn_over(standing, "1h")
    return "" if burning is None else f" Burning {fmt.burn(burning)} over the last hour."


def _burning(standing: Standing, alert: StandingAlert, now: float) -> str:
    """What fires and since when; for alerts that burn, how fast."""
    since = f"{alert.rule} fires for {fmt.span(now - (alert.since or now))}."
    others = len(firing(standing)) - 1
    if others:
        since = f"{since[:-1]}, and {others} more {'rule' if others == 1 else 'rules'}."
    burns = _last_hour(standing) if alert.kind in {"burn", "floor"} else ""
    return f"{burns} {since}".strip()


def _low(standing: Standing, now: float) -> str:
    text = f"{fmt.percent(standing.budget.remaining)} of the budget left"
    gone = [f for f in standing.forecasts if f.exhausted_at is not None]
    if not gone:
        return f"{text}; at the present pace it stays within."
    first = min(gone, key=lambda f: f.exhausted_at or 0)
    when = fmt.coming(first.exhausted_at or 0, now)
    pace = _BASIS.get(first.basis, first.basis)
    return f"{text}; at the pace of the last {pace} it is gone {_on(when)}."


def _on(when: str) -> str:
    return when if when.startswith("today") else f"on {when}"

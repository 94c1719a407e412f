"""Past windows of an SLO, each judged by its own objective: months, quarters, weeks or years."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from slo.domain.span import utc
from slo.domain.window import CalendarWindow
from slo.judging import judge
from slo.store import slos
from slo.web import format as fmt
from slo.web.badge import Badge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from slo.domain.verdict import Verdict
    from slo.domain.window import CalendarUnit, Window

COUNTS: Mapping[CalendarUnit, int] = {"week": 12, "month": 12, "quarter": 12, "year": 5}
"""How many past windows are shown of each kind."""

MET = Badge("healthy", "\u2713", "met", "The objective was met.")
MISSED = Badge("exhausted", "\u2715", "missed", "The objective was missed.")
WITHIN = Badge("new", "\u25cb", "within budget, so far", "It runs; its projected budget holds.")
OVER = Badge(
    "exhausted", "\u2715", "over budget, so far", "It runs; more than its budget is spent."
)
UNKNOWN = Badge("none", "\u2013", "no events", "There were no events to judge.")
UNKNOWN_YET = Badge("none", "\u2013", "no events, so far", "It runs; no event has come yet.")


@dataclass(frozen=True, slots=True)
class PastWindow:
    """One past window; all texts."""

    name: str
    badge: Badge
    objective: str
    sli: str
    bad: str
    total: str
    spent: str
    coverage: str
    notes: str


def past_windows(
    session: Session, slo: str, window: Window, at: int, now: float
) -> list[PastWindow]:
    """The windows before `at`, newest first, as far as any ledger reaches, with the running one.

    A rolling window has no past of its own, so its months are judged.
    """
    calendar = window if isinstance(window, CalendarWindow) else CalendarWindow("month")
    booked = slos.booked_span(session, slo)
    if booked is None:
        return []
    periods = islice(calendar.periods_back(at, booked.start), COUNTS[calendar.unit] + 1)
    verdicts = judge(session, [slo], list(periods), now)[slo]
    return [_row(verdict, calendar) for verdict in verdicts]


def period_name(unit: CalendarUnit, start: int, zone: ZoneInfo) -> str:
    """A period as people name it: `November 2026`, `Q4 2026`, `week of 16 Nov 2026`, `2026`."""
    first = utc(start).astimezone(zone)
    match unit:
        case "week":
            return f"week of {first.day}{fmt.SPACE}{first:%b %Y}"
        case "month":
            return f"{first:%B %Y}"
        case "quarter":
            return f"Q{(first.month + 2) // 3} {first.year}"
        case "year":
            return f"{first.year}"


def _badge(verdict: Verdict) -> Badge:
    """The verdict in a word; nothing is met or missed while its window runs."""
    met, missed, unknown = (
        (WITHIN, OVER, UNKNOWN_YET) if verdict.running else (MET, MISSED, UNKNOWN)
    )
    return unknown if verdict.met is None else met if verdict.met else missed


def _row(verdict: Verdict, calendar: CalendarWindow) -> PastWindow:
    objective = verdict.objective
    return PastWindow(
        period_name(calendar.unit, verdict.period.start, ZoneInfo(calendar.zone)),
        _badge(verdict),
        fmt.DASH if objective is None else fmt.objective(objective),
        fmt.DASH if objective is None else fmt.sli(verdict.sli, objective),
        fmt.count(verdict.bad),
        fmt.count(verdict.total),
        fmt.percent(verdict.spent),
        fmt.percent(verdict.coverage, 2),
        " ".join(note.text for note in verdict.notes),
    )

"""Exclusions as people ask for them: checked, kept, extended, removed."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args

from slo.domain.ledger import Exclusion
from slo.domain.refusal import RefusedError
from slo.domain.span import Span, rfc3339
from slo.recurrence import HORIZON_DAYS, Recurrence, RecurrenceError, occurrences
from slo.sent import LONGEST_WHO, LONGEST_WHY, ensure_scope, ensure_text
from slo.store import exclusion_schedules, exclusions
from slo.store.exclusion_schedules import Schedule

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.config.settings import Settings

_log = logging.getLogger(__name__)

Category = Literal["maintenance", "load-test", "dependency", "false-positive", "other"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
_DAY = 86_400
HORIZON = HORIZON_DAYS * _DAY
_DIGITS = 18
_NONE = "there is no {}; `slo exclude list` shows all"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An exclusion that somebody asks for, checked; it recurs, or it is one span."""

    scope: str
    category: str
    who: str
    why: str
    spans: tuple[Span, ...]
    """One span, or the occurrences of `recurrence` up to 400 days ahead."""
    recurrence: Recurrence | None = None

    def exclusions(self, at: int) -> list[Exclusion]:
        """Its exclusions, declared at `at`, without ids."""
        return [
            Exclusion(0, self.scope, span, self.category, self.who, self.why, at)
            for span in self.spans
        ]


def wanted(
    session: Session,
    settings: Settings,
    when: Span | Recurrence,
    *,
    scope: str,
    category: str,
    who: str,
    why: str,
    now: int,
) -> Wanted:
    """The exclusion that is asked for; raises `RefusedError` for what cannot be."""
    if category not in CATEGORIES:
        raise RefusedError("category", f"must be one of {', '.join(CATEGORIES)}")
    asked = Wanted(
        ensure_scope(session, settings, scope),
        category,
        ensure_text("who", who, LONGEST_WHO),
        ensure_text("why", why, LONGEST_WHY),
        (),
    )
    if isinstance(when, Span):
        return replace(asked, spans=(_ensure_sensible(when, now),))
    try:
        spans = occurrences(when, 0, now + HORIZON)
    except RecurrenceError as error:
        raise RefusedError("rrule", str(error)) from None
    return replace(asked, spans=tuple(spans), recurrence=when)


def _ensure_sensible(span: Span, now: int) -> Span:
    if not span.seconds:
        raise RefusedError("to", "must be later than from")
    if span.seconds > HORIZON:
        raise RefusedError("to", f"lies over {HORIZON_DAYS}d after from; exclude a shorter span")
    if span.end > now + HORIZON:
        raise RefusedError("to", f"must be at or before {rfc3339(now + HORIZON)}")
    return span


def add(session: Session, asked: Wanted, now: int) -> Exclusion | Schedule:
    """Keeps what was asked for, with its occurrences where it recurs; audited."""
    if asked.recurrence is None:
        return exclusions.add(session, asked.exclusions(now)[0])
    rule = asked.recurrence
    kept = exclusion_schedules.add(
        session,
        Schedule(
            0,
            asked.scope,
            rule.rule,
            rule.start.isoformat(),
            rule.zone,
            rule.seconds,
            asked.category,
            asked.who,
            asked.why,
            now,
            now + HORIZON,
        ),
    )
    exclusion_schedules.expand(session, kept, asked.spans, now + HORIZON, now)
    return kept


def extend(session: Session, now: int) -> int:
    """Expands recurring exclusions up to 400 days ahead, about once a day; gives the new rows."""
    number, to = 0, now + HORIZON
    for schedule in exclusion_schedules.behind(session, to - _DAY):
        try:
            spans = occurrences(recurrence_of(schedule), schedule.expanded_to, to)
        except RecurrenceError as error:
            _log.warning("exclusion schedule %d is not extended: %s", schedule.id, error)
            continue
        exclusion_schedules.expand(session, schedule, spans, to, now)
        number += len(spans)
    return number


def recurrence_of(schedule: Schedule) -> Recurrence:
    """The recurrence that a schedule keeps as texts."""
    start = datetime.fromisoformat(schedule.start)
    return Recurrence(schedule.rrule, start, schedule.zone, schedule.seconds)


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to be removed: an exclusion, or a schedule with these of its occurrences."""

    exclusions: tuple[Exclusion, ...]
    schedule: int | None = None
    past: bool = False


def removal(session: Session, word: str, now: int, *, past: bool = False) -> Removal:
    """What `word` names: an exclusion's id, or `schedule/ID`; raises `RefusedError`."""
    kind, slash, number = word.strip().rpartition("/")
    if kind != ("schedule" if slash else "") or not (number.isdecimal() and len(number) <= _DIGITS):
        raise RefusedError("id", f"{word[:40]!r} is no id; write a number, or schedule/NUMBER")
    if not slash:
        kept = exclusions.by_id(session, int(number))
        if kept is None or kept.removed_at is not None:
            raise RefusedError("id", _NONE.format(f"exclusion {number}"))
        return Removal((kept.exclusion,))
    schedule = exclusion_schedules.by_id(session, int(number))
    occurring = exclusions.of_schedule(session, int(number))
    # Of a removed schedule the past may still be taken away.
    if schedule is None or (schedule.removed_at is not None and not (past and occurring)):
        raise RefusedError("id", _NONE.format(f"exclusion schedule {number}"))
    chosen = (e for e in occurring if past or e.span.start >= now)
    return Removal(tuple(chosen), int(number), past)


def remove(session: Session, gone: Removal, *, who: str, why: str, now: int) -> None:
    """Removes it, audited; what somebody else removed meanwhile raises `RefusedError`."""
    who, why = ensure_text("who", who, LONGEST_WHO), ensure_text("why", why, LONGEST_WHY)
    if gone.schedule is None:
        number = gone.exclusions[0].id
        if not exclusions.remove(session, number, now, who, why):
            raise RefusedError("id", _NONE.format(f"exclusion {number}"))
        return
    found = exclusion_schedules.remove(session, gone.schedule, now, who, why, past=gone.past)
    if found is None:
        raise RefusedError("id", _NONE.format(f"exclusion schedule {gone.schedule}"))

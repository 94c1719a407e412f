"""Gathering a report from the store: a few bulk reads, however many SLOs there are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from slo.domain.report import (
    ObjectiveChange,
    Report,
    ReportIncident,
    ServiceReport,
    SloLine,
    Used,
    count_of,
    learned_from,
)
from slo.domain.scope import in_scope
from slo.domain.standing import FAULT, FROZEN
from slo.domain.tally import going_on, tally_of
from slo.judging import judge
from slo.store import action_items, corrections, exclusions, incidents, notes, postmortems, slos

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.incident import Incident
    from slo.domain.ledger import Correction, Exclusion
    from slo.domain.period import Period
    from slo.domain.postmortem import Summary
    from slo.domain.span import Span
    from slo.domain.standing import Note
    from slo.domain.verdict import Verdict
    from slo.store.slos import Known, Revision

_LATEST = 4 * 86_400
"""Seconds within which a burn that began in a period opens its incident; the longest window
of an alert is three days."""
_ALL = 1_000_000
"""More incidents than any period has."""
_OF_NOW = frozenset({FAULT, FROZEN})
"""Notes that tell of the present alone."""


def report_of(
    session: Session, period: Period, now: int, *, service: str = "", owner: str = ""
) -> Report:
    """The report of a period as of `now` (epoch seconds), of all SLOs or of those that are named.

    An SLO belongs to the owner whom it had at the period's end. One without a ledger in
    the period is told of if it was declared by then, and had not gone before.
    """
    span, before = period.span, period.before.span
    known = [k for k in slos.all_slos(session) if not service or in_scope(f"{service}/*", k.id)]
    revisions = slos.revisions_of(session, [k.id for k in known])
    promised = {k.id: _in_force(revisions[k.id], span.end) for k in known}
    wanted = [k for k in known if not owner or _owner(promised[k.id]) == owner]
    verdicts = judge(session, [k.id for k in wanted], [before, span], now)
    chosen = [k for k in wanted if _belongs(k, verdicts[k.id][1])]
    found = _incidents(session, {k.id for k in chosen}, before.start, span.end)
    judged_by = [v[1].meter for v in verdicts.values() if v[1].meter is not None]
    facts = _Facts(
        period,
        now,
        revisions,
        corrections.of(session, judged_by),
        exclusions.of(session),
        notes.of(session, judged_by),
        _by_slo(found),
    )
    lines = [facts.line(promised[k.id], *verdicts[k.id][::-1]) for k in chosen]
    shown = [i for i in found if going_on(i, span, now) or span.start < i.opened_at <= span.end]
    opened = [i.id for i in shown if span.start < i.opened_at <= span.end]
    about = postmortems.of_incidents(session, [i.id for i in shown])
    of_period = [about[number] for number in opened if number in about]
    items = [item for item in action_items.listed(session, now) if item.incident in set(opened)]
    return Report(
        period=period,
        made_at=now,
        services=_services(lines, facts),
        incidents=tuple(
            _incident(i, span, now, about, {line.slo for line in lines}) for i in shown
        ),
        tally=tally_of(found, span, now),
        tally_before=tally_of(found, before, now),
        count_before=count_of(line.before for line in lines),
        learned=learned_from(of_period, items, now),
        service=service,
        owner=owner,
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the store knows of the SLOs of a report."""

    period: Period
    now: int
    revisions: Mapping[str, Sequence[Revision]]
    corrections: Mapping[int, Sequence[Correction]]
    """By meter."""
    exclusions: Sequence[Exclusion]
    notes: Mapping[int, Sequence[Note]]
    incidents: Mapping[str, Sequence[Incident]]

    def line(self, promised: Revision | None, verdict: Verdict, before: Verdict) -> SloLine:
        """The line of one SLO."""
        span, slo = self.period.span, verdict.slo
        own = self.incidents.get(slo, ())
        return SloLine(
            verdict=verdict,
            before=before,
            owner=_owner(promised),
            description="" if promised is None else promised.description,
            incidents=tally_of(own, span, self.now),
            incidents_before=tally_of(own, self.period.before.span, self.now).number,
            exclusions=tuple(self._used(verdict)),
            corrections=tuple(self._corrections(verdict)),
            changes=tuple(
                ObjectiveChange(new.since, old.objective, new.objective)
                for old, new in pairwise(self.revisions[slo])
                if span.start < new.since <= span.end and old.objective != new.objective
            ),
            notes=(*verdict.notes, *self._booked_notes(verdict)),
        )

    def tally(self, slo_ids: Iterable[str]) -> Iterable[Incident]:
        """The incidents of any of these SLOs, each once."""
        return {i.id: i for slo in slo_ids for i in self.incidents.get(slo, ())}.values()

    def _corrections(self, verdict: Verdict) -> Iterable[Correction]:
        if verdict.meter is None:
            return
        for correction in self.corrections[verdict.meter]:
            if self.period.span.start < correction.end <= self.period.span.end:
                yield correction

    def _used(self, verdict: Verdict) -> Iterable[Used]:
        if verdict.booked is None:
            return
        for exclusion in self.exclusions:
            part = exclusion.span.overlap(verdict.booked)
            if part is not None and exclusion.covers(verdict.slo):
                yield Used(exclusion, part.seconds)

    def _booked_notes(self, verdict: Verdict) -> Iterable[Note]:
        if verdict.meter is None or verdict.booked is None:
            return
        for note in self.notes.get(verdict.meter, ()):
            later = note.first is not None and note.first > verdict.booked.end
            earlier = note.last is not None and note.last <= verdict.booked.start
            if note.kind not in _OF_NOW and not later and not earlier:
                yield note


def _belongs(known: Known, verdict: Verdict) -> bool:
    """Whether a report tells of an SLO: it has a ledger in the period, or should have one."""
    if verdict.booked is not None:
        return True
    gone = known.paused_at is not None and known.paused_at <= verdict.period.start
    return known.created_at < verdict.period.end and not gone


def _in_force(revisions: Sequence[Revision], at: int) -> Revision | None:
    begun = [revision for revision in revisions if revision.since <= at]
    return begun[-1] if begun else next(iter(revisions), None)


def _owner(promised: Revision | None) -> str:
    return "" if promised is None else promised.owner


def _incidents(session: Session, slo_ids: set[str], start: int, end: int) -> list[Incident]:
    """The incidents of any of these SLOs that were going on in the time, the newest first."""
    found = incidents.many(session, since=start, until=end + _LATEST, limit=_ALL)
    return [i for i in found if any(s.slo in slo_ids for s in i.slos)]


def _by_slo(found: Iterable[Incident]) -> dict[str, list[Incident]]:
    by_slo: dict[str, list[Incident]] = defaultdict(list)
    for incident in found:
        for part in incident.slos:
            by_slo[part.slo].append(incident)
    return by_slo


def _incident(
    incident: Incident, span: Span, now: int, about: Mapping[int, Summary], slo_ids: set[str]
) -> ReportIncident:
    part = going_on(incident, span, now)
    shares = [
        s.budget_share for s in incident.slos if s.slo in slo_ids and s.budget_share is not None
    ]
    return ReportIncident(
        incident,
        0 if part is None else part.seconds,
        incident.opened_at <= span.start,
        max(shares, default=None),
        about.get(incident.id),
    )


def _services(lines: Sequence[SloLine], facts: _Facts) -> tuple[ServiceReport, ...]:
    by_service: dict[str, list[SloLine]] = defaultdict(list)
    for line in lines:
        by_service[line.service].append(line)
    return tuple(
        ServiceReport(
            service,
            tuple(members),
            count_of(line.verdict for line in members),
            tally_of(facts.tally(line.slo for line in members), facts.period.span, facts.now),
        )
        for service, members in sorted(by_service.items())
    )

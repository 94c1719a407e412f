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
from slo.store import action_items, exclusions, incidents, notes, postmortems, slos

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.incident import Incident
    from slo.domain.ledger import Exclusion
    from slo.domain.period import Period
    from slo.domain.postmortem import Summary
    from slo.domain.report import Learned
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
    the period is told of if it was declared by then, and had not gone before. The period
    before is that of its own report.
    """
    span, before = period.span, period.before.span
    known = [k for k in slos.all_slos(session) if not service or in_scope(f"{service}/*", k.id)]
    revisions = slos.revisions_of(session, [k.id for k in known])
    owned = [
        [k for k in known if not owner or _owner(_in_force(revisions[k.id], at)) == owner]
        for at in (before.end, span.end)
    ]
    verdicts = judge(session, [k.id for some in owned for k in some], [before, span], now)
    told_before, told = (
        [verdicts[k.id][place] for k in some if _belongs(k, verdicts[k.id][place])]
        for place, some in enumerate(owned)
    )
    found = incidents.many(session, since=before.start, until=span.end + _LATEST, limit=_ALL)
    facts = _Facts(
        period,
        now,
        revisions,
        exclusions.of(session),
        notes.of(session, [v.meter for v in told if v.meter is not None]),
        _by_slo(found),
    )
    own = _of(found, told)
    opened = {i.id for i in own if span.start < i.opened_at <= span.end}
    shown = [i for i in own if i.id in opened or going_on(i, span, now)]
    about = postmortems.of_incidents(session, [i.id for i in shown])
    return Report(
        period=period,
        made_at=now,
        services=_services([facts.line(v, verdicts[v.slo][0]) for v in told], facts),
        incidents=tuple(_incident(i, span, now, about, {v.slo for v in told}) for i in shown),
        tally=tally_of(own, span, now),
        before=tuple(told_before),
        tally_before=tally_of(_of(found, told_before), before, now),
        learned=_learned(session, opened, about, now),
        service=service,
        owner=owner,
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the store knows of the SLOs of a report."""

    period: Period
    now: int
    revisions: Mapping[str, Sequence[Revision]]
    exclusions: Sequence[Exclusion]
    notes: Mapping[int, Sequence[Note]]
    incidents: Mapping[str, Sequence[Incident]]

    def line(self, verdict: Verdict, before: Verdict) -> SloLine:
        """The line of one SLO."""
        span, slo = self.period.span, verdict.slo
        promised = _in_force(self.revisions[slo], span.end)
        own = self.incidents.get(slo, ())
        return SloLine(
            verdict=verdict,
            before=before,
            owner=_owner(promised),
            description="" if promised is None else promised.description,
            incidents=tally_of(own, span, self.now),
            incidents_before=tally_of(own, self.period.before.span, self.now).number,
            exclusions=tuple(self._used(verdict)),
            corrections=verdict.corrections,
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

    def _used(self, verdict: Verdict) -> Iterable[Used]:
        for exclusion in self.exclusions:
            if exclusion.covers(verdict.slo):
                part = verdict.taken_out_by(exclusion.span)
                if part is not None:
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


def _of(found: Iterable[Incident], told: Iterable[Verdict]) -> list[Incident]:
    """Those of the incidents that an SLO of these verdicts was in, in their order."""
    slo_ids = {verdict.slo for verdict in told}
    return [i for i in found if any(part.slo in slo_ids for part in i.slos)]


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


def _learned(
    session: Session, opened: Collection[int], about: Mapping[int, Summary], now: int
) -> Learned:
    """What came of these incidents, given by their numbers."""
    items = [item for item in action_items.listed(session, now) if item.incident in opened]
    return learned_from([one for number, one in about.items() if number in opened], items, now)


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

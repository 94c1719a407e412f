"""Reports: what was promised, kept and learned in one period, by service and SLO."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from slo.domain.tally import IncidentTally

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from slo.domain.incident import Incident
    from slo.domain.ledger import Correction, Exclusion
    from slo.domain.period import Period
    from slo.domain.postmortem import ActionItem, Summary
    from slo.domain.standing import Note
    from slo.domain.verdict import Verdict

Trend = Literal["better", "worse", "same"]

WORST = 5
"""How many SLOs and incidents a report names first."""

_TELLING = 0.01
"""A change of the SLI that is worth less of the budget is none."""


@dataclass(frozen=True, slots=True)
class ReportIncident:
    """An incident that opened in the period, or was still going on in it."""

    incident: Incident
    seconds: int
    """Of it inside the period."""
    opened_before: bool
    share: float | None
    """The most that it spent of the budget of one of the report's SLOs."""
    postmortem: Summary | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """An exclusion that took time out of an SLO's period."""

    exclusion: Exclusion
    seconds: int


@dataclass(frozen=True, slots=True)
class ObjectiveChange:
    """Another objective from an instant on."""

    at: int
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class SloLine:
    """One SLO of a report: its verdict, that of the period before, and what happened to it."""

    verdict: Verdict
    before: Verdict
    owner: str = ""
    description: str = ""
    incidents: IncidentTally = field(default_factory=IncidentTally)
    incidents_before: int = 0
    exclusions: tuple[Used, ...] = ()
    corrections: tuple[Correction, ...] = ()
    changes: tuple[ObjectiveChange, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def slo(self) -> str:
        """The SLO's id."""
        return self.verdict.slo

    @property
    def service(self) -> str:
        """Its service's name."""
        return self.slo.partition("/")[0]

    @property
    def name(self) -> str:
        """Its own name."""
        return self.slo.partition("/")[2]

    @property
    def sli_change(self) -> float | None:
        """By how much the SLI rose since the period before, as a share."""
        if self.verdict.sli is None or self.before.sli is None:
            return None
        return self.verdict.sli - self.before.sli

    @property
    def spent_change(self) -> float | None:
        """By which share of the budget more was spent than in the period before."""
        if self.verdict.spent is None or self.before.spent is None:
            return None
        return self.verdict.spent - self.before.spent

    @property
    def trend(self) -> Trend | None:
        """Whether the SLI is better than before; under a hundredth of the budget is the same.

        By the SLI, not by the budget: another objective makes nothing better.
        """
        change, objective = self.sli_change, self.verdict.objective
        if change is None or objective is None:
            return None
        worth = change / float(1 - objective)
        if abs(worth) < _TELLING:
            return "same"
        return "better" if worth > 0 else "worse"


@dataclass(frozen=True, slots=True)
class Count:
    """How many SLOs met their objective, missed it, and could not be judged."""

    met: int = 0
    missed: int = 0
    without: int = 0

    @property
    def judged(self) -> int:
        """Those with events to judge."""
        return self.met + self.missed


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """One service of a report."""

    service: str
    lines: tuple[SloLine, ...]
    count: Count
    incidents: IncidentTally

    @property
    def owners(self) -> tuple[str, ...]:
        """Those who own its SLOs."""
        return tuple(dict.fromkeys(line.owner for line in self.lines if line.owner))


@dataclass(frozen=True, slots=True)
class Learned:
    """The postmortems of a period's incidents, and what is still to be done."""

    required: int = 0
    required_published: int = 0
    published: int = 0
    drafts: int = 0
    open_items: tuple[ActionItem, ...] = ()
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """One period of all SLOs, or of those of a service or an owner, as of `made_at`."""

    period: Period
    made_at: int
    services: tuple[ServiceReport, ...]
    incidents: tuple[ReportIncident, ...]
    """The newest first."""
    tally: IncidentTally
    before: tuple[Verdict, ...]
    """Of all that the report of the period before tells of, also of what is gone since."""
    tally_before: IncidentTally
    """Of their incidents."""
    learned: Learned
    service: str = ""
    owner: str = ""

    @property
    def running(self) -> bool:
        """Whether it is not over, or not all booked yet: its numbers are those so far."""
        return is_running(self.period, (line.verdict for line in self.lines), self.made_at)

    @property
    def lines(self) -> list[SloLine]:
        """All SLOs, by service."""
        return [line for service in self.services for line in service.lines]

    @property
    def count(self) -> Count:
        """How many of all met their objective."""
        return count_of(line.verdict for line in self.lines)

    @property
    def count_before(self) -> Count:
        """How many met theirs in the period before."""
        return count_of(self.before)

    @property
    def missed(self) -> list[SloLine]:
        """Those that missed it, the worst first."""
        return [line for line in by_spent(self.lines) if line.verdict.met is False]

    @property
    def under(self) -> list[SloLine]:
        """Those whose SLI is under the objective so far, in a period that runs."""
        return [line for line in by_spent(self.lines) if line.verdict.under]

    @property
    def comparable(self) -> bool:
        """Whether a ledger reaches the period before."""
        known = (*self.before, *(line.before for line in self.lines))
        return any(verdict.booked is not None for verdict in known)

    @property
    def worst(self) -> list[SloLine]:
        """The SLOs that spent most of their budgets."""
        return [line for line in by_spent(self.lines) if line.verdict.spent][:WORST]

    @property
    def worst_incidents(self) -> list[ReportIncident]:
        """The incidents that spent most of a budget."""
        told = [one for one in self.incidents if one.share]
        return sorted(told, key=lambda one: (-(one.share or 0.0), one.incident.id))[:WORST]

    @property
    def exclusions(self) -> list[tuple[Used, int]]:
        """Each exclusion that was used, in order of time, and for how many SLOs."""
        used = [u for line in self.lines for u in line.exclusions]
        number: dict[int, int] = {}
        most: dict[int, Used] = {}
        for u in used:
            key = u.exclusion.id
            number[key] = number.get(key, 0) + 1
            most[key] = u if key not in most or u.seconds > most[key].seconds else most[key]
        order = sorted(most, key=lambda key: (most[key].exclusion.span.start, key))
        return [(most[key], number[key]) for key in order]

    @property
    def corrections(self) -> list[Correction]:
        """The corrections of the period, in order of SLO and time."""
        return [correction for line in self.lines for correction in line.corrections]

    @property
    def changes(self) -> list[tuple[SloLine, ObjectiveChange]]:
        """The changes of objectives, in order of SLO and time."""
        return [(line, change) for line in self.lines for change in line.changes]


def count_of(verdicts: Iterable[Verdict]) -> Count:
    """How many verdicts are met, missed, and neither."""
    found = [verdict.met for verdict in verdicts]
    return Count(found.count(True), found.count(False), found.count(None))


def is_running(period: Period, verdicts: Iterable[Verdict], now: int) -> bool:
    """Whether a period is not over, or its last buckets are still expected for some verdict."""
    return period.span.end > now or any(verdict.running for verdict in verdicts)


def by_spent(lines: Iterable[SloLine]) -> list[SloLine]:
    """The lines, most spent first; those without a budget last."""
    return sorted(lines, key=lambda line: (-(line.verdict.spent or 0.0), line.slo))


def learned_from(postmortems: Sequence[Summary], items: Sequence[ActionItem], now: int) -> Learned:
    """What came of these postmortems; `items` are theirs."""
    left = tuple(item for item in items if item.left)
    published = [p for p in postmortems if p.status == "published"]
    return Learned(
        required=sum(p.required for p in postmortems),
        required_published=sum(p.required for p in published),
        published=len(published),
        drafts=len(postmortems) - len(published),
        open_items=left,
        overdue=sum(item.is_overdue(now) for item in left),
    )

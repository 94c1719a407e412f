"""Models of what an SLO is: its alert policy, its revisions, and how its number came about."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from slo.domain.alert import Kind
from slo.domain.decision import Verdict
from slo.domain.policy import Severity
from slo.web.api.models.base import NEXT, Ago, Answer, ListQuery, Query, Time
from slo.web.api.models.slos import SLO, Id, Note


class RuleOut(Answer):
    """A rule of an alert policy, and what it says now."""

    name: str = Field(description="The rule's name.")
    kind: Kind = Field(description="What it watches.")
    severity: Severity = Field(description="Whether somebody is woken, or it can wait.")
    factor: float | None = Field(description="Of burn rules: fires from this burn rate on.")
    long: int | None = Field(description="Of burn rules: the long window, in seconds.")
    short: int | None = Field(description="Of burn rules: the short window, in seconds.")
    budget_share: float | None = Field(
        description="Of burn rules: the share of the budget that the long window spends at it."
    )
    least: float | None = Field(description="Of a floor: fires while the SLI is below.")
    span: int | None = Field(description="Of a floor: the window of the SLI, in seconds.")
    spent: float | None = Field(description="Of budget rules: fires once this share is spent.")
    after: int | None = Field(description="Of rules for missing data: after so many seconds.")
    min_bad_events: int | None = Field(description="Bad events that it needs at least.")
    confident: bool | None = Field(description="Whether the confidence bound decides.")
    verdict: Verdict | None = Field(
        description="What it says of the last bucket; null: nothing is booked yet."
    )
    firing: bool = Field(description="Whether it fires.")
    since: Time | None = Field(description="Since when it fires.")
    reason: str = Field(description="Why, in words.")
    frozen: str | None = Field(description="Why it cannot decide; null: it can.")
    long_burn: float | None = Field(description="Of burn rules: the burn rate over `long`.")
    short_burn: float | None = Field(description="Of burn rules: the burn rate over `short`.")


class PolicyOut(Answer):
    """The alert policy of an SLO as slo.yaml declares it, and what its rules say now."""

    slo: Id
    at: Time = Field(description="The end of the bucket that was decided on.")
    rules: list[RuleOut] = Field(description="The rules, in the policy's order.")
    dropped: list[str] = Field(description="Default rules that were left out, and why.")


class RevisionOut(Answer):
    """A promise of an SLO, and since when it is in force."""

    since: Time = Field(description="Since when it is in force.")
    recorded_at: Time = Field(description="When it was recorded.")
    objective: float = Field(description="The share of events that must be good.")
    window: str = Field(description="What it is judged over: `30d`, `month (Europe/Berlin)`.")
    owner: str = Field(description="Who answers for it; may be empty.")
    description: str = Field(description="What it promises, in words; may be empty.")
    runbook: str = Field(description="Where it is written what to do; may be empty.")
    labels: dict[str, str] = Field(description="Its labels.")


class RevisionQuery(ListQuery):
    """Which revisions to list."""


class Revisions(Answer):
    """The promises of an SLO."""

    slo: Id
    revisions: list[RevisionOut] = Field(description="Oldest first; the last of all is in force.")
    next: str | None = Field(description=NEXT)


class CorrectionOut(Answer):
    """Late truth: events that counting could not know."""

    slo: Id
    end: Time = Field(description="The bucket that it belongs to.")
    good: float = Field(description="Good events, added.")
    total: float = Field(description="All events, added.")
    who: str = Field(description="Who booked it.")
    why: str = Field(description="Why.")
    key: str = Field(description="Books it once, however often it is sent.")
    at: Time = Field(description="When it was booked.")


class CorrectionQuery(ListQuery):
    """Which corrections to list."""


class Corrections(Answer):
    """The corrections of an SLO."""

    slo: Id
    corrections: list[CorrectionOut] = Field(description="In the order of their buckets.")
    next: str | None = Field(description=NEXT)


class ExplainQuery(Query):
    """As of when to explain."""

    at: Ago | None = Field(
        default=None, description="As of a past time, or so long back; else of the last reading."
    )


class ReadingOut(Answer):
    """The meter at a bucket's end; only differences mean anything."""

    end: Time = Field(description="The bucket's end.")
    good: float = Field(description="Good events since the ledger's zero.")
    total: float = Field(description="All events since the ledger's zero.")
    covered: float = Field(description="Covered seconds since the ledger's zero.")
    carried: int = Field(description="The longest step over five minutes, in seconds; 0: none.")


class PieceOut(Answer):
    """A part of a span that counts, and its two readings."""

    start: Time = Field(description="Where it begins.")
    end: Time = Field(description="Where it ends.")
    first: ReadingOut | None = Field(description="The meter at its start.")
    last: ReadingOut | None = Field(description="The meter at its end.")


class Definition(Answer):
    """What an SLO counts, and what it promises."""

    objective: str = Field(description="The share of events that must be good, exactly.")
    window: str = Field(description="What it is judged over.")
    source: str = Field(description="The Prometheus that it is counted from.")
    bucket: int = Field(description="The length of a bucket, in seconds.")
    indicator: dict[str, Any] = Field(description="How good and total events are found.")


class BurnOut(Answer):
    """A burn rate and what it was subtracted from."""

    span: str = Field(description="The span: `1h`.")
    rate: float | None = Field(description="The burn rate.")
    bad: float = Field(description="Bad events of the span.")
    total: float = Field(description="All events of the span.")
    pieces: list[PieceOut] = Field(description="The parts of the span that count.")


class RequestOut(Answer):
    """One question that a cycle asks of Prometheus."""

    query: str = Field(description="The PromQL.")
    how: str = Field(description="At or over which time, and what for.")


class WorstSet(Answer):
    """A label set of the worst hour."""

    labels: dict[str, str] | Literal["other"] = Field(
        description="The labels; `other`: all others together."
    )
    bad: float = Field(description="Bad events of it.")
    total: float = Field(description="All events of it.")


class WorstHour(Answer):
    """The hour with most bad events of the window."""

    start: Time = Field(description="Where it begins.")
    contributors: list[WorstSet] = Field(description="Who had them, worst first.")


class ExcludedSpan(Answer):
    """A span of time."""

    start: Time = Field(description="Where it begins.")
    end: Time = Field(description="Where it ends.")


class ExcludedOut(Answer):
    """An exclusion in the window."""

    id: int = Field(description="Its number.")
    scope: str = Field(description="Which SLOs it concerns.")
    span: ExcludedSpan = Field(description="What does not count.")
    category: str = Field(description="What kind of reason it has.")
    who: str = Field(description="Who asked for it.")
    why: str = Field(description="Why.")
    at: Time = Field(description="When it was asked for.")


class ExplainedRevision(Answer):
    """A promise of an SLO."""

    since: Time = Field(description="Since when it is in force.")
    objective: str = Field(description="The share of events that must be good, exactly.")
    window: str = Field(description="What it is judged over.")
    owner: str = Field(description="Who answers for it.")
    recorded_at: Time = Field(description="When it was recorded.")


class MeterOut(Answer):
    """What an SLO counts, and how far its ledger reaches."""

    id: int = Field(description="Its number; 0: it is not stored yet.")
    slo: Id
    fingerprint: str = Field(description="Tells meters apart: what is counted, from where.")
    bucket: int = Field(description="The length of a bucket, in seconds.")
    indicator: dict[str, Any] = Field(description="How good and total events are found.")
    watch_from: Time | None = Field(description="Since when new series are seen at birth.")
    booked_from: Time | None = Field(description="Where its ledger begins.")
    booked_to: Time | None = Field(description="Where its ledger ends.")
    backfill_to: Time | None = Field(description="How far back it is to be filled in.")


class Explanation(Answer):
    """All that an SLO's numbers rest on."""

    standing: SLO = Field(description="The numbers.")
    definition: Definition = Field(description="What is counted and promised.")
    window: list[PieceOut] = Field(description="The parts of the window that count.")
    corrections: list[CorrectionOut] = Field(description="Those in the window.")
    exclusions: list[ExcludedOut] = Field(description="Those in the window.")
    burn_rates: list[BurnOut] = Field(description="The burn rates, shortest span first.")
    requests: list[RequestOut] = Field(description="What a cycle asks of Prometheus.")
    worst_hour: WorstHour | None = Field(description="The hour with most bad events.")
    notes: list[Note] = Field(description="What makes the numbers unsure.")
    revisions: list[ExplainedRevision] = Field(description="The promises, oldest first.")
    meters: list[MeterOut] = Field(description="The meters, in the order in which they began.")

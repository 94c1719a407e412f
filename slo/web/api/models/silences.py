"""Models of silences and exclusions."""

from __future__ import annotations

from pydantic import Field, RootModel

from slo.domain.standing import State
from slo.excluding.wanted import Category
from slo.web.api.models.base import (
    NEXT,
    Ahead,
    Answer,
    Change,
    Instant,
    ListQuery,
    Switch,
    Time,
)
from slo.web.api.models.slos import Events, Id

_SCOPE = "An SLO's id, a service, or `*` for everything."


class SilenceQuery(ListQuery):
    """Which silences to list."""

    all: Switch = Field(default=False, description="Those that ended too, newest first.")


class Silence(Answer):
    """A silence: what it mutes is told to nobody, and counts as ever."""

    id: int = Field(description="Its number.")
    scope: str = Field(description="What it mutes: an SLO's id, `service/*`, or `*`.")
    labels: dict[str, str] = Field(description="It mutes only SLOs with all of these labels.")
    start: Time = Field(description="When it begins.")
    end: Time = Field(description="When it ends.")
    ended_at: Time | None = Field(description="When somebody ended it before.")
    active: bool = Field(description="Whether it mutes now.")
    who: str = Field(description="Who asked for it.")
    why: str = Field(description="Why.")
    at: Time = Field(description="When it was asked for.")


class Silences(Answer):
    """Silences."""

    silences: list[Silence] = Field(
        description="Those that run or are to come, by start; or all, newest first."
    )
    next: str | None = Field(description=NEXT)


class NewSilence(Change):
    """What is to be muted, until when, and why."""

    scope: str = Field(description=_SCOPE, examples=["fraud-model/availability"])
    until: Ahead = Field(
        description="A duration from now or a time, at most 30 days ahead.", examples=["2h"]
    )
    why: str = Field(description="Why, for those who wonder.", examples=["A migration."])
    labels: dict[str, str] = Field(
        default={}, description="Mutes only SLOs with all of these labels."
    )
    all: bool = Field(default=False, description="Must be true for a scope of everything.")


class Ending(Change):
    """The end of a silence before its time."""

    why: str = Field(description="Why it ends.", examples=["Done."])


class ExclusionQuery(ListQuery):
    """Which exclusions to list."""

    scope: str | None = Field(default=None, description=f"Only those that concern it. {_SCOPE}")
    occurrences: Switch = Field(default=False, description="Each occurrence of schedules too.")


class SpanOut(Answer):
    """A span of time."""

    start: Time = Field(description="Where it begins.")
    end: Time = Field(description="Where it ends.")


class Exclusion(SpanOut):
    """A span that does not count."""

    id: int = Field(description="Its number.")
    scope: str = Field(description="Which SLOs it concerns.")
    category: str = Field(description="What kind of reason it has.")
    who: str = Field(description="Who asked for it.")
    why: str = Field(description="Why.")
    at: Time = Field(description="When it was asked for.")
    schedule: int | None = Field(description="The schedule that it is an occurrence of.")


class Schedule(Answer):
    """An exclusion that recurs."""

    id: str = Field(description="`schedule/` and its number.")
    scope: str = Field(description="Which SLOs it concerns.")
    rrule: str = Field(description="How it recurs (RFC 5545).")
    start: str = Field(description="The first start, local to its zone.")
    zone: str = Field(description="The time zone.")
    seconds: int = Field(description="How long each occurrence lasts.")
    category: str = Field(description="What kind of reason it has.")
    who: str = Field(description="Who asked for it.")
    why: str = Field(description="Why.")
    at: Time = Field(description="When it was asked for.")
    occurrences: int = Field(description="How many occurrences are kept.")
    next: SpanOut | None = Field(description="The next one.")


class Exclusions(Answer):
    """Exclusions and their schedules."""

    at: Time = Field(description="When it was asked for.")
    exclusions: list[Exclusion] = Field(description="Those in force, by start.")
    schedules: list[Schedule] = Field(description="Those that recur; all of them in each answer.")
    next: str | None = Field(description=NEXT)


class AddedExclusion(RootModel[Exclusion | Schedule]):
    """The exclusion, or its schedule where it recurs."""


class NewExclusion(Change):
    """What does not count, and why: a span by `from` and `to`, or a rule with four keys."""

    scope: str = Field(description=_SCOPE, examples=["fraud-model/latency"])
    category: Category = Field(description="What kind of reason it has.")
    why: str = Field(description="Why, for those who read it later.", examples=["An upgrade."])
    preview: bool = Field(default=False, description="Only tells what would change.")
    from_: Instant | None = Field(
        default=None,
        alias="from",
        description="Where the span begins.",
        examples=["2026-11-20T10:00:00Z"],
    )
    to: Instant | None = Field(
        default=None, description="Where it ends.", examples=["2026-11-20T12:00:00Z"]
    )
    rrule: str | None = Field(default=None, description="How it recurs, such as `FREQ=WEEKLY`.")
    start: str | None = Field(
        default=None, description="The first start, local to `zone`: `2026-11-22T02:00`."
    )
    length: str | None = Field(
        default=None, alias="for", description="How long each occurrence lasts: `2h`."
    )
    zone: str | None = Field(default=None, description="The time zone: `Europe/Berlin`.")


class BudgetChange(Answer):
    """A budget with and without an exclusion."""

    allowed: float | None = Field(description="Bad events that the objective allows.")
    spent: float | None = Field(description="Bad events.")
    remaining: float | None = Field(description="The share that is left.")
    projected: bool = Field(description="Whether it counts on events to come.")


class Budgets(Answer):
    """A budget before and after."""

    before: BudgetChange = Field(description="As it is.")
    after: BudgetChange = Field(description="As it would be.")


class States(Answer):
    """A state before and after."""

    before: State = Field(description="As it is.")
    after: State = Field(description="As it would be.")


class SLOChange(Answer):
    """What an exclusion changes in one SLO."""

    slo: Id
    spans: list[SpanOut] = Field(description="The spans that result, the first 50.")
    span_count: int = Field(description="How many there are.")
    events: Events = Field(description="What is taken out; negative: it counts again.")
    budget: Budgets = Field(description="Its budget.")
    state: States = Field(description="Its state.")


class ExclusionPreview(Answer):
    """What an exclusion would change."""

    spans: list[SpanOut] = Field(description="The spans that are taken out.")
    changes: list[SLOChange] = Field(description="By SLO.")


class Removal(Change):
    """An exclusion that is to count again."""

    why: str = Field(description="Why.", examples=["It was our own fault."])
    preview: bool = Field(default=False, description="Only tells what would change.")


class ScheduleRemoval(Removal):
    """A recurring exclusion that is to end."""

    past: bool = Field(default=False, description="Its past occurrences are to count again too.")


class Removed(Answer):
    """What was removed, or with `preview` only `changes`."""

    removed: str | None = Field(default=None, description="Its number, or `schedule/` with it.")
    exclusions: int | None = Field(default=None, description="How many spans count again.")
    changes: list[SLOChange] | None = Field(
        default=None, description="What would change, by SLO; of a preview only."
    )

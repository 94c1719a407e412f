"""The view of one SLO's page: everything that it shows, from one session that only reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from slo import gate
from slo.domain.span import Span, rfc3339
from slo.rulings import rulings
from slo.store import contributors, incidents, silences
from slo.web import format as fmt
from slo.web import urgency
from slo.web.charts import marks, panels
from slo.web.links import web_link
from slo.web.pages import breakdown
from slo.web.pages.slo import definition, ranges, why
from slo.web.pages.slo.past_windows import past_windows
from slo.web.pages.slo.policy_table import rule_rows
from slo.web.pages.slo.tiles import Tile, incident_tile, tiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.meter import Meter
    from slo.domain.standing import Standing
    from slo.web.charts.panels import Board, Facts
    from slo.web.pages.slo.ranges import Range

_HOUR = 3600
_CONTRIBUTORS = 20
_MOST_INCIDENTS = 5
WHOLE = "range"
"""Of which time contributors are shown: the whole range, not only its worst hour."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What the page is asked for: the SLO, the settings in force, the query and the time."""

    session: Session
    settings: Settings
    standing: Standing
    args: Mapping[str, str]
    now: float


def view_of(asking: Asking) -> dict[str, Any]:
    """All that the page of a standing shows."""
    standing = asking.standing
    facts = panels.facts_of(asking.session, standing, asking.args.get("meter", ""))
    meter = None if facts is None else facts.meter
    asked = ranges.range_of(standing, meter, asking.args)
    if meter is not None and asked.key == ranges.CUSTOM:
        asked = replace(asked, shown=panels.kept_span(asking.session, meter, asked.shown))
    shown = {
        "standing": standing,
        "badges": urgency.badges(standing),
        "fires": urgency.fires(standing),
        "promise": definition.promise(standing),
        "runbook": web_link(standing.runbook),
        "range": asked,
        "beside": [(word, rfc3339(s.start), rfc3339(s.end)) for word, s in asked.beside()],
        "tabs": ranges.tabs(standing, asked.key),
        "chosen": asking.args,
        "charts": (),
        "tiles": _tiles(asking, facts),
        **_around(asking),
    }
    if facts is None:
        return shown
    board = panels.board(asking.session, facts, asked.shown, now=asking.now)
    return {
        **shown,
        **_drawn(board),
        **_contributors(asking, facts.meter, asked),
        **_policy(asking, facts),
        **_definition(asking, facts),
        "past": past_windows(asking.session, standing.slo, facts.window, standing.at, asking.now),
        "former": None if facts.meter.id == facts.running.id else facts.meter,
        "exclusions": [e for e in facts.exclusions if e.span.overlap(standing.window)],
    }


def _tiles(asking: Asking, facts: Facts | None) -> list[Tile]:
    standing, now = asking.standing, asking.now
    begun = None if facts is None else _begun(standing, facts.running)
    away = () if facts is None else tuple(e.span for e in facts.exclusions)
    found = tiles(standing, now, begun, away)
    if standing.incident is not None:
        incident = incidents.one(asking.session, standing.incident)
        if incident is not None:
            found.append(incident_tile(incident, now))
    return found


def _begun(standing: Standing, meter: Meter) -> int | None:
    """Where the ledger began for the standing: a backfill may have moved it on since."""
    reached = (note.last for note in standing.notes if note.kind == "backfill")
    return next(reached, meter.booked_from)


def _drawn(board: Board) -> dict[str, Any]:
    return {
        "charts": board.charts,
        "marks": board.marks[::-1],
        "legend": marks.legend(board.marks),
    }


def _contributors(asking: Asking, meter: Meter, asked: Range) -> dict[str, Any]:
    """Where the bad events came from: in the worst hour shown, or in all of the range."""
    session, label = asking.session, asking.args.get("by", "")
    shown = Span(asked.shown.start // _HOUR * _HOUR, asked.shown.end)
    whole = asking.args.get("of", "") == WHOLE
    found, told = [], ""
    if whole:
        found = contributors.top(session, meter.id, shown.start, shown.end, _CONTRIBUTORS)
        told = f"{fmt.stamp(shown.start)} to {fmt.stamp(shown.end)} UTC, in whole hours"
    else:
        hour = contributors.worst_hour(session, meter.id, shown.start, shown.end)
        if hour is not None:
            found = contributors.top(session, meter.id, hour, hour + _HOUR, _CONTRIBUTORS)
            told = f"{fmt.day(hour)}, {fmt.clock(hour)} to {fmt.clock(hour + _HOUR)} UTC"
    names = breakdown.label_names(found)
    chosen = label if label in names else ""
    return {
        "hour": told,
        "whole": whole,
        "by": chosen,
        "names": names,
        "shares": breakdown.shares(found, chosen),
        "contributions": [
            (breakdown.label_text(c), fmt.count(c.bad), fmt.count(c.total)) for c in found if c.bad
        ],
    }


def _policy(asking: Asking, facts: Facts) -> dict[str, Any]:
    """The rules and what they say; nothing of an SLO that slo.yaml has no more."""
    if facts.policy is None:
        return {"rules": (), "dropped": ()}
    standing = asking.standing
    found = rulings(asking.session, standing, facts.running, facts.policy)
    length = facts.window.period_at(standing.at).seconds
    return {"rules": rule_rows(found, length, asking.now), "dropped": facts.policy.dropped}


def _definition(asking: Asking, facts: Facts) -> dict[str, Any]:
    """What is declared, what it was, what is asked of Prometheus, and how the number came about."""
    declared = next((s for s in asking.settings.slos if s.id == facts.standing.slo), None)
    found = why.explained(asking.session, facts, asking.settings, asking.now)
    source = None if declared is None else why.source_of(asking.settings, declared)
    meters = () if found is None else found.meters
    return {
        "definition": definition.pairs_of(facts.standing, facts.running),
        "yaml": "" if declared is None else definition.as_yaml(declared, facts.running),
        "changes": definition.changes(facts.revisions),
        "meters": definition.meter_rows(meters, facts.running),
        "asks": () if found is None else definition.questions(found.requests, source),
        "why": found,
        "ahead": found is not None and why.is_ahead(found, facts.standing),
        "steps": () if found is None else why.steps(found, asking.now),
        "arithmetic": () if found is None else why.arithmetic(found),
        "burns": () if found is None else why.burn_rows(found.burns, asking.now),
        "corrections": () if found is None else found.corrections,
        "notes": facts.standing.notes if found is None else found.notes,
    }


def _around(asking: Asking) -> dict[str, Any]:
    """Its gate, what mutes it, and its last incidents."""
    session, standing, now = asking.session, asking.standing, asking.now
    labels = dict(standing.labels)
    return {
        "gate": gate.ask(session, asking.settings, standing.slo, now).slos[0],
        "silences": [
            s for s in silences.active(session, now) if s.mutes(standing.slo, labels, now)
        ],
        "incidents": incidents.many(session, slo=standing.slo, limit=_MOST_INCIDENTS),
    }

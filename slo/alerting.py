"""Alerting: what a booking means for alerts, incidents and those who are to be told.

Runs inside the transaction that books, so that readings, alert states, transitions,
incidents and outbox rows are one commit. It decides bucket by bucket, so that
catching up after an outage finds what live running would have found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slo import incidents
from slo.domain.alert import AlertState, Transition
from slo.domain.decision import decide
from slo.domain.policy import Policy
from slo.domain.span import bucket_floor
from slo.domain.standing import StandingAlert
from slo.domain.track import Track
from slo.notify.facts import budget_notice, budget_over_notice
from slo.notify.outbox import enqueue
from slo.store import alerts, policies, silences
from slo.tracks import LookedAt, tracks_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.alert import Change
    from slo.domain.booking import Booking
    from slo.domain.decision import Moment, Verdict
    from slo.domain.meter import Meter
    from slo.domain.slo import SLO
    from slo.domain.standing import Standing
    from slo.store.alerts import States

LATE_BUCKETS = 3
"""A bucket that is decided later than so many buckets (and the lag) after its end is late."""

_CHANGES: dict[Verdict, Change] = {"fires": "fires", "resolves": "resolves"}


@dataclass(frozen=True, slots=True)
class Booked:
    """An SLO whose span was just booked: its meter as it is now, its lag, its numbers."""

    slo: SLO
    meter: Meter
    booking: Booking
    lag: int
    """Seconds after a bucket's end at which it is booked when all is well."""
    standing: Standing

    def is_late(self, at: int, now: int) -> bool:
        """Whether a bucket that ended `at` is decided long after its end."""
        return now - at > LATE_BUCKETS * self.meter.bucket + self.lag

    def lag_at(self, now: int) -> int:
        """Seconds after a bucket's end at which the next one can be expected to be booked.

        A bucket without data waits for the source's next scrape, which may take a minute.
        """
        waited = now - self.booking.span.end
        return self.lag if self.is_late(self.booking.span.end, now) else max(self.lag, waited)


def decide_alerts(
    session: Session, settings: Settings, booked: Sequence[Booked], now: int
) -> dict[str, dict[str, AlertState]]:
    """Decide the rules of these SLOs for each bucket booked; keep transitions and incidents.

    Gives the states that are not simply quiet, by SLO id and rule.
    """
    slo_ids = [b.slo.id for b in booked]
    in_force = {b.slo.id: b.slo.alert_policy for b in booked}
    policy_ids = policies.ensure(session, in_force, now)
    before = alerts.states(session, slo_ids)
    tracks = tracks_of(session, [_looked_at(b, in_force[b.slo.id]) for b in booked])
    found: list[Transition] = []
    after: States = {}
    for b in booked:
        changes, after[b.slo.id] = _decide(
            b, in_force[b.slo.id], tracks[b.slo.id], before.get(b.slo.id, {}), now
        )
        found += changes
    kept = alerts.add(session, sorted(found, key=lambda t: (t.at, t.slo, t.rule)), policy_ids)
    after = _numbered(after, kept)
    _write_states(session, before, after)
    incidents.record(session, settings, kept, now)
    _tell_recovered(session, settings, {b.slo.id: b for b in booked}, kept, now)
    return after


def tell(session: Session, settings: Settings, booked: Sequence[Booked], now: int) -> None:
    """Write notifications of what fires or is over, once the SLOs are caught up.

    Runs after their standings are written, whose numbers the notifications tell.
    """
    caught_up = {b.slo.id: b for b in booked if not b.is_late(b.booking.span.end, now)}
    if not caught_up:
        return
    incidents.announce(session, settings, now, list(caught_up))
    _tell_budgets(session, settings, caught_up, now)


def standing_alerts(states: Mapping[str, AlertState]) -> tuple[StandingAlert, ...]:
    """What a standing shows of an SLO's alert states: what fires, then what is frozen."""
    shown = [s for s in states.values() if s.firing or s.frozen]
    return tuple(
        StandingAlert(s.rule, s.kind, s.severity, s.since, s.reason, s.frozen)
        for s in sorted(shown, key=lambda s: (not s.firing, s.since or 0, s.rule))
    )


def close_absent(session: Session, settings: Settings, slo_ids: Collection[str], now: int) -> None:
    """Close the alerts of SLOs that are gone from slo.yaml."""
    if not slo_ids:
        return
    before = alerts.firing(session, slo_ids)
    policy_ids = policies.newest(session, list(before))
    closed = [
        _closed(state, slo_id, now, now, "the definition was removed")
        for slo_id, states in before.items()
        for state in states.values()
    ]
    kept = alerts.add(session, closed, policy_ids)
    every = alerts.states(session, slo_ids)
    alerts.forget_states(session, [(slo_id, rule) for slo_id in every for rule in every[slo_id]])
    incidents.record(session, settings, kept, now)
    incidents.announce(session, settings, now, list(before))


def decide_blind(
    session: Session, settings: Settings, slos: Iterable[SLO], since: int, now: int
) -> None:
    """Decide the rules for silence of SLOs whose source has been silent since an instant.

    It is kept as history and shown; the source's own alert tells people, once for all.
    """
    known = {slo.id: slo for slo in slos if slo.alert_policy.rule("blind") is not None}
    before = alerts.states(session, known)
    found: list[Transition] = []
    after: States = {}
    for slo_id, slo in known.items():
        at = bucket_floor(now, slo.bucket)
        moment = Track(slo.bucket, at, lambda _: None).moment(
            at, slo.objective, absence=("blind", since)
        )
        blind = Policy(tuple(r for r in slo.alert_policy.rules if r.kind == "blind"))
        changes, after[slo_id] = _at(blind, moment, slo_id, dict(before.get(slo_id, {})), now)
        found += changes
    in_force = {slo_id: slo.alert_policy for slo_id, slo in known.items()}
    kept = alerts.add(session, found, policies.ensure(session, in_force, now))
    after = _numbered(after, kept)
    _write_states(session, {s: before[s] for s in after if s in before}, after)
    incidents.record(session, settings, kept, now)


def _looked_at(b: Booked, policy: Policy) -> LookedAt:
    ends = tuple(increment.end for increment in b.booking.increments)
    return LookedAt(b.meter, policy, b.booking.span, ends)


def _decide(
    b: Booked,
    policy: Policy,
    track: Track,
    before: Mapping[str, AlertState],
    now: int,
) -> tuple[list[Transition], dict[str, AlertState]]:
    """The transitions of one SLO's span, bucket by bucket, and the states at its end."""
    states = dict(before)
    found = _removed(b, policy, states, now)
    absences = {a.end: (a.kind, a.since) for a in b.booking.absences}
    # A window's budget hardly moves within a span, so its end decides.
    passing = Policy(tuple(r for r in policy.rules if r.kind != "budget"))
    spent, lag = b.standing.spent_as_booked, b.lag_at(now)
    for increment in b.booking.increments:
        at = increment.end
        moment = track.moment(at, b.slo.objective, spent=spent, absence=absences.get(at), lag=lag)
        rules = policy if at == b.booking.span.end else passing
        changes, states = _at(rules, moment, b.slo.id, states, now, late=b.is_late(at, now))
        found += changes
    return found, {name: state for name, state in states.items() if _matters(state)}


def _at(
    policy: Policy,
    moment: Moment,
    slo_id: str,
    states: dict[str, AlertState],
    now: int,
    *,
    late: bool = False,
) -> tuple[list[Transition], dict[str, AlertState]]:
    """The transitions of one moment, and the states after it."""
    found = []
    for rule in policy.rules:
        decision = decide(rule, moment, states.get(rule.name))
        change: Change | None = _CHANGES.get(decision.verdict)
        if change is not None:
            former = states.get(rule.name)
            found.append(
                Transition(
                    slo_id,
                    rule.name,
                    rule.kind,
                    rule.severity,
                    change,
                    moment.at,
                    now,
                    late,
                    decision.reason,
                    decision.numbers,
                    began=former.alert if change == "resolves" and former else None,
                )
            )
        states[rule.name] = decision.state
    return found, states


def _matters(state: AlertState) -> bool:
    """Whether a state must be kept: the next decision starts from quiet without it."""
    return state.firing or bool(state.frozen) or state.absent_since is not None


def _removed(
    b: Booked, policy: Policy, states: dict[str, AlertState], now: int
) -> list[Transition]:
    """Ends the alerts of rules that the policy does not have any more."""
    gone = [state for name, state in states.items() if policy.rule(name) is None]
    for state in gone:
        del states[state.rule]
    at = b.booking.span.start
    reason = "the rule was removed from the policy"
    return [_closed(s, b.slo.id, at, now, reason) for s in gone if s.firing]


def _closed(state: AlertState, slo_id: str, at: int, now: int, reason: str) -> Transition:
    """The end of an alert that was not resolved: its rule or its SLO is no more."""
    return Transition(
        slo_id,
        state.rule,
        state.kind,
        state.severity,
        "closes",
        at,
        now,
        late=False,
        reason=reason,
        began=state.alert,
    )


def _numbered(after: States, kept: Sequence[Transition]) -> States:
    """The states, those of firing alerts with the id of the transition that began them.

    An alert that fired and resolved within one span has both of its transitions here;
    the second then names the first.
    """
    newest = {(t.slo, t.rule): t.id for t in kept if t.change == "fires"}
    return {
        slo_id: {
            rule: replace(state, alert=newest.get((slo_id, rule), state.alert))
            if state.firing
            else state
            for rule, state in states.items()
        }
        for slo_id, states in after.items()
    }


def _write_states(session: Session, before: States, after: States) -> None:
    changed: dict[str, list[AlertState]] = {}
    for slo_id, states in after.items():
        known = before.get(slo_id, {})
        new = [s for rule, s in states.items() if s != known.get(rule)]
        if new:
            changed[slo_id] = new
    alerts.put_states(session, changed)
    gone = [
        (slo_id, rule)
        for slo_id, states in before.items()
        for rule in states
        if rule not in after.get(slo_id, {})
    ]
    alerts.forget_states(session, gone)


def _tell_budgets(
    session: Session, settings: Settings, booked: Mapping[str, Booked], now: int
) -> None:
    """Tell of budget alerts: they open no incident, so they are told by themselves.

    Of several that fired at once only the highest share is told.
    """
    muting = silences.active(session, now)
    told: dict[str, list[AlertState]] = {}
    for slo_id, states in alerts.firing(session, booked).items():
        b = booked[slo_id]
        new = [s for s in states.values() if s.kind == "budget" and not s.told]
        if not new or any(s.mutes(slo_id, dict(b.slo.labels), now) for s in muting):
            continue  # The first cycle after a silence tells.
        rules = [rule.name for rule in b.slo.alert_policy.rules]
        highest = max(new, key=lambda s: rules.index(s.rule))
        enqueue(session, settings, budget_notice(session, settings, b.standing, highest), now)
        told[slo_id] = [replace(state, told=True) for state in new]
    alerts.put_states(session, told)


def _tell_recovered(
    session: Session,
    settings: Settings,
    booked: Mapping[str, Booked],
    kept: Sequence[Transition],
    now: int,
) -> None:
    """Tell those who were told of a budget alert that it is over."""
    for t in kept:
        if t.kind == "budget" and t.change != "fires":
            notice = budget_over_notice(session, settings, booked[t.slo].standing, t)
            enqueue(session, settings, notice, now)

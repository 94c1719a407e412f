"""SLOs whose alerts a test fires and resolves as it likes, with all that a cycle writes then."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from slo import incidents as acting
from slo.config.settings import Receiver, Route, Settings
from slo.domain.alert import AlertState, Transition
from slo.domain.ledger import Contribution
from slo.domain.silence import Silence
from slo.store import alerts, booking, incidents, outbox, policies, silences, slos, timeline
from slo.store.engine import reading, writing
from tests.store.conftest import T0, declared
from tests.store.conftest import booking as make_booking

ONE, TWO, THREE = "svc/one", "svc/two", "far/three"
AT = T0 + 6 * 3600
KINDS = {"floor": "floor", "dead": "dead", "gone": "gone", "blind": "blind", "budget-50": "budget"}


def settings(**fields):
    """slo.yaml of the three SLOs, with one receiver for all that is told."""
    known = tuple(
        replace(
            declared(slo_id).slo,
            owner="shop",
            runbook="https://runbooks.test/one",
            labels=(("team", "shop"),),
        )
        for slo_id in (ONE, TWO, THREE)
    )
    told = {
        "receivers": (Receiver("pager", "pagerduty", (("routing_key", "K" * 32),)),),
        "routes": (Route("page", ("pager",)), Route("ticket", ("pager",))),
        "url": "https://slo.test",
    }
    return Settings((), known, **{**told, **fields})


@dataclass
class World:
    """Fires and resolves alerts, one transaction a call; instants are seconds after `AT`."""

    engine: object
    settings: Settings = field(default_factory=settings)

    def __post_init__(self):
        with writing(self.engine) as session:
            found = [declared(slo.id) for slo in self.settings.slos]
            found = [replace(d, slo=s) for d, s in zip(found, self.settings.slos, strict=True)]
            self.meters = slos.declare(session, found, T0)
            in_force = {slo.id: slo.alert_policy for slo in self.settings.slos}
            self.policies = policies.ensure(session, in_force, T0)

    def book(self, slo, minutes, start=T0):
        """Books (good, total) minute by minute."""
        found = (
            Contribution(start // 3600 * 3600, '{"code":"500"}', 30.0, 40.0),
            Contribution(start // 3600 * 3600, '{"code":"200"}', 0.0, 400.0),
        )
        with writing(self.engine) as session:
            made = make_booking(self.meters[slo].id, start, minutes, contributions=found)
            booking.book(session, [made])

    def change(self, change, slo, second, rule="page-1h", severity="page", *, late=False, **more):
        at = AT + second
        kind = KINDS.get(rule, "burn")
        reason = more.pop("reason", f"burned 15x; {severity}s at 14.4x")
        numbers = more.pop("numbers", (("long_burn", 15.0), ("short_burn", 16.0)))
        return Transition(slo, rule, kind, severity, change, at, at, late, reason, numbers)

    def fires(self, *args, **more):
        return self.change("fires", *args, **more)

    def resolves(self, *args, **more):
        return self.change("resolves", *args, **more)

    def put(self, *transitions, now=None, told=True, caught_up=None):
        """Writes transitions as a cycle does, in one transaction; then tells, unless it may not."""
        instant = max((t.at for t in transitions), default=AT) + 16 if now is None else AT + now
        with writing(self.engine) as session:
            self.put_in(session, transitions, instant)
            if told:
                ids = [s.id for s in self.settings.slos] if caught_up is None else caught_up
                acting.announce(session, self.settings, instant, ids)

    def put_in(self, session, transitions, now):
        touched = {t.slo for t in transitions}
        before = alerts.states(session, touched)
        given = []
        for t in transitions:
            state = before.get(t.slo, {}).get(t.rule)
            began = state.alert if state is not None and t.change != "fires" else None
            given.append(replace(t, began=began))
        kept = alerts.add(session, given, self.policies)
        last = {(t.slo, t.rule): t for t in kept}
        firing: dict = {}
        for (slo, rule), t in last.items():
            if t.change == "fires":
                state = AlertState(
                    rule, t.kind, t.severity, firing=True, since=t.at, reason=t.reason, alert=t.id
                )
                firing.setdefault(slo, []).append(state)
        alerts.put_states(session, firing)
        ended = [key for key, t in last.items() if t.change != "fires"]
        alerts.forget_states(session, ended)
        acting.record(session, self.settings, kept, now)

    def tell(self, second, caught_up=None):
        """A cycle in which no alert changes."""
        self.put(now=second, caught_up=caught_up)

    def act(self, what, number, *args, second, who="mia"):
        """Something that a person does; gives the incident as it is then."""
        with writing(self.engine) as session:
            do = getattr(acting, what)
            return do(session, self.settings, number, who, *args, AT + second)

    def silence(self, scope, start, end, **labels):
        """A silence from one second to another; gives its id."""
        with writing(self.engine) as session:
            kept = Silence(
                0, scope, AT + start, AT + end, "ada", "a move", tuple(labels.items()), AT + start
            )
            return silences.add(session, kept).id

    def incidents(self):
        """All incidents, oldest first."""
        with reading(self.engine) as session:
            return incidents.many(session)[::-1]

    def one(self):
        """The only incident there is."""
        (only,) = self.incidents()
        return only

    def events(self, number=1):
        with reading(self.engine) as session:
            return timeline.of(session, number)

    def kinds(self, number=1):
        """What happened to an incident, in the order in which it was written."""
        return [e.kind for e in sorted(self.events(number), key=lambda e: e.id)]

    def told(self):
        """The transitions of all messages, oldest first."""
        return [n.transition for n in self.messages()]

    def messages(self):
        with reading(self.engine) as session:
            return outbox.listed(session, limit=1000)[::-1]

    def firing(self):
        with reading(self.engine) as session:
            return alerts.firing(session)

    def evidence(self, number=1):
        with reading(self.engine) as session:
            return incidents.evidence(session, number)

"""Whatever fires and resolves in whatever order: what always holds of incidents."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slo.domain.alert import PAGED_KINDS
from slo.store import incidents, schema
from slo.store.engine import reading, writing
from tests.incidents.world import AT, ONE, THREE, TWO, World

RULES = {"page-1h": "page", "ticket-1d": "ticket", "dead": "page", "budget-50": "ticket"}
STEP = st.tuples(
    st.sampled_from([60, 60, 240, 360, 840, 1200, 16_000]),
    st.lists(
        st.tuples(st.sampled_from([ONE, TWO, THREE]), st.sampled_from(sorted(RULES))), max_size=4
    ),
    st.sampled_from(["", "", "", "resolve", "acknowledge"]),
    st.booleans(),
)


def emptied(engine):
    """The store without its rows: a new one for each example would take a second."""
    with writing(engine) as session:
        session.execute(schema.alert_state.delete())
        session.execute(schema.incident_event.delete())
        session.execute(schema.postmortem_version.delete())
        session.execute(schema.postmortem.delete())
        session.execute(schema.notification.delete())
        session.execute(schema.alert.update().values(began_id=None, incident_id=None))
        session.execute(schema.alert.delete())
        session.execute(schema.incident_slo.delete())
        session.execute(schema.incident.delete())


def ensure_rules(world, now):
    """What always holds."""
    with reading(world.engine) as session:
        held = incidents.open_of(session)
        found = incidents.many(session)
    in_open = [s.slo for i in found for s in i.slos if s.open and i.status != "resolved"]
    assert len(in_open) == len(set(in_open)), "an SLO is in two open incidents"
    live = set()
    for slo, states in world.firing().items():
        for state in states.values():
            if state.kind in PAGED_KINDS and not (state.muted_until or 0) > now:
                assert slo in held, f"{slo} {state.rule} fires in no open incident"
                live.add(held[slo].id)
    unresolved = {i.id for i in found if i.status != "resolved"}
    assert unresolved == live, "an incident is open and none of its alerts fires"
    for incident in found:
        assert (incident.resolved_at is None) == (incident.status != "resolved")
        assert incident.started_at <= incident.opened_at
        assert {s.slo.partition("/")[0] for s in incident.slos} == {incident.service}
        if incident.status == "resolved":
            assert not any(s.open for s in incident.slos)
            assert incident.resolved_at >= incident.opened_at
            assert not incident.taken_for_open or incident.flapping
        else:
            assert incident.announced == incident.severity or incident.flapping


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEP, max_size=14))
def test_whatever_fires_is_in_one_open_incident_and_nothing_else_is_open(engine, steps):
    emptied(engine)
    world, second = World(engine), 0
    firing = set()
    for length, toggles, action, together in steps:
        changes = []
        for slo, rule in toggles:
            second += 0 if together and changes else length
            if any((c.slo, c.rule, c.at) == (slo, rule, AT + second) for c in changes):
                continue
            change = "resolves" if (slo, rule) in firing else "fires"
            firing ^= {(slo, rule)}
            changes.append(world.change(change, slo, second, rule, RULES[rule]))
        second += length
        world.put(*changes, now=second)
        ensure_rules(world, AT + second)
        current = [i for i in world.incidents() if i.status != "resolved"]
        if action and current:
            words = ("by hand",) if action == "resolve" else ()
            world.act(action, current[0].id, *words, second=second)
            ensure_rules(world, AT + second)


def test_every_message_of_an_incident_is_a_new_one(engine):
    world = World(engine)
    for n in range(3):
        world.put(world.fires(ONE, n * 700))
        world.put(world.resolves(ONE, n * 700 + 300))
        world.tell(n * 700 + 310)

    told = world.told()
    assert len(told) == len(set(told)) == 6

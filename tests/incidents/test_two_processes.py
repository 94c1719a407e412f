from __future__ import annotations

import threading

from tests.incidents.world import AT, ONE, THREE, TWO, World


def at_once(*works):
    """Runs these functions at the same time; gives the errors they raised."""
    start, errors = threading.Barrier(len(works)), []

    def run(work):
        start.wait()
        try:
            work()
        except Exception as error:  # noqa: BLE001 -- the test tells of any.
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


def test_slos_of_a_service_booked_at_once_by_two_processes_share_one_incident(engine):
    world = World(engine)
    for n in range(5):
        base = n * 20_000
        errors = at_once(
            lambda base=base: world.put(world.fires(ONE, base), caught_up=[ONE]),
            lambda base=base: world.put(world.fires(TWO, base), caught_up=[TWO]),
            lambda base=base: world.put(world.fires(THREE, base), caught_up=[THREE]),
        )
        assert errors == []
        found = [i for i in world.incidents() if i.status == "open"]
        assert sorted(i.service for i in found) == ["far", "svc"]
        world.put(*(world.resolves(slo, base + 600) for slo in (ONE, TWO, THREE)))
    assert world.told().count("opened") == 10


def test_a_person_and_a_cycle_that_resolve_at_once_resolve_once(engine):
    world = World(engine)
    for n in range(8):
        base, number = n * 20_000, n + 1
        world.put(world.fires(ONE, base))
        errors = at_once(
            lambda base=base: world.put(world.resolves(ONE, base + 600)),
            lambda number=number, base=base: world.act(
                "resolve", number, "by hand", second=base + 601
            ),
            lambda number=number, base=base: world.act(
                "comment", number, "hello", second=base + 601
            ),
        )
        # A person who looked at what has changed meanwhile is told so, and does it again.
        assert [str(e) for e in errors if "changed just now" not in str(e)] == []
        world.tell(base + 700)
        assert world.kinds(number).count("resolved") == 1
        assert world.incidents()[-1].status == "resolved"
    assert world.told() == ["opened", "resolved/0"] * 8


def test_two_who_acknowledge_at_once_are_one(engine):
    world = World(engine)
    world.put(world.fires(ONE, 0))
    errors = at_once(
        *(lambda who=who: world.act("acknowledge", 1, second=60, who=who) for who in ("mia", "leo"))
    )

    assert errors == []
    assert world.kinds().count("acknowledged") == 1
    assert world.one().acknowledged_at == AT + 60

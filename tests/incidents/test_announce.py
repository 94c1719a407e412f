from __future__ import annotations

from dataclasses import replace

from tests.incidents.world import AT, ONE, THREE, TWO, World, settings


def test_receivers_are_told_once_that_it_opened_and_once_that_it_is_over(world):
    world.put(world.fires(ONE, 0))
    world.tell(76)
    world.put(world.resolves(ONE, 600))
    world.tell(676)

    assert world.told() == ["opened", "resolved/0"]
    opened, over = (m.facts for m in world.messages())
    assert (opened.kind, opened.severity, opened.incident) == ("opened", "page", 1)
    assert opened.summary == "burned 15x; pages at 14.4x"
    assert (opened.owner, opened.runbook) == ("shop", "https://runbooks.test/one")
    assert opened.url == "https://slo.test/incidents/1"
    assert opened.dedup_key.endswith("/incident/1")
    assert (over.kind, over.resolved_at) == ("resolved", AT + 600)
    assert over.summary.startswith("Over after 10 min")
    assert any("Telling pager that it opened." in e.text for e in world.events())


def test_a_raise_is_told_and_a_relapse_pages_again(world):
    world.put(world.fires(ONE, 0, "ticket-1d", "ticket"))
    world.put(world.fires(ONE, 60))
    world.put(world.resolves(ONE, 120), world.resolves(ONE, 120, "ticket-1d", "ticket"))
    world.put(world.fires(ONE, 300))
    world.put(world.resolves(ONE, 900))

    assert world.told() == ["opened", "raised/page/0", "resolved/0", "reopened/1", "resolved/1"]


def test_what_opened_and_ended_while_catching_up_is_told_to_nobody(world):
    world.put(world.fires(ONE, 0, late=True), world.resolves(ONE, 600, late=True), now=9000)

    assert world.one().late
    assert world.told() == []


def test_what_still_fires_once_caught_up_is_told(world):
    world.put(world.fires(ONE, 0, late=True), now=9000, told=False)
    world.tell(9060, caught_up=[TWO])
    assert world.told() == []
    world.tell(9100, caught_up=[ONE, TWO])

    assert world.told() == ["opened"]


def test_the_end_is_told_though_it_relapsed_and_ended_again_while_catching_up(world):
    world.put(world.fires(ONE, 0))
    world.put(
        world.resolves(ONE, 600, late=True),
        world.fires(ONE, 900, late=True),
        world.resolves(ONE, 1500, late=True),
        now=9000,
    )

    assert world.told() == ["opened", "resolved/1"]


def test_a_silenced_incident_says_so_once_and_is_told_after_the_silence(world):
    number = world.silence("svc/*", -60, 600)
    world.put(world.fires(ONE, 0))
    world.tell(76)
    assert world.told() == []
    silenced = [e for e in world.events() if e.kind == "silenced"]
    assert [e.detail["silence"] for e in silenced] == [number]
    world.tell(600)

    assert world.told() == ["opened"]


def test_a_silence_of_one_slo_does_not_silence_the_other(world):
    world.silence(ONE, -60, 600)
    world.put(world.fires(ONE, 0), world.fires(TWO, 0))

    assert world.told() == ["opened"]


def test_a_silence_by_label_looks_at_the_labels_of_the_slo(world):
    world.silence("*", -60, 600, team="shop")
    world.silence("*", -60, 600, team="other")
    world.put(world.fires(ONE, 0))

    assert world.told() == []
    assert world.kinds().count("silenced") == 1


def test_a_silenced_incident_that_ends_was_told_to_nobody(world):
    world.silence("svc/*", -60, 6000)
    world.put(world.fires(ONE, 0))
    world.put(world.resolves(ONE, 600))
    world.tell(6000)

    assert world.told() == []


def test_an_incident_without_a_route_says_that_nobody_is_told(engine):
    world = World(engine, settings(routes=()))
    world.put(world.fires(ONE, 0))
    world.tell(76)
    world.put(world.resolves(ONE, 600))

    told = [e for e in world.events() if e.kind == "notified"]
    assert len(told) == 1
    assert "no route of slo.yaml fits" in told[0].text
    assert world.one().announced == "page"


def test_flapping_is_told_once_and_its_relapses_and_ends_are_not(world):
    for n in range(8):
        world.put(world.fires(ONE, n * 600))
        world.put(world.resolves(ONE, n * 600 + 300))

    # The seventh change within the hour is the fourth relapse.
    assert world.told() == [
        "opened",
        "resolved/0",
        "reopened/1",
        "resolved/1",
        "reopened/2",
        "resolved/2",
        "flapping/1",
    ]
    world.tell(7 * 600 + 300 + 3600)
    assert world.told()[-1] == "resolved/7"


def test_a_raise_is_told_even_while_it_flaps(world):
    for n in range(4):
        world.put(world.fires(ONE, n * 600, "ticket-1d", "ticket"))
        world.put(world.resolves(ONE, n * 600 + 300, "ticket-1d", "ticket"))
    world.put(world.fires(ONE, 2400, "ticket-1d", "ticket"))
    world.put(world.fires(ONE, 2460))

    assert world.told()[-2:] == ["flapping/1", "raised/page/4"]


def test_acknowledging_tells_those_who_were_told(world):
    world.put(world.fires(ONE, 0))
    world.act("acknowledge", 1, second=90)
    world.put(world.fires(THREE, 120), told=False)
    world.act("acknowledge", 2, second=150)

    assert [(m.subject, m.transition) for m in world.messages()] == [
        ("incident/1", "opened"),
        ("incident/1", "acknowledged/0"),
    ]


def test_a_removed_slo_tells_its_end(engine):
    world = World(engine)
    world.put(world.fires(ONE, 0))
    kept = tuple(s for s in world.settings.slos if s.id != ONE)
    world.settings = replace(world.settings, slos=kept)
    world.put(
        world.change("closes", ONE, 300, reason="the definition was removed"), caught_up=[ONE]
    )

    assert world.told() == ["opened", "resolved/0"]


def test_a_page_that_relapses_in_an_incident_that_tickets_hold_open_pages_again(world):
    world.put(world.fires(ONE, 0), world.fires(ONE, 0, "ticket-3d", "ticket"))
    world.act("acknowledge", 1, second=90)
    world.put(world.resolves(ONE, 600))
    world.put(world.fires(ONE, 7200))
    world.put(world.fires(ONE, 7260, "page-6h"))

    assert world.told() == ["opened", "acknowledged/0", "reopened/1"]
    assert (world.one().status, world.one().reopened) == ("open", 1)

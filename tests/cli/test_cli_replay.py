"""`slo replay` over a ledger of known minutes."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Project
from tests.support.feed import START, Feed
from tests.support.stores import empty_store

SLO = "shop/availability"
SHOP = """\
  shop:
    slos:
      availability:
        objective: 99.9%
        events: {good: shop_availability_good_total, total: shop_availability_total}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Five good hours, one in which 3 % were bad, and five good ones."""
    made = Project(tmp_path_factory.mktemp("replay"), "http://127.0.0.1:1")
    made.write(SHOP)
    engine = empty_store(made.folder / "slo.db")
    feed = Feed(engine)
    feed.book(*[(0, 100)] * 300, *[(3, 100)] * 60, *[(0, 100)] * 300)
    engine.dispose()
    made.end = feed.at
    return made


def replayed(project, *args):
    return project.run("replay", SLO, "--from", START, *args).stdout


def as_json(project, *args):
    return json.loads(replayed(project, "--json", *args))


def test_it_prints_what_would_have_fired_and_what_it_meant(shop):
    text = replayed(shop)
    assert "shop/availability, 2026-11-20T20:00:00Z to 2026-11-21T07:00:00Z (11 h)" in text
    assert "660 readings, 66,000 events, 180 bad, 100.0% covered" in text
    assert "Replayed: 99.9% over 30d\n" in text
    assert "page-1h pages at a burn rate of 14.4x over both 1h and 5m" in text
    (page,) = [line for line in text.splitlines() if "pages at 14.4x" in line]
    assert page.split()[:2] == ["2026-11-21T01:29:00Z", "2026-11-21T02:08:00Z"]
    assert "29 min" in page
    assert "times paged" in text
    assert "Today" not in text
    assert "Rules for missing data (dead, gone, blind) are left out" in text


def test_json_has_the_same_as_values(shop):
    body = as_json(shop)
    assert body["slo"] == SLO
    assert (body["from"], body["to"]) == ("2026-11-20T20:00:00Z", "2026-11-21T07:00:00Z")
    assert body["readings"] == 660
    assert body["events"] == {"good": 65_820, "bad": 180, "total": 66_000}
    page = next(a for a in body["replayed"]["alerts"] if a["rule"] == "page-1h")
    assert page["began"] == "2026-11-21T01:00:00Z"
    assert page["fires"] == "2026-11-21T01:29:00Z"
    assert page["resolves"] == "2026-11-21T02:08:00Z"
    # 29 buckets at 3 % reach 14.4x over the hour: 87 of 6000 is 14.5 times 0.1 %.
    assert page["seconds_to_detect"] == 29 * 60
    assert page["numbers"]["long_burn"] == pytest.approx(14.5)
    assert page["reason"].endswith("pages at 14.4x")
    (incident,) = body["replayed"]["incidents"]
    assert incident["severity"] == "page"
    assert incident["paged"] == 1
    assert body["today"] is None
    assert body["only_replayed"] == body["only_today"] == []


def test_another_objective_is_told_beside_todays(shop):
    text = replayed(shop, "--objective", "99%")
    assert "Replayed: 99% over 30d\nToday:    99.9% over 30d\n" in text
    assert "only by today's slo.yaml" in text
    body = as_json(shop, "--objective", "99")
    assert body["replayed"]["totals"]["pages"] == 0
    assert body["today"]["totals"]["pages"] > 0
    assert {a["rule"] for a in body["only_today"]} >= {"page-1h"}
    assert body["only_replayed"] == []


def test_a_policy_file_and_a_window_are_read_as_in_slo_yaml(shop):
    policy = shop.folder / "policy.yaml"
    policy.write_text(
        "alerts:\n  page-1h: {factor: 25}\n  sooner: {factor: 5, long: 30m,"
        " short: 5m, severity: page}\n"
    )
    body = as_json(shop, "--policy", policy, "--window", "7d")
    fired = [a["rule"] for a in body["replayed"]["alerts"] if a["kind"] == "burn"]
    assert fired[0] == "sooner"
    assert body["replayed"]["window"] == "7d"
    sooner = body["replayed"]["incidents"][0]
    today = body["today"]["incidents"][0]
    assert sooner["opened"] < today["opened"]
    text = replayed(shop, "--policy", policy)
    assert "+ fires only in the replay" not in text or "sooner" in text
    assert "sooner pages at a burn rate of 5x over both 30m and 5m" in text


def test_what_fires_only_in_the_replay_is_marked(shop):
    policy = shop.folder / "none.yaml"
    shop.write(SHOP, "alerts: {page-1h: off, page-6h: off, ticket-1d: off, ticket-3d: off}\n")
    try:
        policy.write_text("alerts: {ticket-3d: off}\n")
        text = replayed(shop, "--policy", policy)
    finally:
        shop.write(SHOP)
    marked = [line for line in text.splitlines() if line.startswith("+ ")]
    assert any("page-1h" in line for line in marked)
    assert "+ fires only in the replay, not by today's slo.yaml" in text


def test_a_quiet_past_says_so(shop):
    text = shop.run("replay", SLO, "--from", START, "--to", START + 3600).stdout
    assert "No alert would have fired." in text
    assert "60 readings" in text


def test_the_policy_that_slo_yaml_has_loses_rules_that_the_objective_cannot_burn(shop):
    shop.write(SHOP, "alerts: {page-1h: {factor: 100}}\n")
    try:
        body = as_json(shop, "--objective", "99.5%")
        assert not any("page-1h" in note for note in body["notes"])
        body = as_json(shop, "--objective", "98%")
    finally:
        shop.write(SHOP)
    assert any("page-1h is left out: it can never fire" in note for note in body["notes"])


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("shop/latency", "--from", START), "there is no SLO 'shop/latency'"),
        ((SLO, "--from", START, "--to", START), "--from must lie before --to"),
        ((SLO, "--from", START, "--objective", "100%"), "--objective: '100%' must lie between"),
        ((SLO, "--from", START, "--objective", "lots"), "write for example 99.9%"),
        ((SLO, "--from", START, "--window", "mont"), "--window: 'mont' is not a window such as"),
        ((SLO, "--from", START, "--policy", "none.yaml"), "none.yaml: cannot be read"),
    ],
)
def test_bad_arguments_are_refused_with_the_remedy(shop, args, told):
    assert told in shop.run("replay", *args, code=2).stderr


def test_a_span_without_ledger_says_what_there_is(shop):
    result = shop.run("replay", SLO, "--from", START - 7200, "--to", START - 3600, code=1)
    assert "reaches from 2026-11-20T20:00:00Z to 2026-11-21T07:00:00Z" in result.stderr
    result = shop.run("replay", SLO, "--from", shop.end + 60, code=1)
    assert "choose --from and --to inside it" in result.stderr


def test_an_slo_that_was_never_booked_says_so(shop):
    more = SHOP + "      latency:\n        objective: 99%\n        events: {good: a, total: b}\n"
    shop.write(more)
    try:
        result = shop.run("replay", "shop/latency", "--from", START, code=1)
    finally:
        shop.write(SHOP)
    assert "nothing is booked of shop/latency yet" in result.stderr

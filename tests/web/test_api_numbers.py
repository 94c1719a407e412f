"""What an SLO's page draws and tells, by the JSON API: the same numbers."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from slo.config import parse
from slo.domain.instant import parse_instant
from slo.domain.span import rfc3339
from slo.loaded import Loaded
from slo.store import standings
from slo.store.engine import reading, writing
from tests.web.world import (
    AT,
    BUCKET,
    DAY,
    FIRST,
    NOW,
    WINDOW,
    book_latency,
    declare,
    increments,
    latency_standing,
    make_client,
    put_remetered,
    put_standings,
)

YAML = """services:
  fraud-model:
    slos:
      latency:
        objective: 99%
        window: 30d
        latency: {histogram: 'inference_seconds{model="fraud"}', threshold: 200ms}
"""
SLO = "/api/v1/slos/fraud-model/latency"
LAST = AT // BUCKET * BUCKET


@pytest.fixture(scope="module")
def api(world):
    """The site over a booked month, with slo.yaml."""
    return make_client(world, loaded=Loaded(parse(YAML, "slo.yaml", {})))


def get(api, path, status=200):
    answer = api.get(f"{SLO}{path}")
    assert answer.status_code == status, answer.text
    return answer.json


def test_series_add_up_to_the_standing(api, world):
    with reading(world) as session:
        standing = standings.one(session, "fraud-model/latency")
    body = get(api, "/series?step=1h")
    assert (body["start"], body["end"]) == (rfc3339(LAST - WINDOW), rfc3339(LAST))
    points = body["points"]
    assert sum(p["total"] or 0 for p in points) == pytest.approx(standing.total)
    assert sum(p["bad"] or 0 for p in points) == pytest.approx(standing.bad)
    assert points[-1]["remaining"] == pytest.approx(standing.budget.remaining, abs=1e-6)
    assert points[-1]["at"] == rfc3339(LAST)
    assert set(points[-1]["burn_rates"]) >= {"1h"}
    # Four hours were without data, three of them whole steps: nothing is made up for them.
    assert sum(p["coverage"] == 0 for p in points) == 3


@pytest.mark.parametrize("step", ["6h", "1d", "7d"])
def test_series_hold_every_event_from_where_the_ledger_begins(api, step):
    points = get(api, f"/series?from=2026-10-01&step={step}")["points"]
    booked = increments()
    assert sum(p["total"] or 0 for p in points) == sum(one.total for one in booked)
    assert sum(p["bad"] or 0 for p in points) == sum(one.total - one.good for one in booked)
    (first,) = [n for n, p in enumerate(points) if p["at"] == rfc3339(FIRST)]
    assert {p["total"] for p in points[: first + 1]} == {None}
    assert points[first + 1]["coverage"] == 1


def test_the_objective_of_series_is_that_at_their_end(engine):
    once = Decimal("0.9")
    meters = put_standings(engine, [dataclasses.replace(latency_standing(), objective=once)])
    book_latency(engine, meters["fraud-model/latency"])
    changed = parse_instant("2026-11-10")
    with writing(engine) as session:
        declare(session, [latency_standing()], changed)
    api = make_client(engine)
    for end, objective in ((changed - DAY, 0.9), (changed, 0.99), (changed + DAY, 0.99)):
        body = get(api, f"/series?from={changed - 3 * DAY}&to={end}&step=1d")
        assert body["objective"] == objective
        assert body["end"] == rfc3339(end)


def test_series_are_of_any_span_in_any_step(api):
    body = get(api, f"/series?from={LAST - 3600}&to={LAST - 1800}&step=5m")
    assert [p["at"] for p in body["points"]] == [
        rfc3339(at) for at in range(LAST - 3600 + BUCKET, LAST - 1800 + 1, BUCKET)
    ]
    assert body["step"] == BUCKET
    assert get(api, "/series?from=1d")["start"] == rfc3339((NOW - DAY) // BUCKET * BUCKET)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (f"from={NOW}", "from: 2026-11-20T20:20:00Z is not before 2026-11-20T20:20:00Z"),
        ("step=soon", "step: 'soon' is not a duration"),
        ("from=0&step=5m", "step: gives over 5,000 points; take a longer one"),
        ("form=1d", "form: is unknown; there are from, to, step"),
    ],
)
def test_series_that_cannot_be_are_refused(api, query, told):
    assert told in get(api, f"/series?{query}", 400)["detail"]


def test_past_windows_are_judged_newest_first(api):
    body = get(api, "/windows")
    assert body["unit"] == "month"
    now, before = body["windows"]
    assert (now["start"], now["running"]) == ("2026-11-01T00:00:00Z", True)
    assert (before["start"], before["end"]) == ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")
    assert now["met"] is False
    assert now["budget"]["remaining"] < 0
    assert [note["kind"] for note in before["notes"]] == ["young"]
    assert len(get(api, "/windows?unit=week&limit=3")["windows"]) == 3


def test_past_windows_of_a_former_meter_are_judged_by_it(engine):
    put_remetered(engine)
    api = make_client(engine)
    address = "/api/v1/slos/shop/checkout/windows"
    windows = api.get(address).json["windows"]
    assert [w["start"][:7] for w in windows] == [f"2026-{month:02}" for month in (11, 10, 9, 8, 7)]
    assert [w["met"] for w in windows] == [True, False, False, False, False]
    assert windows[2]["bad"] == 2 * 30 * 24
    first = api.get(f"{address}?limit=3").json
    then = api.get(f"{address}?limit=3&cursor={first['next']}").json
    assert ([*first["windows"], *then["windows"]], then["next"]) == (windows, None)


def test_contributors_are_told_worst_first_with_the_rest(api):
    body = get(api, "/contributors?from=1d")
    assert body["worst_hour"] is not None
    worst, *_, rest = body["contributors"]
    assert worst["labels"]["model_version"] == "2026-11-20.3"
    assert worst["share"] == pytest.approx(52_204 / 67_070)
    assert rest["labels"] is None
    assert get(api, f"/contributors?from=20d&to={NOW - 10 * DAY}")["contributors"] == []


def test_the_policy_tells_what_each_rule_says_now(api):
    body = get(api, "/policy")
    rules = {rule["name"]: rule for rule in body["rules"]}
    fast = rules["page-1h"]
    assert (fast["factor"], fast["long"], fast["short"]) == (14.4, 3600, 300)
    assert fast["budget_share"] == pytest.approx(0.02)
    assert fast["long_burn"] == pytest.approx(24, rel=0.05)
    assert fast["verdict"] == "fires"
    assert rules["dead"]["after"] == 300
    assert rules["budget-100"]["spent"] == 1


def test_revisions_and_corrections_are_listed(api):
    [revision] = get(api, "/revisions")["revisions"]
    assert (revision["objective"], revision["window"]) == (0.99, "30d")
    [correction] = get(api, "/corrections")["corrections"]
    assert (correction["who"], correction["why"]) == ("mia", "counted twice")


def test_a_number_is_explained_by_the_readings_behind_it(api):
    body = get(api, "/explain")
    events = body["standing"]["events"]
    total = sum(p["last"]["total"] - p["first"]["total"] for p in body["window"])
    assert total == pytest.approx(events["total"])
    assert body["definition"]["indicator"]["kind"] == "latency"
    assert body["worst_hour"]["contributors"][0]["bad"] == 52_204
    past = get(api, "/explain?at=10d")["standing"]
    assert past["at"] == rfc3339((NOW - 10 * DAY) // BUCKET * BUCKET)
    assert "lies in the future" in get(api, f"/explain?at={NOW + 60}", 400)["detail"]


def test_slos_are_told_as_of_a_past_time(api):
    at = NOW - 10 * DAY
    [past] = get(api, f"?at={at}")["slos"]
    [listed] = api.get(f"/api/v1/slos?at={at}").json["slos"]
    assert past == listed
    assert past["at"] == rfc3339(at // BUCKET * BUCKET)
    assert "lies in the future" in get(api, f"?at={NOW + 60}", 400)["detail"]


def test_what_is_gone_from_slo_yaml_has_no_policy(site):
    told = site.get("/api/v1/slos/gone/availability/policy")
    assert told.status_code == 404
    assert "is no longer in slo.yaml" in told.json["detail"]
    assert site.get("/api/v1/slos/gone/availability/explain").status_code == 404
    near = site.get("/api/v1/slos/gone/avalability/series").json["near"]
    assert near[0] == "gone/availability"


def test_an_slo_without_a_ledger_has_empty_series(site):
    def told(path):
        answer = site.get(f"/api/v1/slos/search/latency/{path}")
        assert answer.status_code == 200
        return answer.json

    points = told("series")["points"]
    assert len(points) == 30 * 24 + 1
    assert {point["total"] for point in points} == {None}
    assert told("windows")["windows"] == []
    contributors = told("contributors")
    assert (contributors["contributors"], contributors["worst_hour"]) == ([], None)


def test_services_tell_what_their_slos_say_together(site):
    body = site.get("/api/v1/services").json
    found = {one["service"]: one for one in body["services"]}
    fraud = found["fraud-model"]
    assert (fraud["slos"], fraud["owners"]) == (4, ["risk-ml"])
    assert fraud["states"] == {"exhausted": 1, "healthy": 3}
    assert fraud["worst"] == "fraud-model/latency"
    assert fraud["remaining"] < 0
    assert (found["embeddings"]["without_data"], found["gone"]["paused"]) == (1, 1)
    assert site.get("/api/v1/services/fraud-model").json == fraud
    told = site.get("/api/v1/services/fraud").json
    assert told["near"] == ["fraud-model"]

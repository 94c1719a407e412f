"""The page of a service: its SLOs, their budgets on one chart, its days, and what happened."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal
from itertools import pairwise

import pytest

from slo.domain.annotation import Annotation
from slo.domain.booking import Booking
from slo.domain.ledger import Exclusion, Increment
from slo.domain.silence import Silence
from slo.domain.span import Span
from slo.domain.standing import Note, StandingAlert
from slo.store import annotations, booking, exclusions, incidents, silences
from slo.store.engine import writing
from slo.web import format as fmt
from slo.web.app import create_app
from slo.web.charts import composite, strips
from slo.web.identity import identify_as
from tests.support.stores import empty_store
from tests.web.document import HOSTILE, Document, page, table
from tests.web.incident_world import VIEWER
from tests.web.world import (
    AT,
    BUCKET,
    DAY,
    FIRST,
    NOW,
    WINDOW,
    make_client,
    make_standing,
    put_standings,
)

LAST = AT // BUCKET * BUCKET
STEP = 3600
TOTAL = 1000.0
BAD_DAY = LAST // DAY * DAY - 6 * DAY
"""The day on which `search/errors` misses."""


def hours(bad=0.0, bad_day=None):
    """A month of a thousand events an hour; on the bad day every fiftieth is bad."""
    first = FIRST // STEP * STEP
    for end in range(first + STEP, LAST + 1, STEP):
        ruined = bad_day is not None and bad_day < end <= bad_day + DAY
        yield Increment(end, TOTAL - (20.0 if ruined else bad), TOTAL, float(STEP))


def standing_of(slo_id, found, **changes):
    """The standing that agrees with what is booked."""
    inside = [i for i in found if i.end > LAST - WINDOW]
    total, bad = TOTAL * len(inside), sum(i.total - i.good for i in inside)
    left = 1 - bad / (0.001 * total)
    return dataclasses.replace(
        make_standing(slo_id, total=total, left=left, **changes),
        at=LAST,
        window=Span(LAST - WINDOW, LAST),
    )


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """Two services, one with all that a service can have."""
    engine = empty_store(tmp_path_factory.mktemp("service") / "slo.db")
    fires = StandingAlert("page-1h", "burn", "page", AT - 1320, "burned 16x over 1h")
    booked = {
        "search/errors": list(hours(0.5, BAD_DAY)),
        "search/latency": list(hours(0.25)),
        "other/errors": list(hours()),
    }
    labels = (("tier", "1"),)
    found = [
        standing_of(
            "search/errors", booked["search/errors"], state="restricted", alerts=(fires,),
            labels=labels,
        ),
        standing_of(
            "search/latency", booked["search/latency"], owner="latency-team", labels=labels
        ),
        make_standing("search/new", left=None, total=0.0, state="new"),
        standing_of("other/errors", booked["other/errors"]),
    ]  # fmt: skip
    meters = put_standings(engine, found)
    with writing(engine) as session:
        for slo_id, increments in booked.items():
            span = Span(FIRST // STEP * STEP, increments[-1].end)
            booking.book(session, [Booking(meters[slo_id].id, span, tuple(increments))])
        values = {"severity": "page", "started_at": AT - 2000, "late": False}
        incidents.create(session, "search/errors", AT - 1320, {}, title="errors burn", **values)
        past = incidents.create(session, "search/latency", AT - 5 * DAY, {}, title="old", **values)
        incidents.change(session, past, status="resolved", resolved_at=AT - 4 * DAY)
        incidents.leave(session, past)
        for at, scope, title in (
            (AT - 3 * DAY, "search/*", "model 2026-11-17"),
            (AT - 2 * DAY, "search/errors", "less memory"),
            (AT - DAY, "other/*", "not ours"),
            (AT - 90 * DAY, "search/*", "long ago"),
        ):
            annotations.add(session, Annotation(0, "deploy", scope, at, None, title, who="ci"))
        silences.add(session, Silence(0, "search/latency", AT - 60, AT + 7200, "mia", "a move"))
        silences.add(session, Silence(0, "other/*", AT - 60, AT + 7200, "mia", "not ours"))
        away = Span(AT - 600, AT + 3600)
        exclusions.add(session, Exclusion(0, "search/*", away, "maintenance", "mia", "new disks"))
    yield engine
    engine.dispose()


@pytest.fixture
def client(engine):
    return make_client(engine)


@pytest.fixture
def found(client):
    return page(client, "/service/search")


def test_the_services_state_is_its_worst_slos(found):
    assert "search \u25b2 restricted \u25c6 page fires" in found.text


def test_its_slos_are_the_overviews_rows_worst_first(client):
    assert table(client, "/service/search") == ["search/errors", "search/new", "search/latency"]


def test_owners_runbook_and_labels_lead_on(found):
    links = [a.get("href") for a in found.all("a")]
    assert {"/?owner=risk-ml", "/?owner=latency-team"} <= set(links)
    assert "/?service=search&label=tier%3D1" in links
    assert links.count("https://example.com/runbooks/search") == 1


def test_the_figures_at_the_top_name_the_worst(found):
    assert "Least budget left \u221215.0 % errors" in found.text
    assert "Alerts firing 1 1 of them page" in found.text
    assert "Open incidents 1" in found.text
    assert "SLOs 3 1 restricted, 1 new, 1 healthy" in found.text


@pytest.mark.parametrize(
    ("days", "shown"),
    [([7, 30], 30), ([7, 365], 31), ([90, 365], 90), ([30], 30)],
)
def test_budgets_are_drawn_over_a_month_unless_all_windows_are_longer(days, shown):
    found = [make_standing(window=Span(AT - n * DAY, AT)) for n in days]
    assert composite.shown_span(found) == Span(AT - shown * DAY, AT)


def test_budgets_are_drawn_from_where_the_ledger_begins():
    young = Note("young", "It begins.", None, AT - 30 * DAY, AT - 5 * 3600)
    found = [make_standing(notes=(young,)), make_standing("fraud-model/b", notes=(young,))]
    assert composite.shown_span(found) == Span(AT - 5 * 3600, AT)


def test_what_fires_is_told_with_rule_time_and_reason(found):
    assert "page fires errors page-1h for 22 min, since 20 Nov 19:59 UTC: burned 16x" in found.text


def test_open_and_past_incidents_are_listed(found):
    links = {a.get("href") for a in found.all("a")}
    assert {"/incidents/1", "/incidents/2", "/incidents?service=search"} <= links
    assert "Incident #1 open for 22 min, not acknowledged." in found.text


def test_only_what_mutes_this_service_is_told(found):
    assert "search/latency is silenced until 20 Nov 22:21 UTC. mia: a move" in found.text
    assert "search/* is excluded until 20 Nov 21:21 UTC. mia: new disks" in found.text
    assert "not ours" not in found.text


def test_annotations_of_the_window_are_listed_newest_first(found):
    told = re.findall(r"deploy, ([^(]*) \(ci\)", found.text.partition("What happened")[2])
    assert told == ["less memory", "model 2026-11-17"]


def test_annotations_are_marked_on_the_chart(client):
    drawing = client.get("/service/search").text.partition('class="drawing"')[2]
    assert drawing.partition("</figure>")[0].count('class="at-annotation"') == 2


# The chart


def test_all_budgets_stand_on_one_chart_each_with_its_own_line(client):
    html = client.get("/service/search").text
    drawn = html.partition('<svg class="plot"')[2].partition("</svg>")[0]
    lines = re.findall(r'<g class="tone-(\w+)"><path class="line ([\w-]+)"', drawn)
    assert len(lines) == len({tone for tone, _ in lines}) == len({s for _, s in lines}) == 2
    names = html.partition('class="keys"')[2].partition("</ul>")[0]
    assert "errors" in names
    assert "latency" in names


def test_each_line_ends_at_its_standings_budget(found):
    # 720 hours: 24 of them with 20 bad events each, the others with half an event.
    left = 1 - (24 * 20 + 696 * 0.5) / 720
    assert f"errors: last \u2212{-left * 100:.1f} %" in found.text


def test_an_exclusion_is_left_out_of_a_line_as_out_of_the_budget(tmp_path):
    fresh = empty_store(tmp_path / "slo.db")
    booked = list(hours(0.5, BAD_DAY))
    without = [i for i in booked if not BAD_DAY < i.end <= BAD_DAY + DAY]
    meters = put_standings(fresh, [standing_of("s/a", without)])
    with writing(fresh) as session:
        span = Span(FIRST // STEP * STEP, booked[-1].end)
        booking.book(session, [Booking(meters["s/a"].id, span, tuple(booked))])
        away = Exclusion(0, "s/a", Span(BAD_DAY, BAD_DAY + DAY), "maintenance", "mia", "moved")
        exclusions.add(session, away)
    text = page(make_client(fresh), "/service/s").text
    fresh.dispose()
    assert "last 50.0 %" in text  # Half an event of a thousand, of one that is allowed.


def test_a_chart_has_as_many_lines_as_an_eye_tells_apart_the_lowest_first():
    many = [make_standing(f"s/a{n:02}", left=1 - n / 10) for n in range(20)]
    assert [s.name for s in composite.lowest(many)] == [f"a{n:02}" for n in range(12, 20)]


def test_a_service_of_new_slos_has_an_empty_chart(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    put_standings(engine, [make_standing("s/a", left=None, total=0.0, state="new")])
    found = page(make_client(engine), "/service/s")
    engine.dispose()
    assert "No data in this range." in found.text
    assert "No alert fires." in found.text
    assert "No incident yet." in found.text
    assert "Days met 0 of 0" in found.text


def test_a_budget_spent_many_times_stands_at_the_foot(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    booked = list(hours(20.0))
    meters = put_standings(engine, [standing_of("s/a", booked, state="exhausted")])
    with writing(engine) as session:
        span = Span(FIRST // STEP * STEP, booked[-1].end)
        booking.book(session, [Booking(meters["s/a"].id, span, tuple(booked))])
    html = make_client(engine).get("/service/s").text
    engine.dispose()
    assert "what is below \u2212100\u202f% stands at the foot" in html
    assert "last \u2212100.0\u202f% or less" in html


# The days


def test_each_day_is_met_or_missed_by_its_own_objective(found):
    days = [a["class"].split()[1] for a in found.all("span") if "strip-day" in a.get("class", "")]
    samples, all_, errors, latency, new = days[:3], *(days[3 + 30 * n :][:30] for n in range(4))
    assert samples == ["was-met", "was-missed", "was-empty"]
    assert errors.count("was-missed") == 1
    assert errors[30 - 1 - 6] == "was-missed"
    assert latency == ["was-met"] * 30
    assert new == ["was-empty"] * 30
    assert all_ == errors  # What one misses, the service does.


def test_missed_days_are_told_in_words_too(found):
    assert "missed on 14 Nov" in found.text
    assert "29 of 30" in found.text
    titles = [a.get("title") for a in found.all("span") if "was-missed" in a.get("class", "")]
    assert titles[1:] == [
        "14\u202fNov: missed by errors",
        "14\u202fNov: missed, 98.000\u202f% of 24,000, for 99.9\u202f%",
    ]


def test_today_is_neither_met_nor_missed_yet(found):
    days = [a.get("title", "") for a in found.all("span") if "strip-day" in a.get("class", "")]
    todays = [day for day in days if day.startswith(fmt.day(LAST))]
    assert todays[0].endswith("within budget so far: all that have data")
    assert "within budget so far, 99.950" in todays[1]


def test_days_begin_at_midnight_in_utc_and_end_with_today():
    days = strips.last_days(NOW)
    assert len(days) == strips.DAYS
    assert all(d.seconds == DAY and d.start % DAY == 0 for d in days)
    assert days[-1].start <= NOW < days[-1].end
    assert all(a.end == b.start for a, b in pairwise(days))


# The form, unknown services, hostile texts


def test_the_form_marks_the_whole_service(client):
    form = client.get("/service/search").text.partition('action="/annotations"')[2]
    assert '<input type="hidden" name="scope" value="search/*">' in form.partition("</form>")[0]


def test_each_annotation_leads_to_where_it_is_removed(client):
    links = [a["href"] for a in page(client, "/service/search").all("a")]
    assert [link for link in links if "remove" in link] == [
        "/annotations/2/remove",
        "/annotations/1/remove",
    ]


def test_who_may_only_read_annotates_and_removes_nothing(engine):
    app = create_app(engine, clock=lambda: NOW)
    app.before_request(lambda: identify_as(VIEWER))
    text = app.test_client().get("/service/search").text
    assert "less memory" in text
    assert "/annotations" not in text


def test_an_unknown_service_is_404_and_names_what_is_alike(client):
    found = page(client, "/service/serch", 404)
    assert "There is no service serch." in found.text
    assert "/service/search" in [a.get("href") for a in found.all("a")]


@pytest.mark.parametrize("name", ["x" * 5000, "%3Cscript%3Ealert(1)", "%01", "%ff%fe"])
def test_odd_services_are_404(client, name):
    html = client.get(f"/service/{name}")
    assert html.status_code == 404
    assert "<script>alert" not in html.text


def test_hostile_texts_stay_texts(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    service = HOSTILE.replace("/", "")
    alert = StandingAlert(HOSTILE, "burn", "page", AT, HOSTILE)
    bad = make_standing(
        f"{service}/{service}", owner=HOSTILE, runbook="javascript:alert(1)", alerts=(alert,),
        labels=((HOSTILE, HOSTILE),), description="x" * 10_000, objective=Decimal("0.9"),
    )  # fmt: skip
    put_standings(engine, [bad])
    with writing(engine) as session:
        mark = Annotation(
            0, "deploy", f"{service}/*", AT - 5, None, HOSTILE, HOSTILE, "javascript:alert(1)",
            who=HOSTILE,
        )  # fmt: skip
        annotations.add(session, mark)
        silences.add(session, Silence(0, f"{service}/*", AT - 60, AT + 7200, HOSTILE, HOSTILE))
    client = make_client(engine)
    link = next(
        a["href"] for a in page(client, "/").all("a") if a.get("href", "").startswith("/service/")
    )
    html = client.get(link).text
    engine.dispose()
    assert html.count("javascript:") == 0
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert Document(html).all("h1")

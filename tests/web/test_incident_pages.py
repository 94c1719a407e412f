"""Pages of incidents: the list, and one to work on."""

from __future__ import annotations

import re

import pytest

from slo.domain.annotation import Annotation
from slo.domain.incident import AUTO
from slo.store import annotations as kept_annotations
from slo.store import claims, outbox, schema
from slo.store.engine import writing
from slo.web.pages.incidents import page as incident_pages
from slo.web.pages.incidents.evidence import proofs
from tests.support.feed import START
from tests.web.incident_world import HOSTILE, VIEWER, add_another, client, section, text
from tests.web.world import make_client

ADA = {"who": "ada"}
ACTIONS = (
    ("acknowledge", {}),
    ("assign", {"assignee": "grace"}),
    ("comment", {"text": "rolled back"}),
    ("resolve", {"why": "rolled back"}),
)


def relapse(feed):
    """Burns again, long after: a second incident."""
    feed.run(30)
    feed.run(8, bad=90)
    assert [i.status for i in feed.incidents()] == ["resolved", "open"]


def fail_messages(feed):
    with writing(feed.engine) as session:
        changed = outbox.schema.notification.update()
        session.execute(changed.values(state="dead", error="answered 400", ended_at=float(START)))


# ---- The list ----


def test_open_incidents_come_first_and_resolved_ones_stay(over):
    relapse(over)
    page = client(over).get("/incidents")
    assert "1 open incident" in text(page)
    assert page.text.index("/incidents/2") < page.text.index("/incidents/1")
    assert "so far" in section(page, "current", "<form")


def test_the_list_tells_whose_it_is_and_what_is_written(over):
    found = section(client(over).get("/incidents"), "past", "</main>")
    assert "nobody" in found
    assert ">draft</span>" in found
    assert "required</span>" in found


def test_an_incident_lasts_as_long_on_every_page(over):
    page = client(over)
    (lasted,) = re.findall(r'data-label="Lasted" class="number">([^<]*)<', _list(page))
    times = section(page.get("/incidents/1"), "times", "</dl>")
    assert f'To resolve</dt><dd class="value">{lasted}<' in times
    assert f"Over after {lasted}." in page.get("/status").text
    relapse(over)
    (lasted,) = re.findall(r"Lasting (.*?) so far", page.get("/status").text)
    assert f'class="number">{lasted} <span class="muted">so far' in _list(page)
    assert f'Burning for</dt><dd class="value">{lasted}<' in page.get("/incidents/2").text


def _list(page):
    return page.get("/incidents").text


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("?status=resolved", True),
        ("?status=open", False),
        ("?service=shop&severity=page", True),
        ("?service=other", False),
        ("?severity=ticket", False),
        ("?slo=shop/availability", True),
        ("?slo=shop/other", False),
        ("?assignee=-", True),
        ("?assignee=mia", False),
        ("?from=2026-11-20T20:00&to=2026-11-20T23:00", True),
        ("?to=2026-11-20T20:10", False),
        ("?before=1", False),
        ("?before=99999999999999999999", True),
        ("?status=nonsense&range=nonsense", True),
    ],
)
def test_the_list_is_narrowed_by_the_address(over, query, there):
    page = client(over).get(f"/incidents{query}")
    assert page.status_code == 200
    assert ('<th scope="row"><a href="/incidents/1">' in page.text) is there


def test_older_incidents_are_a_page_further(over, monkeypatch):
    monkeypatch.setattr(incident_pages, "PAGE_SIZE", 1)
    add_another(over)
    first = client(over).get("/incidents?service=shop")
    link = re.search(r'<a href="(\?[^"#]*)#past" rel="next"', first.text)[1].replace("&amp;", "&")
    second = client(over).get(f"/incidents{link}")
    assert 'row"><a href="/incidents/2"' in first.text
    assert 'row"><a href="/incidents/1"' not in first.text
    assert 'row"><a href="/incidents/1"' in second.text
    assert "service=shop" in link


def test_an_empty_list_says_what_would_show_up(engine):
    found = text(make_client(engine).get("/incidents"))
    assert "An alert that fires opens one" in found
    assert "Resolved incidents stay here" in found


# ---- One incident ----


def test_an_incident_tells_what_to_do_next_until_it_is_written_about(burning):
    page = client(burning)
    assert "nobody has it" in section(page.get("/incidents/1"), "next")
    assert '<button class="main">Acknowledge' in page.get("/incidents/1").text
    page.post("/incidents/1/acknowledge", data=ADA)
    assert '<button class="main">Acknowledge' not in page.get("/incidents/1").text
    told = "ada has it, and acknowledged it just now."
    assert told in section(page.get("/incidents/1"), "next")
    burning.run(70)
    done = section(page.get("/incidents/1"), "next")
    assert "is required" in done
    assert 'href="/postmortems/1/edit"' in done
    for status in ("review", "published"):
        item = {"text": "Limit retries", "priority": "P0", **ADA}
        page.post("/postmortems/1/items", data=item)
        page.post("/postmortems/1/status", data={"status": status, **ADA})
    assert "its postmortem is published" in section(page.get("/incidents/1"), "next")


def test_who_has_an_incident_is_whom_it_is_assigned_to(burning):
    page = client(burning)

    def told():
        return section(page.get("/incidents/1"), "next")

    page.post("/incidents/1/assign", data={"assignee": "bo", **ADA})
    assert "Open for" in told()
    assert "and bo has not acknowledged it." in told()
    page.post("/incidents/1/acknowledge", data=ADA)
    assert "bo has it; ada acknowledged it just now." in told()
    burning.run(5, bad=90)
    assert re.search(r"bo has it; ada acknowledged it \d+\u202fmin ago\.", told())
    page.post("/incidents/1/assign", data={"assignee": "ada", **ADA})
    assert re.search(r"ada has it, and acknowledged it \d+\u202fmin ago\.", told())


def test_what_burns_how_fast_and_what_is_left_comes_before_all_forms(burning):
    found = text(client(burning).get("/incidents/1"))
    first = found[: found.index("Work on it")]
    for wanted in (
        "Burning for 6 min since 20 Nov 21:00 , detected in 1 min",
        "Burn rate, 5 min 500x",
        "over 1 h, still burns",
        "Bad events 300 50.0 % of 600",
        "of the budget for 30 d",
        "Budget left",
        "Where the bad events came from",
    ):
        assert wanted in first, wanted


def test_once_it_is_over_the_times_and_the_cost_are_told(over):
    found = text(client(over).get("/incidents/1"))
    for wanted in (
        "What it cost",
        "Time to detect",
        "To mitigate",
        "To resolve",
        "Budget left now",
    ):
        assert wanted in found
    assert "Burning for" not in found


def test_an_incident_shows_timeline_alerts_and_deliveries(burning):
    found = text(client(burning).get("/incidents/1"))
    for wanted in (
        "Timeline",
        "opened",
        "Telling hook that it opened",
        "page-1h",
        "shop/availability",
        "Deliveries",
        "assigned to nobody",
        "still burns",
    ):
        assert wanted in found


def test_the_evidence_of_its_opening_is_shown(burning):
    page = client(burning).get("/incidents/1")
    found = section(page, "proof-h", "Deliveries</h2>")
    for wanted in (
        "fires at",
        "bad events in the long window",
        "burn rate over 6h",
        "What is counted, in PromQL",
        "shop_availability_total",
        "Readings over the rule",
    ):
        assert wanted in found
    bad = re.findall(r"<tr><th scope=\"row\"><time[^>]*>[^<]*</time></th><td>(\d+)</td>", found)
    assert "50" in bad, "what each reading added, not the cumulative count"


def test_numbers_of_the_evidence_are_told_from_the_threshold_beside_them():
    floor = {"least": 0.9, "sli": 0.89996, "sli_high": 0.8999996, "bad": 1e5}
    kept = {"slo": "shop/accuracy", "rule": "floor", "numbers": floor}
    (proof,) = proofs(kept, 0)
    told = {word: value.replace("\u202f", " ") for word, value in proof.numbers}
    assert told["fires below"] == "90 %"
    assert (told["was good"], told["was good at most"]) == ("89.996 %", "89.99996 %")
    burned = {"numbers": {"factor": 6.25}, "burn_rates": {"1h": 6.2481, "5m": 7.04}}
    (proof,) = proofs({"slo": "shop/accuracy", **burned}, 0)
    assert [value for _, value in proof.numbers] == ["6.2x", "7.0x", "6.25x"]


def test_charts_reach_from_an_hour_before_to_an_hour_after(over):
    over.run(90)
    (incident,) = over.incidents()
    page = client(over).get("/incidents/1").text
    spans = re.findall(r'data-from="(\d+)" data-to="(\d+)"', page)
    assert spans
    assert set(spans) == {(str(incident.started_at - 3600), str(incident.resolved_at + 3600))}


def test_what_changed_shortly_before_is_named(burning):
    (incident,) = burning.incidents()
    times = {"v2 goes out": -300, "too long ago": -3 * 3600, "of another service": -300}
    with writing(burning.engine) as session:
        for title, seconds in times.items():
            scope = "other/*" if "another" in title else "shop/*"
            made = Annotation(
                0, "deploy", scope, incident.started_at + seconds, None, title, url="javascript:x"
            )
            kept_annotations.add(session, made)
    page = client(burning).get("/incidents/1")
    found = section(page, "changed-h")
    assert "v2 goes out" in found
    assert "5\u202fmin before the burn began" in found
    assert "too long ago" not in found
    assert "of another service" not in found
    assert "javascript:" not in page.text


def test_incidents_before_of_the_same_slo_are_counted_and_listed(over):
    relapse(over)
    found = section(client(over).get("/incidents/2"), "before-h")
    assert "1 incident of this SLO in the 90 days before" in found
    assert 'href="/incidents/1"' in found
    assert "None of this SLO" in section(client(over).get("/incidents/1"), "before-h")


def test_people_acknowledge_assign_comment_and_resolve(burning):
    page = client(burning)
    for action, said in ACTIONS:
        answer = page.post(f"/incidents/1/{action}", data=ADA | said)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/incidents/1")
    (incident,) = burning.incidents()
    assert (incident.status, incident.assignee, incident.resolved_by) == (
        "resolved",
        "grace",
        "ada",
    )
    assert "rolled back" in text(page.get("/incidents/1"))


@pytest.mark.parametrize(
    ("action", "form", "told", "field"),
    [
        ("acknowledge", {"who": ""}, "who: is empty", None),
        ("assign", {"assignee": ""}, "assignee: is empty", "assignee"),
        ("assign", {"assignee": "x" * 251}, "assignee: has over 250", "assignee"),
        ("comment", {"text": " \n "}, "text: is empty", "text"),
        ("comment", {"text": "x" * 10_001}, "text: has over 10,000", "text"),
        ("resolve", {"why": ""}, "why: is empty", "why"),
    ],
)
def test_what_is_refused_is_told_at_its_field_and_nothing_typed_is_lost(
    burning, action, form, told, field
):
    answer = client(burning).post(f"/incidents/1/{action}", data=ADA | form)
    assert told in text(answer, 400)
    assert 'id="fault" role="alert" tabindex="-1" autofocus' in answer.text
    if field:
        wrong = re.search(rf'name="{field}"[^>]*aria-invalid="true"[^>]*>', answer.text)
        assert wrong
        assert 'value="ada"' in answer.text
        assert form[field].strip() in answer.text
    assert [i.status for i in burning.incidents()] == ["open"]


def test_who_acknowledges_second_learns_who_has_it_and_how_to_take_over(burning):
    page = client(burning)
    page.post("/incidents/1/acknowledge", data=ADA)
    assert page.post("/incidents/1/acknowledge", data=ADA).status_code == 303
    answer = page.post("/incidents/1/acknowledge", data={"who": "grace"})
    assert "ada acknowledged it before you did. Assign it to yourself" in text(answer, 409)
    assert 'name="assignee" value="grace"' in answer.text


def test_who_resolves_second_keeps_what_was_typed(burning):
    page = client(burning)
    page.post("/incidents/1/resolve", data=ADA | {"why": "rolled back"})
    answer = page.post("/incidents/1/resolve", data={"who": "grace", "why": "the cache again"})
    assert "ada resolved it before you did" in text(answer, 409)
    assert re.search(r'<textarea name="text"[^>]*>\nthe cache again</textarea>', answer.text)
    assert [i.resolved_by for i in burning.incidents()] == ["ada"]


def test_who_resolves_what_is_over_by_itself_is_told_so(over):
    answer = client(over).post("/incidents/1/resolve", data=ADA | {"why": "rolled back"})
    assert "It resolved by itself before you did" in text(answer, 409)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_pages_of_other_sites_change_nothing(burning, headers):
    answer = client(burning).post("/incidents/1/acknowledge", data=ADA, headers=headers)
    assert answer.status_code == 403
    assert [i.status for i in burning.incidents()] == ["open"]


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}]
)
def test_the_sites_own_pages_and_programs_may(burning, headers):
    answer = client(burning).post("/incidents/1/acknowledge", data=ADA, headers=headers)
    assert answer.status_code == 303


def test_who_may_only_read_gets_no_forms(burning):
    fail_messages(burning)
    assert "<form" not in section(client(burning, VIEWER).get("/incidents/1"), "main", "</main>")


@pytest.mark.parametrize("action", [action for action, _ in ACTIONS])
def test_reloading_the_answer_to_a_form_shows_the_incident(burning, action):
    answer = client(burning).get(f"/incidents/1/{action}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/incidents/1")


@pytest.mark.parametrize("number", ["99", "9223372036854775808", "99999999999999999999999"])
def test_unknown_incidents_are_told(burning, number):
    page = client(burning)
    assert page.get(f"/incidents/{number}").status_code == 404
    assert page.post(f"/incidents/{number}/acknowledge", data=ADA).status_code == 404


def test_unknown_actions_are_told(burning):
    assert client(burning).post("/incidents/1/explode", data=ADA).status_code == 404


def test_hostile_comments_and_names_stay_text(burning):
    page = client(burning)
    page.post("/incidents/1/comment", data={"who": "<i>ada</i>", "text": HOSTILE})
    page.post("/incidents/1/assign", data=ADA | {"assignee": '"><script>x()</script>'})
    answer = page.get("/incidents/1")
    assert "<script>alert" not in answer.text
    assert "<script>x" not in answer.text
    assert "<i>ada" not in answer.text
    assert HOSTILE in text(answer)


def test_a_message_that_was_given_up_shows_its_attempts_and_is_sent_again(burning):
    now = burning.at + 20
    with writing(burning.engine) as session:
        (first,) = claims.claim(session, "hook", 1, now, 60)
        refused = claims.Result(
            first, "dead", "refused", now, 0.02, now, 400, "answered 400", "no such channel"
        )
        claims.complete(session, [refused], now)
    page = client(burning)
    found = section(page.get("/incidents/1"), "told")
    assert "status 400" in found
    assert "answered 400" in found
    answer = page.post(f"/notifications/{first.id}/resend", data={})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/incidents/1#told")
    assert [n.state for n in burning.notifications()] == ["pending"]
    again = page.post(f"/notifications/{first.id}/resend", data={})
    assert "still pending" in text(again, 400)


@pytest.mark.parametrize("number", [99, 2**63])
def test_messages_that_there_are_not_cannot_be_sent_again(burning, number):
    assert client(burning).post(f"/notifications/{number}/resend", data={}).status_code in {
        400,
        404,
    }


def test_a_postmortem_that_is_required_and_not_drafted_is_told(over):
    with writing(over.engine) as session:
        for table in (schema.postmortem_version, schema.postmortem):
            session.execute(table.delete())
    assert "postmortem required, not drafted yet" in text(client(over).get("/incidents/1"))


def test_the_service_itself_is_named_where_nobody_did_it(burning):
    assert AUTO in section(client(burning).get("/incidents/1"), "time-h")


def test_the_overview_and_the_slo_show_the_alert(burning):
    body = client(burning).get("/api/v1/slos/shop/availability").get_json()
    (slo,) = body["slos"]
    assert slo["incident"] == 1
    assert {a["rule"] for a in slo["alerts"] if a["firing"]} >= {"page-1h"}

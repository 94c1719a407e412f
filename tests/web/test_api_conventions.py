"""What holds for all of the API: inputs, problems, cursors, ETags, methods."""

from __future__ import annotations

import json

import pytest

from slo.domain.instant import FORMS
from slo.store import postmortems
from slo.store.engine import writing
from tests.postmortem.conftest import book, open_incident
from tests.web.world import NOW, make_client, make_standing, put_standings

POSTMORTEM = "/api/v1/postmortems/1"
BEYOND = "9999-12-31T23:59:59-23:59"
"""Of the year 10000 in UTC."""
SAVED = {"title": "Title", "body": "mine", "who": "mia"}


@pytest.fixture
def api(engine):
    """The site over a store with five SLOs and a postmortem."""
    put_standings(engine, [make_standing(f"s/slo-{n}") for n in range(5)])
    with writing(engine) as session:
        book(session)
        incident = open_incident(session)
        postmortems.create(session, incident, "Title", "first", "", "", NOW - 60)
    return make_client(engine)


def refused(answer, status=400):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["status"] == status
    return answer.json


def listed(answer):
    return [slo["slo"] for slo in answer.json["slos"]]


def test_a_problem_tells_every_fault_and_where_it_is(api):
    told = refused(api.get("/api/v1/alerts?limit=0&severity=loud&limit2=3"))
    assert (told["type"], told["title"]) == ("about:blank", "Bad Request")
    assert told["instance"] == "/api/v1/alerts"
    assert {fault["at"] for fault in told["errors"]} == {
        "query.limit",
        "query.severity",
        "query.limit2",
    }
    assert all(
        f"{f['at'].removeprefix('query.')}: {f['text']}" in told["detail"] for f in told["errors"]
    )


@pytest.mark.parametrize(
    ("path", "at", "text"),
    [
        ("alerts?limit=1&limit=2", "query.limit", "is given twice; give it once"),
        ("receivers?all=true", "query.all", "is unknown; there is none"),
        ("incidents?service=a%00b", "query.service", "holds what is no character; leave it out"),
        (
            f"slos?at={BEYOND}",
            "query.at",
            f"{BEYOND!r} lies too far ahead; {FORMS}; or a duration such as 2h or 7d",
        ),
        ("incidents?limit=1_0", "query.limit", "'1_0' must be a whole number from 1 to 1000"),
        ("incidents?limit=%D9%A3", "query.limit", "'٣' must be a whole number from 1 to 1000"),
        ("action-items?overdue=yes", "query.overdue", "cannot be 'yes'; true or false"),
    ],
)
def test_a_query_is_refused_in_plain_words(api, path, at, text):
    assert refused(api.get(f"/api/v1/{path}"))["errors"] == [{"at": at, "text": text}]


@pytest.mark.parametrize(
    ("sent", "at", "text"),
    [
        ('{"text": "a", "text": "b"}', "body.text", "is given twice; give it once"),
        ('{"text": "a\\u0000b"}', "body.text", "holds what is no character; leave it out"),
        (
            '{"text": "\\ud800"}',
            "body.text",
            "holds half of a surrogate pair, which is no character",
        ),
        (
            '{"text": "a", "priority": "P9"}',
            "body.priority",
            "'P9' is unknown; one of P0, P1, P2, P3",
        ),
        ('{"text": "a", "priority": 1}', "body.priority", "what is no text (int) is unknown"),
        ('{"text": "a", "who": ""}', "body.who", "must be a name of 1 to 200 printable characters"),
        ('{"text": "a", "by": "b"}', "body.by", "is unknown; there are who, text, kind"),
        ("[" * 60_000, "body", "is nested too deeply"),
        *[
            ('{"text": ' + "[" * deep + "]" * deep + "}", "body", "is nested too deeply")
            for deep in (150, 500, 950)
        ],
        ('{"text": NaN}', "body.text", "must be text"),
        (b"\xff", "body", "is not a JSON object"),
    ],
)
def test_a_body_is_refused_in_plain_words(api, sent, at, text):
    answer = api.post(f"{POSTMORTEM}/items", data=sent, content_type="application/json")
    [fault] = refused(answer)["errors"]
    assert fault["at"] == at
    assert fault["text"].startswith(text)


def test_a_key_that_is_no_text_is_told_of_in_characters_that_are(api):
    sent = '{"\\ud800": 1, "\\ud800": 2}'
    answer = api.post(f"{POSTMORTEM}/items", data=sent, content_type="application/json")
    twice, hostile = refused(answer)["errors"]
    assert twice == {"at": "body.\\ud800", "text": "is given twice; give it once"}
    assert hostile["at"] == twice["at"]
    assert hostile["text"].startswith("holds half of a surrogate pair")


def test_numbers_and_names_that_nothing_can_have_are_not_found(api):
    for path in (f"incidents/{2**63}", f"notifications/{10**30}", "slos/a%00b/c", "nothing"):
        refused(api.get(f"/api/v1/{path}"), 404)


def test_a_list_goes_on_where_it_ended_whatever_was_added(api, engine):
    first = api.get("/api/v1/slos?limit=2&service=s")
    assert listed(first) == ["s/slo-0", "s/slo-1"]
    put_standings(engine, [make_standing("s/slo-0b"), make_standing("s/slo-1b")], cycle=False)
    link = first.headers["Link"]
    assert link.endswith('>; rel="next"')
    second = api.get(link[1 : link.index(">")])
    assert listed(second) == ["s/slo-1b", "s/slo-2"]
    rest = api.get(f"/api/v1/slos?service=s&cursor={second.json['next']}")
    assert listed(rest) == ["s/slo-3", "s/slo-4"]
    assert "Link" not in rest.headers
    assert "next" not in rest.json


def test_a_cursor_that_was_changed_or_made_elsewhere_is_refused(api):
    cursor = api.get("/api/v1/slos?limit=2&service=s").json["next"]
    turned = cursor[:-3] + ("A" if cursor[-3] != "A" else "B") + cursor[-2:]
    for path in (
        f"slos?service=s&cursor={turned}",
        f"slos?cursor={cursor}",
        f"slos?service=t&cursor={cursor}",
        f"incidents?cursor={cursor}",
        "slos?cursor=%C3%A9",
        f"slos?cursor={'A' * 2000}",
        "slos?cursor=",
    ):
        [fault] = refused(api.get(f"/api/v1/{path}"))["errors"]
        assert fault["at"] == "query.cursor"
        assert "take `next` of a former answer" in fault["text"]


def test_what_has_not_changed_is_not_sent_again(api, engine):
    first = api.get("/api/v1/slos")
    assert first.headers["Cache-Control"] == "private, no-cache"
    # The clock goes on, which is no change.
    later = make_client(engine, clock=lambda: NOW + 60)
    same = later.get("/api/v1/slos", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.text) == (304, "")
    assert same.headers["ETag"] == first.headers["ETag"]
    put_standings(engine, [make_standing("s/slo-0", left=0.1)], cycle=False)
    changed = later.get("/api/v1/slos", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_compressed_answers_are_not_sent_again_either(api):
    packed = {"Accept-Encoding": "gzip"}
    first = api.get("/api/v1/slos", headers=packed)
    assert first.headers["Content-Encoding"] == "gzip"
    again = api.get("/api/v1/slos", headers=packed | {"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_what_changes_something_is_kept_nowhere(api):
    made = api.post(f"{POSTMORTEM}/items", json={"text": "do it"})
    assert made.headers["Cache-Control"] == "no-store"
    assert refused(api.post(f"{POSTMORTEM}/items", json={})) is not None
    assert "ETag" not in made.headers


def test_head_gives_what_get_gives_without_its_body(api):
    head, get = api.head("/api/v1/slos"), api.get("/api/v1/slos")
    assert (head.status_code, head.text) == (200, "")
    assert head.headers["ETag"] == get.headers["ETag"]


@pytest.mark.parametrize(("method", "path"), [("DELETE", "slos"), ("GET", "silences/1/end")])
def test_another_method_is_told_which_there_are(api, method, path):
    answer = api.open(f"/api/v1/{path}", method=method)
    refused(answer, 405)
    assert ("POST" if path == "silences/1/end" else "GET") in answer.headers["Allow"]


def test_no_other_site_is_let_in(api):
    answer = api.get("/api/v1/slos", headers={"Origin": "https://elsewhere.example"})
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_a_text_is_saved_over_the_etag_that_was_read(api):
    tag = api.get(POSTMORTEM).headers["ETag"]
    saved = api.put(POSTMORTEM, json=SAVED, headers={"If-Match": tag})
    assert (saved.status_code, saved.json["version"]) == (200, 2)
    stale = refused(api.put(POSTMORTEM, json=SAVED | {"body": "x"}, headers={"If-Match": tag}), 412)
    assert "it was changed since you read it" in stale["detail"]
    unsaid = refused(api.put(POSTMORTEM, json=SAVED), 428)
    assert "`version`, or If-Match" in unsaid["detail"]
    assert api.get(POSTMORTEM).json["body"] == "mine"


def test_an_etag_of_a_compressed_answer_is_written_over_too(api):
    long = json.dumps(SAVED | {"body": "x " * 2000, "version": 1})
    api.put(POSTMORTEM, data=long, content_type="application/json")
    tag = api.get(POSTMORTEM, headers={"Accept-Encoding": "gzip"}).headers["ETag"]
    assert tag.startswith("W/")
    assert api.put(POSTMORTEM, json=SAVED, headers={"If-Match": tag}).json["version"] == 3


def test_an_action_item_is_changed_over_its_etag(api):
    number = api.post(f"{POSTMORTEM}/items", json={"text": "do it"}).json["id"]
    path = f"/api/v1/action-items/{number}"
    tag = api.get(path).headers["ETag"]
    done = api.patch(path, json={"state": "done"}, headers={"If-Match": tag})
    assert (done.json["state"], done.json["version"]) == ("done", 2)
    refused(api.patch(path, json={"state": "open"}, headers={"If-Match": tag}), 412)
    refused(api.patch(path, json={"state": "open"}), 428)

"""Annotations by the JSON API and by forms."""

from __future__ import annotations

import pytest

from slo.config import parse
from slo.loaded import Loaded
from slo.store import annotations as kept_annotations
from slo.store import audit
from slo.store.engine import reading
from tests.web.document import Document, page
from tests.web.test_api_gate import YAML
from tests.web.world import DAY, NOW, make_client

DEPLOY = {
    "kind": "deploy",
    "scope": "shop",
    "title": "shop 2.4",
    "labels": {"version": "2.4", "commit": "ab12"},
    "url": "https://ci.example/42",
    "key": "deploy-42",
    "who": "ci",
}


@pytest.fixture
def api(engine):
    return make_client(engine, loaded=Loaded(parse(YAML, "slo.yaml", {})))


def post(api, code=201, **body):
    response = api.post("/api/v1/annotations", json={**DEPLOY, **body})
    assert response.status_code == code, response.text
    return response.get_json()


def listed(api, query=""):
    response = api.get(f"/api/v1/annotations?{query}")
    assert response.status_code == 200, response.text
    return response.get_json()


def test_a_deploy_is_marked_now_and_listed(api, engine):
    made = post(api)
    assert made == {
        "id": 1,
        "kind": "deploy",
        "scope": "shop/*",
        "at": "2026-11-20T20:21:12Z",
        "end": None,
        "title": "shop 2.4",
        "text": "",
        "url": "https://ci.example/42",
        "labels": {"commit": "ab12", "version": "2.4"},
        "who": "ci",
        "key": "deploy-42",
        "created_at": "2026-11-20T20:21:12Z",
    }
    assert listed(api) == {"annotations": [made], "next": None}
    with reading(engine) as session:
        assert audit.of(session)[0].who == "ci"


def test_the_same_key_again_is_200_and_with_other_content_409(api):
    made = post(api)
    assert post(api, 200) == made
    assert post(api, 200, who="another") == made
    for changed in ({"title": "shop 2.5"}, {"labels": {}}, {"at": int(NOW) - 60}, {"kind": "note"}):
        problem = post(api, 409, **changed)
        assert f"whose {next(iter(changed))} is different" in problem["detail"]
    assert len(listed(api)["annotations"]) == 1


def test_an_experiment_that_runs_is_in_every_list_since_it_began(api):
    made = post(api, kind="experiment", at=int(NOW) - 2 * DAY, key="exp-7")
    post(api, at=int(NOW) - 2 * DAY)
    assert listed(api, f"from={int(NOW) - DAY}")["annotations"] == [made]
    post(api, 200, kind="experiment", key="exp-7", end=int(NOW) - DAY - 60)
    assert listed(api, f"from={int(NOW) - DAY}")["annotations"] == []


def test_an_experiment_is_over_once_its_key_comes_with_an_end(api, engine):
    made = post(api, kind="experiment", at=int(NOW) - DAY, key="exp-7")
    early = {"kind": "experiment", "key": "exp-7", "end": int(NOW) - 2 * DAY}
    problem = api.post("/api/v1/annotations", json={**DEPLOY, **early})
    assert problem.status_code == 400
    assert "end: lies before 2026-11-19T20:21:12Z" in problem.json["detail"]
    over = post(api, 200, kind="experiment", key="exp-7", end=int(NOW) - 60, who="mia")
    assert over == {**made, "end": "2026-11-20T20:20:12Z"}
    # What is sent again changes nothing, with its end or without.
    assert post(api, 200, kind="experiment", key="exp-7", end=int(NOW) - 60) == over
    assert post(api, 200, kind="experiment", at=int(NOW) - DAY, key="exp-7") == over
    problem = post(api, 409, kind="experiment", key="exp-7", end=int(NOW))
    assert "whose end is different" in problem["detail"]
    assert listed(api)["annotations"] == [over]
    with reading(engine) as session:
        entry = audit.of(session)[0]
    assert (entry.action, entry.who, dict(entry.new)) == (
        "end-annotation",
        "mia",
        {"end": int(NOW) - 60},
    )


def test_without_a_key_two_are_two(api):
    post(api, key=None)
    post(api, key=None)
    assert len(listed(api)["annotations"]) == 2


def test_a_removed_one_is_gone_from_lists_and_its_key_is_not_free(api):
    post(api)
    removed = api.delete("/api/v1/annotations/1")
    assert (removed.status_code, removed.get_json()["title"]) == (200, "shop 2.4")
    assert api.delete("/api/v1/annotations/1").status_code == 404
    assert listed(api)["annotations"] == []
    assert "was removed" in post(api, 409)["detail"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"scope": "shp"}, "scope: there is no service or SLO 'shp'; did you mean shop"),
        ({"kind": "party"}, "kind: 'party' is unknown; one of deploy, config, experiment, note"),
        ({"title": "x" * 201}, "title: has 201 characters; 200 fit"),
        ({"title": " "}, "title: is empty"),
        ({"text": "x" * 4001}, "text: has 4,001 characters"),
        ({"url": "javascript:alert(1)"}, "url: is no link"),
        ({"url": "https://"}, "url: is no link"),
        ({"url": "https://a b"}, "url: is no link"),
        ({"url": "https://[::1"}, "url: is no link"),
        ({"url": "https://e.test/" + "x" * 2000}, "url: has 2,015 characters"),
        ({"at": int(NOW) + DAY + 1}, "at: 2026-11-21T20:21:13Z lies over a day ahead"),
        ({"at": int(NOW), "end": int(NOW) - 1}, "end: lies before 2026-11-20T20:21:12Z"),
        ({"end": int(NOW) + 2 * DAY}, "end: 2026-11-22T20:21:12Z lies over a day ahead"),
        ({"labels": {"a b": "c"}}, "labels: 'a b' is no name of a label"),
        ({"labels": {"a": ""}}, "labels: is empty"),
        ({"labels": {f"l{n}": "v" for n in range(21)}}, "labels: are 21; 20 fit"),
        ({"key": "k" * 201}, "key: has 201 characters"),
        ({"titel": "x"}, "titel: is unknown; there are"),
    ],
)
def test_what_cannot_be_marked_is_refused_with_its_remedy(api, body, told):
    assert told in post(api, 400, **body)["detail"]
    assert listed(api)["annotations"] == []


def test_hostile_texts_come_back_as_they_were_sent(api):
    title = "<script>alert('x')</script> {{ 7*7 }} \u202egnp"
    made = post(api, title=title, text="a\n\n<b>\u2028", labels={"v": '"><img src=x>'})
    assert made["title"] == title
    assert made["text"] == "a\n\n<b>"
    assert made["labels"] == {"v": '"><img src=x>'}


def test_lists_narrow_by_time_scope_and_kind_and_go_on(api):
    for n in range(5):
        kind = "config" if n == 2 else "deploy"
        scope = "*" if n == 4 else "shop/latency"
        post(api, key=None, at=int(NOW) - n * 60, title=f"t{n}", kind=kind, scope=scope)

    def titles(query):
        return [a["title"] for a in listed(api, query)["annotations"]]

    assert titles("kind=config") == ["t2"]
    assert titles(f"from={int(NOW) - 120}&to={int(NOW)}") == ["t1", "t2"]
    assert titles("scope=shop/latency") == ["t0", "t1", "t2", "t3", "t4"]
    assert titles("scope=shop/availability") == ["t4"]
    first = listed(api, "limit=2")
    second = listed(api, f"limit=2&cursor={first['next']}")
    third = listed(api, f"limit=2&cursor={second['next']}")
    whole = [a["title"] for page in (first, second, third) for a in page["annotations"]]
    assert whole == ["t0", "t1", "t2", "t3", "t4"]
    assert third["next"] is None
    assert api.get("/api/v1/annotations?scope=shp").status_code == 400


def test_a_form_marks_and_leads_back_to_what_was_marked(api, engine):
    form = {"kind": "note", "scope": "shop", "title": "rollout", "url": "", "at": ""}
    made = api.post("/annotations", data={**form, "version": "2.5"})
    assert (made.status_code, made.location) == (303, "/service/shop")
    with reading(engine) as session:
        (kept,) = kept_annotations.listed(session)
    assert (kept.title, kept.who, kept.labels) == ("rollout", "page", (("version", "2.5"),))
    of_slo = {**form, "scope": "shop/latency", "at": "2026-11-20T19:00"}
    assert api.post("/annotations", data=of_slo).location == "/slo/shop/latency"
    with reading(engine) as session:
        assert [a.at for a in kept_annotations.listed(session)] == [NOW, NOW - 4872]
    assert api.post("/annotations/1/remove").location == "/service/shop"
    assert api.post("/annotations/1/remove").status_code == 404
    assert api.post("/annotations", data={**form, "scope": "*"}).location == "/"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"title": ""}, "Title: is empty"),
        ({"at": "noon"}, "At: 'noon' is not a time; write for example 2026-11-20T20:00:00Z"),
        ({"end": "2026-11-01T00:00"}, "End: lies before 20 Nov 19:00 UTC, where it begins"),
        ({"end": "2026-99-99T00:00:00Z"}, "End: '2026-99-99T00:00:00Z' is not a time"),
        ({"scope": "<b>"}, "What: there is no service or SLO '<b>'"),
        ({"scope": "//evil"}, "What: "),
        ({"version": "x" * 201}, "Version: "),
    ],
)
def test_a_form_with_a_fault_comes_back_with_all_that_was_typed(api, engine, change, told):
    form = {
        "kind": "experiment",
        "scope": "shop/latency",
        "title": "half the cache",
        "version": "2.5",
        "url": "https://ci.example/43",
        "at": "2026-11-20T19:00",
        "end": "2026-11-20T20:00",
        "text": "on two of four hosts",
        "who": "mia",
    } | change
    response = api.post("/annotations", data=form)
    assert response.status_code == 400
    (name,) = change
    assert told in Document(response.text).text
    shown = Document(response.text)
    fields = {f["name"]: f.get("value") for f in shown.all("input") if "name" in f}
    assert {n: fields[n] for n in form if n in fields} == {
        n: form[n] for n in form if n not in {"kind", "text"}
    }
    assert '<option value="experiment" selected>' in response.text
    assert "on two of four hosts</textarea>" in response.text
    (wrong,) = [e for _, e in shown.elements if e.get("aria-invalid")]
    assert wrong["name"] == name
    with reading(engine) as session:
        assert kept_annotations.listed(session) == []


def test_an_annotation_of_a_form_may_last_and_say_more(api, engine):
    form = {"kind": "note", "scope": "shop", "title": "rollout", "who": "mia"}
    lasting = {"at": "2026-11-20T19:00", "end": "2026-11-20T19:30", "text": "slowly\nby hand"}
    assert api.post("/annotations", data=form | lasting).status_code == 303
    with reading(engine) as session:
        (kept,) = kept_annotations.listed(session)
    assert (kept.end - kept.at, kept.text, kept.who) == (1800, "slowly\nby hand", "mia")


def test_the_form_alone_is_for_the_scope_that_its_address_names(api):
    found = Document(api.get("/annotations?scope=shop/latency").text)
    assert [f["value"] for f in found.all("input") if f.get("name") == "scope"] == ["shop/latency"]
    assert "/slo/shop/latency" in [a["href"] for a in found.all("a")]
    assert api.get("/annotations?scope=%3Cb%3E").status_code == 200


def test_before_an_annotation_is_removed_it_is_shown_and_nothing_happens(api, engine):
    post(api, text="from main")
    found = page(api, "/annotations/1/remove")
    assert "deploy, shop 2.4, commit=ab12, version=2.4" in found.text
    assert "from main" in found.text
    with reading(engine) as session:
        assert len(kept_annotations.listed(session)) == 1
    refused = api.post("/annotations/1/remove", data={"who": "x" * 251})
    assert refused.status_code == 400
    assert "Your name: " in refused.text
    assert api.post("/annotations/1/remove", data={"who": "mia"}).status_code == 303
    for gone in (1, 2**62, 10**30):
        assert api.get(f"/annotations/{gone}/remove").status_code == 404
    with reading(engine) as session:
        last = audit.of(session)[0]
    assert (last.action, last.who) == ("unannotate", "mia")

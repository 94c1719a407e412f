"""Every refusal of the API is a problem of RFC 9457, whatever refuses."""

from __future__ import annotations

import pytest

from slo.store import postmortems
from slo.store.engine import open_engine, writing
from slo.web.api.models.problem import Problem
from tests.postmortem.conftest import book, open_incident
from tests.support.logins import add_token, add_user, bearer, site_of
from tests.support.stores import empty_store
from tests.web.world import NOW, make_client, make_standing, put_standings

API = "/api/v1"
ITEMS = f"{API}/postmortems/1/items"
FULL = "admin"


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """A store with users, an SLO and a postmortem."""
    engine = empty_store(tmp_path_factory.mktemp("problems") / "slo.db")
    put_standings(engine, [make_standing("s/slo")])
    with writing(engine) as session:
        book(session)
        postmortems.create(session, open_incident(session), "Title", "first", "", "", NOW - 60)
    add_user(engine, "root")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def tokens(engine):
    return {scope: bearer(add_token(engine, scope, NOW)) for scope in (FULL, "gate")}


@pytest.fixture
def client(engine):
    return make_client(engine, loaded=site_of())


def told(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    problem = Problem.model_validate(answer.json, extra="ignore")
    assert problem.status == status
    assert problem.title
    assert problem.type == "about:blank"
    assert problem.detail
    return problem


REFUSED = [
    (400, "GET", f"{API}/slos?limit=0", {}, "must be a whole number"),
    (400, "POST", ITEMS, {"json": {"text": ""}}, "text:"),
    (404, "GET", f"{API}/slos/s/sl", {}, "did you mean s/slo?"),
    (404, "GET", f"{API}/nothing", {}, "nothing at this address"),
    (404, "GET", f"{API}/incidents/99", {}, f"{API}/incidents lists all"),
    (405, "PUT", f"{API}/slos", {}, "not allowed"),
    (
        409,
        "PUT",
        f"{API}/postmortems/1",
        {"json": {"title": "a", "body": "b", "version": 7}},
        "version",
    ),
    (
        412,
        "PUT",
        f"{API}/postmortems/1",
        {"json": {"title": "a", "body": "b"}, "headers": {"If-Match": '"old"'}},
        "read it again",
    ),
    (413, "POST", ITEMS, {"json": {"text": "x" * 70_000}}, "65,536 bytes"),
    (415, "POST", ITEMS, {"data": "text=a"}, "Content-Type: application/json"),
    (428, "PUT", f"{API}/postmortems/1", {"json": {"title": "a", "body": "b"}}, "If-Match"),
]


@pytest.mark.parametrize(
    ("status", "method", "path", "more", "remedy"),
    [pytest.param(*one, id=f"{one[0]} {one[1]} {one[2]}") for one in REFUSED],
)
def test_what_is_refused_is_told_with_its_remedy(
    client, tokens, status, method, path, more, remedy
):
    headers = {**tokens[FULL], **more.get("headers", {})}
    answer = client.open(path, method=method, **{**more, "headers": headers})
    problem = told(answer, status)
    assert remedy in problem.detail
    assert problem.instance == path.partition("?")[0]


def test_who_brings_no_token_is_told_how(client):
    answer = client.get(f"{API}/slos")
    assert "Authorization: Bearer" in told(answer, 401).detail
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["slos", "identity"])
def test_who_brings_a_wrong_token_is_told_so(client, path):
    answer = client.get(f"{API}/{path}", headers=bearer("slo_0_0_0"))
    assert "mistyped, expired or revoked" in told(answer, 401).detail
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_narrow_token_is_told_what_it_may_not(client, tokens):
    answer = client.get(f"{API}/slos", headers=tokens["gate"])
    assert "scope of this token does not let it read this" in told(answer, 403).detail


def test_a_page_of_another_site_is_refused(client, tokens):
    other = {"Origin": "https://elsewhere.example"}
    told(client.post(ITEMS, json={"text": "a"}, headers={**tokens[FULL], **other}), 403)


def test_another_name_is_misdirected(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    answer = make_client(engine).get(f"{API}/slos", headers={"Host": "elsewhere.example"})
    assert "site.hosts" in told(answer, 421).detail
    engine.dispose()


def test_a_fault_of_the_service_tells_nothing_of_its_inside(engine, tokens):
    client = make_client(engine, loaded=site_of())
    endpoint = "api_slos.list_slos"
    view = client.application.view_functions[endpoint]

    def broken(**_):
        raise RuntimeError("secret")

    client.application.view_functions[endpoint] = _like(view, broken)
    problem = told(client.get(f"{API}/slos", headers=tokens[FULL]), 500)
    assert "secret" not in problem.detail
    assert "log" in problem.detail


def test_a_store_that_is_away_is_503(tmp_path):
    away = open_engine(f"sqlite:///{tmp_path}/missing/slo.db")
    told(make_client(away).get(f"{API}/slos"), 503)


def _like(view, broken):
    """`broken` with the permission and the operation of `view`."""
    broken.__dict__.update(view.__dict__)
    return broken

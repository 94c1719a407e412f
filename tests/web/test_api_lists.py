"""Lists of the API: each is read part by part, and what is added meanwhile spoils nothing."""

from __future__ import annotations

import typing

import pytest
from pydantic import BaseModel

from slo.access.tokens import add_token
from slo.access.users import add_user
from slo.domain.ledger import Correction
from slo.store import corrections
from slo.store.engine import writing
from slo.web import app as _app  # noqa: F401 -- declares all operations.
from slo.web.api.cursor import make_cursor
from slo.web.api.openapi import path_of, variables_of
from slo.web.api.operation import OPERATIONS
from tests.support import rich
from tests.support.feed import START
from tests.support.logins import begin
from tests.web.truthful import truthful

BOUNDED = {
    "show_slo": "it is one",
    "show_policy": "slo.yaml writes the rules",
    "list_contributors": "it is the worst few, and `limit` says how many",
    "show_series": "`step` and the span say how many",
    "explain_slo": "it is the evidence of one number",
    "show_service_gate": "slo.yaml writes the SLOs of a service",
    "show_slo_gate": "it is one",
    "show_incident": "it is one, whole",
    "show_notification": "it is one, with the attempts that are kept",
    "show_postmortem": "it is one, whole",
    "list_receivers": "slo.yaml writes them",
    "show_report": "it is one, whole",
    "show_status": "slo.yaml writes the services",
    "show_system": "it has the newest of each",
    "show_document": "it is one",
    "list_slos": "all of them are the contract; `limit` gives a part",
}
"""Operations whose answers hold lists that cannot grow without end, and why."""
VALUES = {"service": "fraud-model", "name": "availability"}
EVERYTHING = {
    "list_silences": {"all": "true"},
    "list_gate_overrides": {"all": "true"},
    "list_windows": {"unit": "week"},
    "list_reports": {"unit": "week"},
}


FORGED = [(2**63,), (2**63, 1), (1, -(2**63)), (2**63, "a"), (1, "a\0"), ("a\0",)]
"""Keys that nothing has, of each kind; the digest in a cursor is no secret."""


def lists_of(model):
    """The keys of an answer that hold lists of objects."""
    return [
        name
        for name, field in model.model_fields.items()
        if typing.get_origin(field.annotation) is list
        and isinstance(inner := typing.get_args(field.annotation)[0], type)
        and issubclass(inner, BaseModel)
    ]


def paged():
    return [
        one
        for one in OPERATIONS
        if one.method == "GET" and one.query is not None and "cursor" in one.query.model_fields
    ]


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The API over a store with something of everything, at least two of most things."""
    made = rich.make(tmp_path_factory.mktemp("lists") / "slo.db")
    engine, now = made.feed.engine, int(made.now)
    with writing(engine) as session:
        for name in ("ada", "joe", "mia"):
            add_user(session, name, "admin", subject=f"issuer|{name}", who="test", now=now)
        for key in ("a", "b", "c"):
            late = Correction(
                "fraud-model/availability", START + 3600, 0, 0, "mia", "late", key, now
            )
            corrections.add(session, late)
        for name in ("one", "two", "three"):
            add_token(session, name, "read", who="test", now=now)
        _, text = add_token(session, "ours", "admin", who="test", now=now)
    for name in ("ada", "joe"):
        begin(engine, name, now)
    client = truthful(made.app()).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {text}"
    for scope in ("ranker", "fraud-model"):
        for path in ("silences", "gate-overrides"):
            body = {"scope": scope, "until": "2h", "why": "a test"}
            assert client.post(f"/api/v1/{path}", json=body).status_code == 201
    yield client
    engine.dispose()


def test_every_list_that_can_grow_is_read_part_by_part():
    growing = {
        one.id
        for one in OPERATIONS
        if one.method == "GET" and one.answer is not None and lists_of(one.answer)
    }
    assert growing - set(BOUNDED) <= {one.id for one in paged()}


@pytest.mark.parametrize("operation", [pytest.param(one, id=one.id) for one in paged()])
def test_parts_make_up_the_whole(api, operation):
    path = path_of(operation)
    for name, _ in variables_of(operation):
        path = path.replace(f"{{{name}}}", VALUES[name])
    more = EVERYTHING.get(operation.id, {})
    key = next(key for key in lists_of(operation.answer) if key not in {"firing", "frozen"})
    whole = api.get(path, query_string={**more, "limit": 1000}).json[key]
    found, cursor = [], None
    for _ in range(len(whole) + 1):
        asked = {**more, "limit": 1, **({} if cursor is None else {"cursor": cursor})}
        answer = api.get(path, query_string=asked)
        assert answer.status_code == 200, answer.text
        found += answer.json[key]
        cursor = answer.json.get("next")
        assert (cursor is not None) is ("Link" in answer.headers)
        if cursor is None:
            break
    assert found == whole
    assert whole, "an empty list proves nothing"


@pytest.mark.parametrize("operation", [pytest.param(one, id=one.id) for one in paged()])
def test_a_cursor_that_was_made_up_is_refused(api, operation):
    path = path_of(operation)
    for name, _ in variables_of(operation):
        path = path.replace(f"{{{name}}}", VALUES[name])
    refused = api.get(path, query_string={"cursor": "bm90aGluZw"})
    assert refused.status_code == 400
    [fault] = refused.json["errors"]
    assert fault["at"] == "query.cursor"


@pytest.mark.parametrize("operation", [pytest.param(one, id=one.id) for one in paged()])
def test_a_cursor_that_was_forged_is_refused(api, operation):
    path = path_of(operation)
    for name, _ in variables_of(operation):
        path = path.replace(f"{{{name}}}", VALUES[name])
    more = EVERYTHING.get(operation.id, {})
    for position in FORGED:
        with api.application.test_request_context(path, query_string=more):
            cursor = make_cursor(*position)
        refused = api.get(path, query_string={**more, "cursor": cursor})
        assert refused.status_code == 400, position
        [fault] = refused.json["errors"]
        assert "is not a cursor of this query" in fault["text"]
    for position in [(2**62,), (-(2**62),), (2**62, 1), (1, -(2**62)), (2**62, "a"), ("a",)]:
        with api.application.test_request_context(path, query_string=more):
            cursor = make_cursor(*position)
        answer = api.get(path, query_string={**more, "cursor": cursor})
        assert answer.status_code in {200, 400}, position

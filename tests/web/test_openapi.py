"""The OpenAPI document: valid, whole, and in words."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from slo.config import parse
from slo.loaded import Loaded
from slo.web.api.openapi import document, path_of, variables_of
from slo.web.api.operation import OPERATIONS, PREFIX
from tests.web.world import make_client

YAML = """url: https://slo.example
services: {a: {slos: {b: {objective: 99%, slices: {query: up, at_least: 1}}}}}
"""
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
VARIABLE, NAMED = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>"), r"{\1}"
REF = re.compile(r"#/components/schemas/(\w+)")


@pytest.fixture(scope="module")
def made():
    return document(OPERATIONS)


def operations(made):
    return [
        (f"{method.upper()} {path}", one)
        for path, methods in made["paths"].items()
        for method, one in methods.items()
    ]


def models():
    """All models of operations, and those within them."""
    found = set()

    def add(kind):
        for inner in getattr(kind, "__args__", ()):
            add(inner)
        if isinstance(kind, type) and hasattr(kind, "model_fields") and kind not in found:
            found.add(kind)
            for field in kind.model_fields.values():
                add(field.annotation)

    for one in OPERATIONS:
        for model in (one.query, one.body, one.answer, *one.also.values()):
            add(model)
    return found


def test_it_is_valid(made):
    OpenAPIV31SpecValidator(made).validate()


def test_it_tells_of_each_route_and_of_no_other(client, made):
    rules = client.application.url_map.iter_rules()
    served = {
        f"{method} {VARIABLE.sub(NAMED, rule.rule)}"
        for rule in rules
        if rule.rule.startswith(f"{PREFIX}/")
        for method in rule.methods & METHODS
    }
    assert {name for name, _ in operations(made)} == served


def test_everything_has_a_description(made):
    silent = [
        name
        for name, one in operations(made)
        if not one["summary"].endswith((".", ")"))
        or not all(p["description"] for p in one["parameters"])
        or not all(r["description"] for r in one["responses"].values())
    ]
    assert silent == []
    schemas = made["components"]["schemas"]
    silent = [name for name, schema in schemas.items() if not schema.get("description")]
    assert silent == []
    silent = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, inner in schema.get("properties", {}).items()
        # What is a model of its own tells of itself.
        if not inner.get("description") and "$ref" not in inner
    ]
    assert silent == []


def test_each_operation_and_each_model_has_a_name_of_its_own(made):
    twice = [name for name, n in Counter(one.id for one in OPERATIONS).items() if n > 1]
    assert twice == []
    twice = [name for name, n in Counter(model.__name__ for model in models()).items() if n > 1]
    assert twice == []
    assert set(REF.findall(str(made))) <= set(made["components"]["schemas"])


def test_what_is_sent_is_closed_and_what_is_answered_is_open(made):
    """Clients must bear further keys; the service refuses what it does not know."""
    schemas = made["components"]["schemas"]
    for one in OPERATIONS:
        if one.body is not None:
            assert schemas[one.body.__name__]["additionalProperties"] is False, one.id
    assert "additionalProperties" not in schemas["SLOs"]


def test_problems_are_told_with_their_type(made):
    answers = made["paths"]["/api/v1/postmortems/{incident}"]["put"]["responses"]
    assert set(answers) == {
        "200",
        "400",
        "401",
        "403",
        "404",
        "409",
        "412",
        "413",
        "415",
        "421",
        "428",
        "500",
        "503",
    }
    assert set(answers["409"]["content"]) == {"application/problem+json"}
    assert set(answers["200"]["content"]) == {"application/json"}


def test_paths_and_parameters_are_typed(made):
    shown = made["paths"]["/api/v1/incidents/{incident}"]["get"]["parameters"]
    assert shown[0]["schema"] == {"type": "integer", "minimum": 1, "maximum": 2**62}
    query = {p["name"]: p for p in made["paths"]["/api/v1/slos"]["get"]["parameters"]}
    assert "exhausted" in query["state"]["schema"]["enum"]
    assert not query["state"]["required"]
    assert query["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000}


def test_examples_fit_their_models(made):
    shown = {
        model.__name__: example
        for model in models()
        for example in model.model_json_schema().get("examples", [])
    }
    assert "GateAnswer" in shown
    for model in models():
        if model.__name__ in shown:
            model.model_validate(shown[model.__name__])
            assert made["components"]["schemas"][model.__name__]["examples"]


def test_it_says_which_permission_is_asked_for_and_how_to_say_who_asks(made):
    gate = made["paths"]["/api/v1/gate/{service}"]["get"]
    assert "Asks for the permission `gate`" in gate["description"]
    assert set(gate["responses"]["401"]["headers"]) == {"WWW-Authenticate"}
    document = made["paths"]["/api/v1/openapi.json"]["get"]
    assert "Everybody" in document["description"]
    assert "401" not in document["responses"]


def test_lists_tell_where_they_go_on(made):
    for name, one in operations(made):
        paged = "cursor" in {p["name"] for p in one["parameters"]}
        headers = one["responses"].get("200", {}).get("headers", {})
        assert ("Link" in headers) is paged, name


def test_it_asks_for_a_token_where_something_is_asked_for(made):
    assert made["paths"]["/api/v1/openapi.json"]["get"]["security"] == [{}]
    assert {"bearer": []} in made["paths"]["/api/v1/slos"]["get"]["security"]


def test_it_is_served_and_names_where(engine):
    api = make_client(engine, loaded=Loaded(parse(YAML, "slo.yaml", {})))
    body = api.get("/api/v1/openapi.json").json
    assert body["openapi"].startswith("3.1")
    assert body["servers"] == [{"url": "https://slo.example"}]
    assert {path_of(one) for one in OPERATIONS} == set(body["paths"])


def test_variables_of_paths_are_read_as_flask_does():
    [one] = [one for one in OPERATIONS if one.id == "show_version"]
    assert variables_of(one) == [("incident", "int"), ("number", "int")]


def test_an_unknown_gate_and_a_store_that_is_away_are_both_503(made):
    said = made["paths"]["/api/v1/gate/{service}"]["get"]["responses"]["503"]
    assert sorted(said["content"]) == ["application/json", "application/problem+json"]
    assert "The store is away." in said["description"]

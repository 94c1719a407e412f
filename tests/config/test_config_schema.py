from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from slo.config import ConfigError, parse, schema, schema_text
from slo.config.schema import DIALECT, FILE

TOP = Path(__file__).parents[2]
KEPT = TOP / "slo" / "config" / FILE
PAGE = (TOP / "docs" / "slo-yaml.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
ENV = dict.fromkeys(re.findall(r"\$\{(\w+)\}", PAGE), "a value of letters") | {
    "SLACK_URL": "https://hooks.example.com/x"
}
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "integer": int,
}


def nodes(node):
    yield node
    for value in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from nodes(value)


KNOWN = {
    *("$ref", "$defs", "$schema", "title", "description", "examples", "type", "enum", "pattern"),
    *("minLength", "properties", "required", "additionalProperties", "propertyNames", "items"),
    *("anyOf", "oneOf"),
}


def refusals(rules, value, root, path="$"):
    """What the JSON Schema `rules` hold against `value`; knows the words that ours uses."""
    assert set(rules) <= KNOWN, set(rules) - KNOWN
    if "$ref" in rules:
        yield from refusals(root["$defs"][rules["$ref"].rpartition("/")[2]], value, root, path)
    types = rules.get("type", list(TYPES))
    fitting = [types] if isinstance(types, str) else types
    kind = "boolean" if isinstance(value, bool) else ""
    if not any(isinstance(value, TYPES[t]) and kind in {"", t} for t in fitting):
        yield f"{path} is not {types}"
        return
    if value not in rules.get("enum", [value]):
        yield f"{path} is none of {rules['enum']}"
    for word, counts in (("anyOf", range(1, 99)), ("oneOf", range(1, 2))):
        count = sum(not list(refusals(rule, value, root, path)) for rule in rules.get(word, ()))
        if word in rules and count not in counts:
            yield f"{path} fits {count} of {word}"
    yield from inner_refusals(rules, value, root, path)


def inner_refusals(rules, value, root, path):
    if isinstance(value, str):
        if not re.search(rules.get("pattern", ""), value) or len(value) < rules.get("minLength", 0):
            yield f"{path} is not text of the right form"
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from refusals(rules.get("items", {}), item, root, f"{path}[{i}]")
    elif isinstance(value, dict):
        yield from (f"{path} lacks {key}" for key in rules.get("required", ()) if key not in value)
        for key, item in value.items():
            inside = rules.get("properties", {}).get(key, rules.get("additionalProperties", {}))
            yield from refusals(rules.get("propertyNames", {}), key, root, f"{path}.{key}")
            if inside is False:
                yield f"{path}.{key} is not allowed"
            elif inside is not True:
                yield from refusals(inside, item, root, f"{path}.{key}")


def verdict(text):
    return list(refusals(schema(), yaml.safe_load(text), schema()))


def test_the_kept_schema_is_current():
    assert KEPT.read_text() == schema_text(), "write it anew with slo.config.schema_text()"


def test_the_schema_text_is_stable():
    assert schema_text() == schema_text()
    assert json.loads(schema_text()) == schema()
    assert schema()["$schema"] == DIALECT


def test_every_key_has_a_description_and_every_mapping_is_closed():
    for node in nodes(schema()):
        if isinstance(node, dict) and isinstance(node.get("properties"), dict):
            # Under alerts people name rules of their own.
            assert node["additionalProperties"] is False or "page-1h" in node["properties"]
            for key, rules in node["properties"].items():
                assert rules.get("description"), key


def test_every_key_is_named_in_the_page():
    keys = {
        key
        for node in nodes(schema())
        if isinstance(node, dict) and isinstance(node.get("properties"), dict)
        for key in node["properties"]
    }
    assert {"objective", "threshold", "SLO", "from", "zone"} <= keys
    assert [key for key in sorted(keys) if f"`{key}`" not in PAGE and f"`{key}:" not in PAGE] == []


def test_every_choice_is_named_in_the_page():
    words = {w for n in nodes(schema()) if isinstance(n, dict) for w in n.get("enum", ())}
    assert "pagerduty" in words
    assert [word for word in sorted(words) if word not in PAGE] == []


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_of_the_page_loads_and_fits_the_schema(block):
    text = block if re.search(r"^(services|SLO):", block, re.MULTILINE) else f"SLO: {{}}\n{block}"
    assert parse(text, "slo.yaml", ENV).slos
    assert verdict(text) == []


def test_the_page_has_an_example_of_each_indicator():
    for kind in ("events", "latency", "mean", "slices", "freshness", "query"):
        assert any(re.search(rf"^ +{kind}:", block, re.MULTILINE) for block in BLOCKS), kind


def test_the_example_at_the_top_fits_the_schema():
    assert verdict((TOP / "slo.yaml").read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "databse: {}",
        "services: {a b: {SLO: {latency: 1s}}}",
        "services: {a: {slos: {x: {objective: 99%}}}}",
        "services: {a: {slos: {x: {objective: 99%, events: {total: t}}}}}",
        "services: {a: {slos: {x: {objective: 99%, events: {good: g, bad: b, total: t}}}}}",
        "services: {a: {slos: {x: {objective: 9%, slices: {query: a}}}}}",
        "services: {a: {births: never, SLO: {latency: 1s}}}",
        "SLO: {availability: true}",
        "prometheus: {timeout: 5s}\nSLO: {latency: 1s}",
        "prometheus: {url: http://a, urls: [http://a]}\nSLO: {latency: 1s}",
        "receivers: {a: {type: pager}}\nSLO: {latency: 1s}",
        "alerts: {page-1h: {faktor: 1}}\nSLO: {latency: 1s}",
        "alerts: {mine: never}\nSLO: {latency: 1s}",
        "alerts: {budget: 50%}\nSLO: {latency: 1s}",
        "no_data: none\nSLO: {latency: 1s}",
        "routes: [{severity: page}]\nSLO: {latency: 1s}",
        "quiet_hours: {from: '22:00'}\nSLO: {latency: 1s}",
        "services: {a: {slos: {x: {was: y, objective: 9%, events: {good: g, total: t}}}}}",
    ],
)
def test_what_the_schema_refuses_the_loader_refuses(text):
    assert verdict(text)
    with pytest.raises(ConfigError):
        parse(text, "slo.yaml", {})

"""The JSON Schema of slo.yaml, for editors."""

from __future__ import annotations

import json
from typing import Any

from slo.config.definitions import INDICATORS
from slo.config.readers import NAME
from slo.config.root import RootShape

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILE = "slo.schema.json"
"""The kept copy beside this module, shipped in the wheel."""


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of slo.yaml, with a description of every key."""
    found = _plain(RootShape.model_json_schema(by_alias=True))
    shapes = found["$defs"]
    shapes["SLOShape"]["oneOf"] = [{"required": [key]} for key in INDICATORS]
    shapes["SourceShape"]["oneOf"] = [{"required": ["url"]}, {"required": ["urls"]}]
    for name in ("EventsShape", "QueryShape"):
        shapes[name]["oneOf"] = [{"required": ["good"]}, {"required": ["bad"]}]
    shapes["SlicesShape"]["oneOf"] = [{"required": ["at_least"]}, {"required": ["at_most"]}]
    names = {"pattern": f"^{NAME}$"}
    for holder, key in (
        (found, "services"),
        (found, "sources"),
        (found, "receivers"),
        (shapes["ServiceShape"], "slos"),
    ):
        holder["properties"][key]["propertyNames"] = names
    return {"$schema": DIALECT, "title": "slo.yaml", **found}


def schema_text() -> str:
    """The schema as stable text, as it is kept in slo/config/slo.schema.json."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _plain(node: Any) -> Any:
    """The schema without pydantic's generated titles, nulls and defaults.

    `null` is no value in slo.yaml, and defaults there are Python's, not YAML's.
    """
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept: dict[str, Any] = {
        key: _properties(value) if key in {"properties", "$defs"} else _plain(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str)) and key != "default"
    }
    choices = [item for item in kept.get("anyOf", ()) if item != {"type": "null"}]
    if "anyOf" in kept and len(choices) == 1:
        del kept["anyOf"]
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if choices else kept


def _properties(node: dict[str, Any]) -> dict[str, Any]:
    """Named schemas; a key of slo.yaml may be called `title` or `default`."""
    return {name: _plain(value) for name, value in node.items()}

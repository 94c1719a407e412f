"""The pages of the site as its own map names them, so that no new page is forgotten."""

from __future__ import annotations

import re
from itertools import product
from urllib.parse import quote

NOT_PAGES = {"static"}
"""Endpoints that are no page of the site's."""
LEADING_AWAY = ("/login", "/logout", "/oidc")
"""Where the site asks who one is; the tests of access go there."""
VARIABLE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


def pages_of(app, values):
    """The path of each page that can be asked for, its variables filled from `values`."""
    found = set()
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.endpoint in NOT_PAGES:
            continue
        if rule.rule.startswith(("/api/", *LEADING_AWAY)):
            continue
        first = rule.rule.split("/")[1]
        names = [one[1] for one in VARIABLE.finditer(rule.rule)]
        given = [values.get(f"{first}/{name}", values.get(name)) for name in names]
        assert None not in given, f"{rule.rule}: say in the test what its variables are"
        for chosen in product(*given):
            filled = iter(chosen)
            found.add(VARIABLE.sub(lambda _, rest=filled: quote(str(next(rest))), rule.rule))
    return sorted(found)


def values_of(rich):
    """What fills the variables of routes over a rich store; all of several are asked for."""
    return {
        "service": ["fraud-model"],
        "name": ["availability"],
        "number": [rich.resolved],
        "incident": [rich.resolved],
        "reports/name": ["2026-11"],
        "annotation_id": [1],
        "kind": ["md", "csv", "json"],
        "action": ["role"],
        "public_id": ["x"],
        "token_id": ["x"],
    }

"""The pages of the site as its own map names them, so that no new page is forgotten."""

from __future__ import annotations

import re
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
        unknown = rule.arguments - set(values)
        assert not unknown, f"{rule.rule}: say in the test what {unknown} is"
        found.add(VARIABLE.sub(lambda one: quote(str(values[one[1]])), rule.rule))
    return sorted(found)


def values_of(rich):
    """What fills the variables of routes over a rich store."""
    return {
        "service": "fraud-model",
        "name": "availability",
        "number": rich.resolved,
        "incident": rich.resolved,
        "period": "2026-11",
        "version": 1,
    }

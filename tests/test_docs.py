from __future__ import annotations

import re
from pathlib import Path

from slo.config import Settings
from slo.loaded import Loaded
from slo.metrics import Metrics
from slo.store.engine import open_engine
from slo.store.migrations import upgrade
from slo.web.api import document as apitext
from slo.web.app import create_app

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "interfaces.md").read_text()


def test_every_metric_is_on_the_page_and_every_metric_of_the_page_exists(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/slo.db")
    upgrade(engine)
    families = {
        family.name: family.type
        for family in Metrics(engine, loaded=Loaded(Settings((), ()))).registry.collect()
    }
    exported = {f"{name}_total" if kind == "counter" else name for name, kind in families.items()}
    engine.dispose()
    table = PAGE.partition("## Metrics")[2]
    told = set(re.findall(r"`(slo_[a-z_]+)`", table))
    assert told == exported


def test_the_page_of_the_api_is_what_its_operations_tell():
    """`python -m slo.web.api.document > docs/api.md` mends it."""
    assert (DOCS / "api.md").read_text() == apitext.page()


def test_every_route_is_on_the_page(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/slo.db")
    app = create_app(engine)
    rules = {
        rule.rule
        for rule in app.url_map.iter_rules()
        # Pages are for people, who find them by their links; the API has a page of its own.
        if not rule.rule.startswith("/api/")
        and rule.endpoint != "static"
        and not rule.endpoint.partition(".")[0].endswith(("page", "pages"))
    }
    engine.dispose()
    assert {rule for rule in rules if rule not in PAGE} == set()

"""The import rule of the house: a module imports from lower floors only."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "slo"

FLOORS = {
    "domain": 0,
    "promql": 1,
    "config": 2,
    "prometheus": 2,
    "store": 2,
    "alerting": 3,
    "backfill": 3,
    "checks": 3,
    "context": 3,
    "contexts": 3,
    "cycle": 3,
    "declaring": 3,
    "excluding": 3,
    "explain": 3,
    "explain_json": 3,
    "findings": 3,
    "horizon": 3,
    "incidents": 3,
    "notify": 3,
    "past_standings": 3,
    "postmortem": 3,
    "publishing": 3,
    "recurrence": 3,
    "replay": 3,
    "rulings": 3,
    "tracks": 3,
    "judging": 3,
    "gate": 3,
    "annotating": 3,
    "loaded": 3,
    "loaded_metrics": 4,
    "reload_audit": 3,
    "reloading": 3,
    "access": 3,
    "sent": 3,
    "silencing": 3,
    "sources": 3,
    "standings": 3,
    "status": 3,
    "system": 3,
    "upkeep": 3,
    "verify": 3,
    "watching": 3,
    "scheduler": 4,
    "metrics": 4,
    "paging_metrics": 4,
    "reports": 4,
    "web": 4,
    "__main__": 5,
    "cli": 5,
    "demo": 5,
}
"""Every module and package right under slo/, and its floor."""

APART = {"config", "prometheus", "store"}
"""These stand side by side and do not know each other."""

KNOWN_BY = {"prometheus_api_client": "prometheus", "promql_parser": "promql"}
"""Libraries that stand behind one module or package of ours."""

MODULES = sorted(ROOT.rglob("*.py"))


def top_of(path: Path) -> str:
    """`domain` for slo/domain/span.py, `cycle` for slo/cycle.py, "" for slo/__init__.py."""
    first = path.relative_to(ROOT).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports_of(text: str) -> list[tuple[int, str]]:
    """(line, module) of each import, also those in functions and under TYPE_CHECKING."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            # `from slo import x` and `from slo.x import y` both name a module below slo.
            found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return found


def faults_of(top: str, text: str) -> list[str]:
    """What is wrong with the imports of a module that lies under slo/`top`."""
    faults = []
    for line, module in imports_of(text):
        package, _, rest = module.partition(".")
        target = rest.split(".")[0]
        if module.startswith("."):
            faults.append(f"line {line}: relative import {module}")
        elif KNOWN_BY.get(package, top) != top:
            faults.append(f"line {line}: only slo.{KNOWN_BY[package]} knows {package}")
        elif top == "domain" and package not in {*sys.stdlib_module_names, "slo"}:
            faults.append(f"line {line}: the domain imports {package}")
        elif package != "slo" or target in {"", top, "__version__"}:
            continue
        elif not top:
            faults.append(f"line {line}: slo/__init__.py imports {module}")
        elif not {top, target} <= set(FLOORS):
            faults.append(f"line {line}: slo.{target} or slo.{top} has no floor")
        elif FLOORS[target] > FLOORS[top]:
            faults.append(f"line {line}: {top} imports {module}, from above")
        elif {top, target} <= APART:
            faults.append(f"line {line}: {top} and {target} must not know each other")
    return faults


def test_every_module_has_a_floor():
    missing = {top_of(path) for path in MODULES} - {""} - set(FLOORS)
    assert not missing, f"give {missing} a floor in FLOORS"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_from_lower_floors_only(path):
    assert faults_of(top_of(path), path.read_text()) == []


@pytest.mark.parametrize(
    ("folder", "strangers"),
    [("charts", ("pages", "api")), ("api", ("pages",)), ("pages", ("api",))],
)
def test_the_parts_of_the_site_keep_apart(folder, strangers):
    names = tuple(f"slo.web.{stranger}." for stranger in strangers)
    known = {
        f"{path.name}: {module}"
        for path in (ROOT / "web" / folder).rglob("*.py")
        for _, module in imports_of(path.read_text())
        if module.startswith(names)
    }
    assert known == set()


@pytest.mark.parametrize(
    ("top", "text"),
    [
        ("domain", "import sqlalchemy"),
        ("domain", "from slo.store import engine"),
        ("domain", "from slo import promql"),
        ("promql", "from slo.config import load"),
        ("config", "from slo.store.schema import readings"),
        ("prometheus", "import slo.config.document"),
        ("store", "def f():\n    from slo.cycle import run_cycle"),
        (
            "cycle",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from slo.web import app",
        ),
        ("web", "from slo.cli import main"),
        ("cycle", "from prometheus_api_client import PrometheusConnect"),
        ("config", "import promql_parser"),
        ("cycle", "from . import status"),
        ("cycle", "from slo.elsewhere import thing"),
        ("", "from slo.domain import span"),
    ],
)
def test_a_forbidden_import_is_seen(top, text):
    assert len(faults_of(top, text)) == 1


def test_allowed_imports_pass():
    assert faults_of("domain", "import math\nfrom slo.domain.span import Span") == []
    assert faults_of("prometheus", "import prometheus_api_client\nfrom slo import promql") == []
    assert faults_of("cycle", "from slo import status, store\nimport requests") == []
    assert faults_of("cli", "from slo.demo import run\nfrom slo import __version__") == []

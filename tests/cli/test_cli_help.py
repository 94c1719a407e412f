from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from slo import __version__
from slo.cli import COMMANDS, main
from slo.cli.command import ExampleCommand
from slo.cli.helptext import commands, page

DOCS = Path(__file__).parents[2] / "docs"
ALL = {path: found for path, found, _ in commands()}


def python(*args):
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, check=True)


def test_help_imports_nothing_but_click():
    code = (
        "import sys\nbefore = set(sys.modules)\nfrom slo.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print(*sorted({m.partition('.')[0] for m in set(sys.modules) - before}"
        " - set(sys.stdlib_module_names)), file=sys.stderr)"
    )
    assert python("-c", code).stderr.split() == ["click", "slo"]


@pytest.mark.parametrize("module", ["slo", "slo.cli"])
def test_it_runs_as_a_module(module):
    assert python("-m", module, "--version").stdout == f"slo, version {__version__}\n"
    assert python("-m", module, "--help").stdout.startswith("Usage: slo [OPTIONS]")


def test_the_list_of_commands_says_what_each_command_s_help_says():
    for name, summary in COMMANDS.items():
        first = ALL[f"slo {name}"].get_short_help_str(200)
        assert summary.split()[0] == first.split()[0], (name, summary, first)


@pytest.mark.parametrize("path", [p for p, c in ALL.items() if not isinstance(c, click.Group)])
def test_every_help_is_enough_by_itself(path):
    found = ALL[path]
    assert isinstance(found, ExampleCommand)
    assert found.examples
    assert found.examples[0].startswith(path)
    assert len(found.help.strip().splitlines()) > 2
    for option in found.params:
        if isinstance(option, click.Option):
            assert option.help, f"{path} {option.name}"


def test_every_option_named_in_an_example_exists():
    for path, found in ALL.items():
        known = {name for p in found.params for name in p.opts}
        words = " ".join(getattr(found, "examples", ())).split()
        assert {w for w in words if w.startswith("--")} <= known, path


def test_the_page_of_all_commands_is_current():
    text = (DOCS / "cli.md").read_text()
    assert text == page(), "run `python -m slo.cli.helptext > docs/cli.md`"


def test_an_unknown_command_is_told_the_nearest():
    result = CliRunner().invoke(main, ["statsu"])
    assert result.exit_code == 2
    assert "status" in result.stderr


def test_the_schema_is_printed():
    result = CliRunner().invoke(main, ["schema"])
    assert result.exit_code == 0
    assert result.stdout == (DOCS.parent / "slo/config/slo.schema.json").read_text()

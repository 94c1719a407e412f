from __future__ import annotations

import json

from sqlalchemy import text

from slo.store.engine import open_engine, writing


def test_all_faults_of_the_file_are_printed_one_a_line(offline):
    offline.write("  api:\n    slos:\n      one: {objective: 2, evnts: {}}\n      two: {}\n")
    result = offline.run("status", code=2)
    lines = result.stderr.splitlines()
    assert len(lines) >= 3
    assert all(line.startswith(f"{offline.config}:") for line in lines)
    assert result.stdout == ""


def test_a_missing_file_is_named_with_the_remedy(offline):
    result = offline.run("status", "--config", offline.folder / "no.yaml", code=2)
    assert "no.yaml: cannot be read: No such file or directory; --config names" in result.stderr


def test_config_goes_before_the_environment(offline):
    other = offline.folder / "other.yaml"
    other.write_text("SLO: {availability: 99.9%}\n")
    assert "default" in offline.run("validate", "--config", other).stdout


def test_commands_that_read_make_no_database(offline):
    for command in (
        ["status"],
        ["explain", "api/latency"],
        ["verify", "api/latency"],
        ["correct", "api/latency", "--end", "0", "--good", "1", "--total", "1", "--why", "x"],
    ):
        result = offline.run(*command, code=1)
        assert "there is no database" in result.stderr
        assert "slo evaluate" in result.stderr
    assert not (offline.folder / "slo.db").exists()


def test_an_older_and_a_newer_database_say_what_to_do(offline):
    engine = open_engine(f"sqlite:///{offline.folder}/slo.db")
    with writing(engine) as session:
        session.execute(text("CREATE TABLE something (id INTEGER)"))
    assert "slo db upgrade" in offline.run("status", code=1).stderr
    offline.run("db", "upgrade")
    with writing(engine) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    for command in (["status"], ["evaluate"], ["db", "upgrade"]):
        result = offline.run(*command, code=1)
        assert "newer SLO Ledger" in result.stderr
        assert result.stderr.count("\n") == 1


def test_a_prometheus_that_is_down_is_a_fault_of_the_cycle(offline):
    result = offline.run("evaluate", code=1)
    assert "source prometheus: prometheus (http://127.0.0.1" in result.stderr
    assert "Connection refused" in result.stderr
    assert "Booked 0 of 3 SLOs" in result.stdout
    # The cycle has shown the SLOs, with the reason.
    assert "Connection refused" in offline.run("status").stdout


def test_a_prometheus_that_is_down_is_one_sentence(offline):
    offline.run("db", "upgrade")
    result = offline.run("backfill", "--from", "2026-01-01", code=1)
    assert result.stderr.startswith("Error: prometheus (http://127.0.0.1")
    assert result.stderr.count("\n") == 1
    checked = offline.run("validate", "--online", code=1)
    assert checked.stdout.count("Connection refused") == 3


def test_logs_are_json_when_asked(offline):
    result = offline.run("evaluate", "--log-level", "warning", "--log-format", "json", code=1)
    logged = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    assert logged[0]["logger"] == "slo.cycle"
    assert logged[0]["kind"] == "unreachable"


def test_a_terminal_s_folded_lines_keep_their_indent(offline, monkeypatch):
    offline.config.write_text("SLO: {accuracy: 95%}\n")
    monkeypatch.setattr("slo.cli.show.WIDEST", 60)
    lines = offline.run("validate").stdout.splitlines()
    filled = lines[lines.index("Filled in") + 1 :]
    assert len(filled) > 3
    assert all(line.startswith("  ") for line in filled)
    assert max(map(len, lines)) <= 60

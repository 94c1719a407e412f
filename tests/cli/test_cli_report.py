from __future__ import annotations

import json
import time

import pytest


@pytest.fixture
def month(booked):
    """The month in which the ledgers end; this one, but for half an hour a month."""
    return time.strftime("%Y-%m", time.gmtime(booked.end - 1))


def test_a_month_is_reported_as_tables(booked, month):
    out = booked.run("report", month).output
    assert out.startswith("SLO report: ")
    assert "api (" in out
    assert "availability" in out
    assert "99.5%" in out


def test_json_is_that_of_the_api(booked, month):
    body = json.loads(booked.run("report", month, "--format", "json").output)
    assert body["period"]["name"] == month
    assert [s["service"] for s in body["services"]] == ["api"]
    slos = {one["slo"]: one for one in body["services"][0]["slos"]}
    assert set(slos) == {"api/availability", "api/latency", "api/quality"}
    assert slos["api/availability"]["total"] > 0


def test_without_a_period_it_is_the_last_that_has_a_ledger(booked):
    body = json.loads(booked.run("report", "--format", "json").output)
    assert sum(one["total"] for one in body["services"][0]["slos"]) > 0


@pytest.mark.parametrize(
    ("kind", "begins"),
    [("text", "SLO report: "), ("markdown", "# SLO report: "), ("csv", "period,"),
     ("json", '{"period"'), ("html", "<!doctype html>")],
)  # fmt: skip
def test_each_format_goes_into_a_file(booked, month, tmp_path, kind, begins):
    file = tmp_path / "report"
    out = booked.run("report", month, "--format", kind, "--output", file).output
    assert out == f"Wrote {file} ({file.stat().st_size:,} bytes).\n"
    assert file.read_text().startswith(begins)


def test_csv_on_stdout_and_in_a_file_is_the_same(booked, month, tmp_path):
    file = tmp_path / "report.csv"
    shown = booked.run("report", month, "--format", "csv", "--zone", "Asia/Tokyo")
    booked.run("report", month, "--format", "csv", "--zone", "Asia/Tokyo", "-o", file)
    assert shown.stdout_bytes == file.read_bytes()
    assert b"\r\n" in file.read_bytes()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["2026-13"], "2026-W47"),
        (["2199-01"], "has not begun"),
        (["--zone", "Mars"], "Europe/Berlin"),
        (["--service", "apo"], "there are api"),
        (["--owner", "nobody"], "there are web"),
        (["--format", "xml"], "markdown"),
    ],
)
def test_what_cannot_be_reported_is_refused_with_what_can(booked, args, says):
    assert says in booked.run("report", *args, code=2).output


def test_a_file_that_cannot_be_written_is_told(booked, month, tmp_path):
    out = booked.run("report", month, "-o", tmp_path / "no" / "x.txt", code=1).output
    assert "cannot be written" in out


def test_filters_narrow_the_report(booked, month):
    for args in (["--service", "api"], ["--owner", "web"]):
        body = json.loads(booked.run("report", month, *args, "--format", "json").output)
        assert len(body["services"]) == 1

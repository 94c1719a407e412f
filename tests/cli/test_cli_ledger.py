"""Commands over a ledger that was read from a real Prometheus."""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager

import pytest

from slo.config import load
from slo.context import open_context
from slo.cycle import run_cycle
from slo.domain.span import rfc3339
from slo.prometheus.collector import collect
from slo.store import facts, migrations, readings, slos, verifications
from slo.store.engine import open_engine, reading
from tests.cli.conftest import API


def counted(loaded, start, end):
    """Bad and total requests of a span, as they were loaded."""
    bad = loaded.bad(end) - loaded.bad(start)
    return bad, bad + loaded.good(end) - loaded.good(start)


def status_of(project, slo, *args):
    body = json.loads(project.run("status", slo, "--json", *args).stdout)
    return body["slos"][0]


def ledger(project, slo="api/availability"):
    """The meter's stretch."""
    engine = open_engine(f"sqlite:///{project.folder}/slo.db")
    with reading(engine) as session:
        meter = slos.meter_of(session, slo)
    engine.dispose()
    return meter.booked_from, meter.booked_to


@contextmanager
def reading_of(project):
    """A session on the project's store."""
    engine = open_engine(f"sqlite:///{project.folder}/slo.db")
    with reading(engine) as session:
        yield session
    engine.dispose()


class TestValidateOnline:
    def test_all_is_there(self, project):
        result = project.run("validate", "--online")
        assert "Prometheus has all of it." in result.stdout
        assert "0.2 seconds is a bucket bound" in result.stdout
        assert "80.0% over the last 1 h" in result.stdout
        assert not (project.folder / "slo.db").exists()

    def test_the_short_form_says_what_it_takes(self, project):
        short = "SLO: {accuracy: 95%, latency: 200ms, availability: 99.9%}\n"
        project.write(API, short)
        result = project.run("validate", "--online")
        assert "default/latency is 99% under 200ms" in result.stdout
        assert "takes latency of http_request_duration_seconds, alternative 2 of 4" in result.stdout
        assert "takes slices of model_accuracy, alternative 2 of 2" in result.stdout

    @pytest.mark.parametrize(
        ("indicator", "told"),
        [
            (
                "events: {bad: 'http_request_total{code=~\"5..\"}', total: http_request_total}",
                "has no http_request_total; did you mean http_requests_total",
            ),
            (
                """events: {bad: 'http_requests_total{job="apj",code="500"}',
                   total: 'http_requests_total{job="apj"}'}""",
                'matched nothing in the last day: job is api, never job="apj"',
            ),
            (
                "events: {bad: 'http_requests_total{status=~\"5..\"}', total: http_requests_total}",
                "http_requests_total has no label status",
            ),
            (
                "events: {good: 'http_requests_total{code=\"201\"}', total: http_requests_total}",
                'never code="201"',
            ),
            (
                "latency: {histogram: http_request_duration_seconds, threshold: 300ms}",
                "0.3 seconds is no bucket bound; there are 0.1, 0.2, 0.5",
            ),
            (
                "events: {bad: 'go_goroutines{job=\"self\"}', total: 'go_threads{job=\"self\"}'}",
                "but it is a gauge, not a counter; use slices",
            ),
            ("slices: {query: model_acuracy, at_least: 0.9}", "did you mean model_accuracy?"),
            (
                "latency: {histogram: go_gc_duration_seconds, threshold: 300ms}",
                "has no buckets; use mean: {summary: ...} for a Summary",
            ),
        ],
    )
    def test_what_does_not_match_is_told_with_what_may_be_meant(self, project, indicator, told):
        project.write(f"  a:\n    slos:\n      b:\n        objective: 99%\n        {indicator}\n")
        result = project.run("validate", "--online", code=1)
        assert told in result.stdout
        assert "1 SLO of 1 cannot be counted as declared" in result.stdout

    @pytest.mark.parametrize(
        ("indicator", "told"),
        [
            (
                "events: {bad: 'http_requests_total{code=\"503\"}', total: http_requests_total}",
                "nothing in the last day, so no bad events",
            ),
            (
                "latency: {histogram: http_request_duration_seconds, threshold: 300ms, round: up}",
                "0.5 seconds is a bucket bound, the nearest up",
            ),
            (
                (
                    "events: {bad: 'prometheus_http_requests_total{code=\"500\"}', "
                    "total: prometheus_http_requests_total}"
                ),
                "a counter",
            ),
        ],
    )
    def test_what_matches_is_told(self, project, indicator, told):
        project.write(f"  a:\n    slos:\n      b:\n        objective: 99%\n        {indicator}\n")
        assert told in project.run("validate", "--online").stdout

    def test_a_short_form_without_any_metric_is_told_what_was_tried(self, project):
        project.write(
            "", "SLO: {latency: 1s}\nmetrics: {latency: http_request_durations_seconds}\n"
        )
        project.config.write_text(project.config.read_text().replace("services:\n", ""))
        result = project.run("validate", "--online", code=1)
        assert "the source has none of http_request_durations_seconds" in result.stdout
        assert "name your own: metrics: {latency: ...}" in result.stdout

    def test_the_short_form_names_the_key_of_a_metric_that_is_not_there(self, project):
        project.write(API, "SLO: {availability: 99.9%}\nmetrics: {requests: served_total}\n")
        result = project.run("validate", "--online", code=1)
        assert "Prometheus has no served_total" in result.stdout
        assert result.stdout.count("name your own: metrics: {requests: ...}") == 1


class TestEvaluate:
    def test_a_first_cycle_books_ten_minutes(self, project):
        result = project.run("evaluate")
        assert "Booked 3 of 3 SLOs" in result.stdout
        start, end = ledger(project)
        assert end - start == 600
        assert f"api/availability: booked to {rfc3339(end)}" in result.stdout
        assert status_of(project, "api/availability")["state"] == "new"

    def test_history_that_is_not_read_yet_is_told_until_it_is(self, project, loaded):
        (line,) = [x for x in project.run("evaluate").stdout.splitlines() if "History" in x]
        assert line.startswith("History is not read yet; run: slo backfill --from 20")
        project.run("backfill", "--from", line.split()[-1])
        assert ledger(project)[0] <= loaded.start + 120
        assert "History" not in project.run("evaluate").stdout

    def test_a_fault_of_one_is_told_and_the_others_are_booked(self, project):
        project.write(API.replace("threshold: 200ms", "threshold: 300ms"))
        result = project.run("evaluate", code=1)
        assert "Booked 2 of 3 SLOs" in result.stdout
        assert "api/latency: http_request_duration_seconds" in result.stderr
        assert "its bounds are 0.1, 0.2, 0.5" in result.stderr

    def test_one_that_leaves_slo_yaml_keeps_its_last_numbers(self, project):
        project.run("evaluate")
        before = status_of(project, "api/quality")
        project.write(API[: API.index("      quality:")])
        for _ in range(2):
            found = status_of(project, "api/quality")
            assert found["paused"] is True
            assert found["events"] == before["events"]
            assert "paused" in project.run("status", "api/quality").stdout
            told = project.run("explain", "api/quality", code=2).stderr
            assert "no longer in slo.yaml" in told
            assert "slo status api/quality" in told
            project.run("evaluate")


class TestBackfill:
    def test_an_empty_ledger_ends_where_it_is_told(self, booked, loaded):
        assert ledger(booked) == (booked.start, booked.end)
        found = status_of(booked, "api/availability")
        bad, total = counted(loaded, booked.start, booked.end)
        assert found["events"] == {"bad": bad, "total": total, "good": total - bad}

    def test_it_goes_on_from_the_beginning_and_says_what_is_held(self, project, loaded):
        end = loaded.end // 60 * 60 - 1800
        first = project.run("backfill", "--from", end - 3600, "--to", end, "api/availability")
        assert "(1 h)" in first.stdout
        assert "api/latency" not in first.stdout
        more = project.run("backfill", "--from", end - 90_000, "api/availability")
        assert ledger(project) == (end - 90_000, end)
        bad, total = counted(loaded, end - 90_000, end)
        assert f"{total:,} events, {bad:,} bad, 100.0% covered" in more.stdout
        slices = project.run("backfill", "--from", end - 3600, "--to", end, "api/quality")
        assert "60 slices, 0 bad" in slices.stdout
        lines = [line for line in more.stdout.splitlines() if line.startswith("Booked 20")]
        assert lines[-1].endswith(": 100%")
        assert [line[:17] for line in lines] == sorted((x[:17] for x in lines), reverse=True)
        again = project.run("backfill", "--from", end - 3600, "api/availability")
        assert "Nothing to do" in again.stdout

    def test_without_an_end_it_ends_now_less_the_lag(self, project):
        now = int(time.time())
        project.run("backfill", "--from", now - 7200, "api/availability")
        start, end = ledger(project)
        assert start == (now - 7200) // 60 * 60
        assert now - 90 <= end <= now

    def test_a_former_wish_for_more_does_not_widen_this_one(self, project):
        project.run("evaluate")  # Wants all that Prometheus has.
        start = int(time.time()) // 60 * 60 - 7200
        project.run("backfill", "--from", start)
        begun, _ = ledger(project)
        assert start - 86_400 < begun <= start

    def test_it_says_where_prometheus_has_nothing_older(self, project, loaded):
        end = loaded.start // 60 * 60 + 7200
        result = project.run("backfill", "--from", loaded.start - 5 * 86_400, "--to", end)
        assert "Prometheus has nothing older" in result.stdout

    def test_ctrl_c_loses_nothing_and_the_same_command_goes_on(self, project, loaded, monkeypatch):
        end = loaded.end // 60 * 60 - 1800
        args = ("backfill", "--from", end - 100_000, "--to", end, "api/availability")
        calls = iter([False, True])

        def interrupted(*of):
            if next(calls):
                raise KeyboardInterrupt
            return collect(*of)

        with monkeypatch.context() as patched:
            patched.setattr("slo.backfill.collect", interrupted)
            stopped = project.run(*args, code=130)
        assert "the same command goes on from here" in stopped.stderr
        begun, _ = ledger(project)
        assert end - 100_000 < begun < end
        bad, total = counted(loaded, end - 100_000, end)
        assert f"{total:,} events, {bad:,} bad" in project.run(*args[:3], args[-1]).stdout

    def test_a_ledger_that_stays_empty_is_told(self, project):
        project.write(API.replace("http_requests_total", "no_such_total"))
        start = int(time.time()) - 7200
        result = project.run("backfill", "--from", start, "api/availability")
        assert "api/availability: empty; Prometheus has no samples of it" in result.stdout

    def test_a_hole_is_refused(self, booked):
        early = booked.start - 7200
        result = booked.run("backfill", "--from", early - 60, "--to", early, code=2)
        assert f"begins at {rfc3339(booked.start)}" in result.stderr
        assert "would leave a hole" in result.stderr
        assert ledger(booked)[0] == booked.start

    @pytest.mark.parametrize(
        ("args", "why"),
        [
            (["--from", "2999-01-01"], "must lie before --to, and in the past"),
            (["--from", "2026-01-02", "--to", "2026-01-01"], "must lie before --to"),
            (["--from", "2026-01-02", "--to", "2999-01-01"], "lies in the future"),
            (["--from", "2026-01-02", "api/latnecy"], "did you mean api/latency"),
            ([], "Missing option '--from'"),
        ],
    )
    def test_bad_spans_are_refused(self, project, args, why):
        assert why in project.run("backfill", *args, code=2).stderr
        assert not (project.folder / "slo.db").exists()


class TestStatus:
    def test_any_past_time_is_computed_from_the_ledger(self, booked, loaded):
        at = booked.start + 86_400
        found = status_of(booked, "api/availability", "--at", at)
        bad, total = counted(loaded, booked.start, at)
        assert (found["events"]["bad"], found["events"]["total"]) == (bad, total)
        assert found["window"]["end"] == rfc3339(at)

    def test_before_the_ledger_there_is_nothing(self, booked):
        asked = ("status", "api/availability", "--at", booked.start - 86_400)
        assert json.loads(booked.run(*asked, "--json").stdout)["slos"] == []
        assert "No ledger at " in booked.run(*asked).stdout

    def test_the_future_is_refused(self, booked):
        assert "in the future" in booked.run("status", "--at", "2999-01-01", code=2).stderr

    def test_data_age_while_nothing_runs(self, booked):
        assert status_of(booked, "api/quality")["data"] == "none"


class TestVerify:
    def test_the_recount_agrees(self, booked):
        result = booked.run("verify", "api/availability")
        assert "The recount agrees with the ledger." in result.stdout

    def test_json(self, booked):
        body = json.loads(booked.run("verify", "api/latency", "--json").stdout)
        assert body["agrees"] is True
        assert body["ledger"] == body["recount"]
        assert body["ledger"]["total"] > 0
        with reading_of(booked) as session:
            kept = verifications.newest(session, 1)[0]
        assert (kept.slo, kept.agrees, kept.text) == ("api/latency", True, "")

    def test_a_day_that_is_not_held_is_refused(self, booked):
        result = booked.run("verify", "api/latency", "--day", "2020-01-01", code=1)
        assert "holds nothing of the day from 2020-01-01T00:00:00Z" in result.stderr
        assert (
            "in the future"
            in booked.run("verify", "api/latency", "--day", "2999-01-01", code=2).stderr
        )


class TestExplain:
    def test_the_subtraction_gives_the_standing(self, booked, loaded):
        body = json.loads(booked.run("explain", "api/availability", "--json").stdout)
        (piece,) = body["window"]
        total = piece["last"]["total"] - piece["first"]["total"]
        assert total == body["standing"]["events"]["total"]
        assert total == counted(loaded, booked.start, booked.end)[1]
        assert body["worst_hour"]["contributors"][0]["labels"]["code"] == "500"
        assert body["meters"][0]["booked_from"] == rfc3339(booked.start)

    def test_the_page_writes_it_out(self, booked, loaded):
        text = booked.run("explain", "api/availability").stdout
        bad, total = counted(loaded, booked.start, booked.end)
        assert f"bad = {total:,} - {total - bad:,}" in text
        assert f"1 - {bad:,} / {total:,} = 99.5" in text
        assert "allowed     (1 - 0.995) x " in text
        assert "code=500, instance=a:1, job=api" in text
        for title in ("Definition", "Burn rates", "Corrections", "Exclusions", "Revisions"):
            assert f"\n{title}" in text

    @pytest.mark.parametrize(
        ("slo", "query"),
        [("api/latency", "http_request_duration_seconds_bucket{"), ("api/quality", "accuracy{")],
    )
    def test_each_kind_shows_its_requests(self, booked, slo, query):
        body = json.loads(booked.run("explain", slo, "--json").stdout)
        assert query in body["requests"][0]["query"]
        assert booked.run("explain", slo, "--at", booked.start + 7200).stdout.startswith(slo)

    def test_the_requests_are_those_that_the_next_cycle_sends(self, project):
        settings = load(project.config, {})
        engine = open_engine(settings.database_url)
        migrations.upgrade(engine)
        sent = []
        now = int(time.time())
        with open_context(settings, engine, on_request=sent.append) as context:
            assert run_cycle(context, now - 120, 60).caught_up
            told = [
                request["query"]
                for slo in ("api/availability", "api/latency", "api/quality")
                for request in json.loads(project.run("explain", slo, "--json").stdout)["requests"]
            ]
            sent.clear()
            assert len(run_cycle(context, now - 60, 60).booked) == 3
        engine.dispose()
        asked = {record.query.replace("000ms]", "s]") for record in sent}
        assert len(told) == 3
        assert set(told) <= asked

    def test_an_unknown_slo_is_told_the_nearest(self, booked):
        assert "did you mean api/latency" in booked.run("explain", "latency", code=2).stderr

    def test_one_that_cannot_be_booked_tells_its_fault_and_its_older_meters(self, project):
        project.run("evaluate")
        _, end = ledger(project, "api/latency")
        project.write(API.replace("threshold: 200ms", "threshold: 300ms"))
        project.run("evaluate", code=1)
        text = project.run("explain", "api/latency").stdout
        assert "fault: http_request_duration_seconds" in text
        assert "its bounds are 0.1, 0.2, 0.5" in text
        assert "nothing is booked yet; see Notes and Meters" in text
        assert re.search(r"at 6h burn +no events", text)
        assert "the bucket up to 0.3 seconds" in text
        meters = text.partition("\nMeters\n")[2].splitlines()
        assert [line.rpartition("  ")[2] for line in meters] == [
            "(another definition)",
            "(this one)",
        ]
        then = project.run("explain", "api/latency", "--at", end).stdout
        assert "the bucket up to 0.2 seconds" in then
        assert "slo.yaml now counts something else" in then
        assert "slo.yaml now counts something else" not in text
        assert "= booked" in then

    def test_one_without_any_meter_tells_its_fault(self, project):
        short = "SLO: {latency: 1s}\nmetrics: {latency: render_seconds}\n"
        project.write(API, short)
        nothing = project.run("evaluate", code=1)
        assert "the source has none of render_seconds" in nothing.stderr
        text = project.run("explain", "default/latency").stdout
        assert "fault: " in text
        assert "the source has none of render_seconds" in text
        assert "it is not settled yet what is counted" in text
        assert "the first there is of 1 more" in text
        body = json.loads(project.run("explain", "default/latency", "--json").stdout)
        assert [note["kind"] for note in body["notes"]] == ["fault"]
        assert body["meters"] == body["requests"] == []

    def test_before_any_cycle_it_says_what_to_run(self, project):
        project.run("db", "upgrade")
        assert "run `slo serve`" in project.run("explain", "api/latency", code=1).stderr


class TestCorrect:
    ARGS = ("--good", "-37", "--total", "0", "--why", "late labels")

    @pytest.fixture
    def correctable(self, project, loaded):
        end = loaded.end // 60 * 60 - 1800
        project.run("backfill", "--from", end - 7200, "--to", end, "api/availability")
        project.end = end
        return project

    def test_it_restates_the_budget_once(self, correctable):
        before = status_of(correctable, "api/availability")
        at = correctable.end - 90
        args = ("correct", "api/availability", "--end", at, *self.ARGS)
        said = correctable.run(*args).stdout
        after = status_of(correctable, "api/availability")
        assert after["events"]["bad"] == before["events"]["bad"] + 37
        assert after["events"]["total"] == before["events"]["total"]
        assert f"corrected by -37 good and 0 total at {rfc3339(correctable.end - 60)}" in said
        assert f"{before['events']['bad']} -> {after['events']['bad']}" in said
        assert "booked already" in correctable.run(*args).stdout
        assert status_of(correctable, "api/availability")["events"] == after["events"]
        text = correctable.run("explain", "api/availability").stdout
        assert "+ correction at " in text
        assert "late labels" in text

    def test_another_key_books_another(self, correctable):
        args = ("correct", "api/availability", "--end", correctable.end, *self.ARGS, "--key")
        first = correctable.run(*args, "one", "--who", "ann").stdout
        second = correctable.run(*args, "two", "--who", "ann").stdout
        assert "(key one)" in first
        assert "(key two)" in second

    def test_it_says_how_to_take_it_back(self, correctable):
        before = status_of(correctable, "api/availability")["events"]
        args = ("correct", "api/availability", "--end", correctable.end, *self.ARGS)
        (line,) = [x for x in correctable.run(*args).stdout.splitlines() if "take it back" in x]
        words = line.partition(": slo ")[2].split()
        assert words[-4:] == ["--total", "0", "--why", "TEXT"]
        correctable.run(*words)
        assert status_of(correctable, "api/availability")["events"] == before

    @pytest.mark.parametrize(
        ("good", "total"),
        [("99999", "0"), ("-99999", "0"), ("-99999", "-99999"), ("0", "-99999")],
    )
    def test_what_no_events_can_add_up_to_is_refused(self, correctable, good, total):
        before = status_of(correctable, "api/availability")["events"]
        args = ("--end", correctable.end, "--good", good, "--total", total, "--why", "x")
        told = correctable.run("correct", "api/availability", *args, code=2).stderr
        new = before["good"] + int(good), before["total"] + int(total)
        assert f"would have {new[0]:,} good of {new[1]:,} total events" in told
        assert f"it has {before['good']:,} of {before['total']:,}" in told
        assert status_of(correctable, "api/availability")["events"] == before

    def test_one_before_the_window_is_held_against_the_window_that_ended_there(
        self, project, loaded
    ):
        end = loaded.end // 60 * 60 - 1800
        project.write(API.replace("window: 7d", "window: 1h"))
        project.run("backfill", "--from", end - 7200, "--to", end, "api/availability")
        at = end - 7200 + 600
        args = ("--end", at, "--good", "2000", "--total", "0", "--why", "x")
        told = project.run("correct", "api/availability", *args, code=2).stderr
        _, total = counted(loaded, end - 7200, at)
        assert f"to {rfc3339(at)} would have 2,200 good of {total} total events" in told

    @pytest.mark.parametrize(
        ("changed", "why"),
        [
            ({"--good": "0"}, "both 0"),
            ({"--good": "nan"}, "must be numbers"),
            ({"--why": " "}, "--why is empty"),
            ({"--end": "0"}, "lies outside the ledger"),
            ({"--end": "soon"}, "is not a time"),
        ],
    )
    def test_what_corrects_nothing_is_refused(self, correctable, changed, why):
        options = {"--end": correctable.end, "--good": "-37", "--total": "0", "--why": "x"}
        args = [str(x) for pair in (options | changed).items() for x in pair]
        assert why in correctable.run("correct", "api/availability", *args, code=2).stderr

    def test_an_empty_ledger_has_nothing_to_correct(self, correctable):
        args = ("--end", correctable.end, *self.ARGS)
        result = correctable.run("correct", "api/latency", *args, code=1)
        assert "is empty" in result.stderr


class TestDatabase:
    def test_upgrade_and_backup(self, booked, tmp_path):
        assert "is up to date" in booked.run("db", "upgrade").stdout
        copy = tmp_path / "copy.db"
        assert "Backed up" in booked.run("db", "backup", copy).stdout
        engine = open_engine(f"sqlite:///{copy}")
        with reading(engine) as session:
            meter = slos.meter_of(session, "api/availability")
            edges = [(meter.id, booked.start), (meter.id, booked.end)]
            assert set(readings.readings_at(session, edges)) == set(edges)
        engine.dispose()
        with reading_of(booked) as session:
            made = facts.of(session, "backup")
        assert (made["file"], made["bytes"]) == ("copy.db", copy.stat().st_size)
        assert "exists already" in booked.run("db", "backup", copy, code=1).stderr

    def test_the_first_upgrade_makes_the_tables(self, project):
        assert "was made; it is at revision" in project.run("db", "upgrade").stdout
        text = project.run("status").stdout
        assert "Nothing booked yet: api/availability, api/latency, api/quality." in text

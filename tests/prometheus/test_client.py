"""The client against a server that misbehaves, and against a real Prometheus."""

from __future__ import annotations

import base64
import logging
import math
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from slo.domain.source import TLS, Source
from slo.prometheus import session
from slo.prometheus.client import PrometheusClient
from slo.prometheus.errors import (
    BadQuery,
    NotPrometheus,
    PartialAnswer,
    Timeout,
    TooManySamples,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from tests.support.certificates import openssl
from tests.support.fault_server import (
    FaultServer,
    close_silently,
    cut,
    encoded,
    hang,
    html,
    in_turn,
    matrix,
    refuse,
    respond,
    slowly,
    success,
    trickle,
    trickle_headers,
    vector,
    zipped,
)

AT = 1_700_000_000
ONE = [{"metric": {"job": "a"}, "value": [AT, "1"]}]
EMPTY = encoded({"resultType": "vector", "result": []})


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


def source(*urls, timeout=2.0, **more):
    return Source("main", urls, timeout=timedelta(seconds=timeout), **more)


def ask(server, behaviour=None, query="up", **more):
    if behaviour is not None:
        server.behaviour = behaviour
    with closing(PrometheusClient(source(server.url, **more))) as client:
        return client.instant(query, AT)


def fault(server, behaviour, expected, **more):
    """The error that `behaviour` leads to, and the seconds until it is there."""
    started = time.monotonic()
    with pytest.raises(expected) as caught:
        ask(server, behaviour, **more)
    error = caught.value
    assert str(error).startswith(f"main ({server.url}): ")
    return error, time.monotonic() - started


def free_port():
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class TestFaults:
    def test_a_refused_connection_is_unreachable_at_once(self):
        url = f"http://127.0.0.1:{free_port()}"
        started = time.monotonic()
        with (
            closing(PrometheusClient(source(url))) as client,
            pytest.raises(Unreachable, match="Connection refused; check the url") as caught,
        ):
            client.instant("up", AT)
        assert time.monotonic() - started < 0.5
        assert (caught.value.kind, caught.value.retry) == ("unreachable", True)

    def test_an_unknown_host_is_unreachable(self):
        with (
            closing(PrometheusClient(source("http://prometheus.invalid"))) as client,
            pytest.raises(Unreachable, match=r"main \(http://prometheus.invalid\)"),
        ):
            client.instant("up", AT)

    @pytest.mark.parametrize(
        "behaviour",
        [hang(), trickle(EMPTY), trickle_headers()],
        ids=["hang", "trickling body", "trickling headers"],
    )
    def test_a_slow_server_times_out_in_time(self, server, behaviour):
        error, seconds = fault(server, behaviour, Timeout, timeout=0.5)
        assert 0.45 < seconds < 0.9
        assert "no whole answer within 0.5 s" in str(error)
        assert (error.kind, error.retry) == ("timeout", True)

    def test_a_server_that_never_accepts_times_out(self):
        with closing(socket.create_server(("127.0.0.1", 0))) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            started = time.monotonic()
            with (
                closing(PrometheusClient(source(url, timeout=0.3))) as client,
                pytest.raises(Timeout),
            ):
                client.instant("up", AT)
            assert time.monotonic() - started < 0.7

    def test_a_503_is_asked_once_and_keeps_its_text(self, server):
        error, seconds = fault(server, refuse(503, "unavailable", "TSDB not ready"), Unavailable)
        assert "HTTP 503: TSDB not ready; see the server's log" in str(error)
        assert error.retry_after is None
        assert seconds < 0.5
        assert len(server.seen) == 1

    @pytest.mark.parametrize("status", [503, 429])
    def test_retry_after_is_told_and_not_waited_for(self, server, status):
        behaviour = respond(status, "busy", Retry_After="4")
        error, seconds = fault(server, behaviour, Unavailable)
        assert error.retry_after == 4
        assert "busy" in str(error)
        assert seconds < 0.5

    def test_a_query_that_ran_out_of_time_on_the_server_is_a_timeout(self, server):
        text = "query timed out in expression evaluation"
        error, _ = fault(server, refuse(503, "timeout", text), Timeout)
        assert text in str(error)
        text = "expanding series: context deadline exceeded"
        fault(server, refuse(422, "execution", text), Timeout)

    def test_a_page_of_a_gateway_in_front_is_unavailable(self, server):
        error, _ = fault(server, html(502), Unavailable)
        assert "HTTP 502: a web page" in str(error)

    @pytest.mark.parametrize("status", [200, 400, 404])
    def test_a_web_page_is_not_prometheus(self, server, status):
        error, _ = fault(server, html(status), NotPrometheus)
        assert "a web page; " in str(error)
        assert (error.kind, error.retry) == ("not_prometheus", True)

    def test_a_redirect_is_not_followed_and_its_query_not_shown(self, server):
        behaviour = respond(302, Location="https://sso.example.com/login?state=s3cret")
        error, _ = fault(server, behaviour, NotPrometheus)
        assert "HTTP 302 redirects to https://sso.example.com/login; set the url" in str(error)
        assert len(server.seen) == 1
        error, _ = fault(server, respond(301, Location="/login"), NotPrometheus)
        assert f"redirects to {server.url}/login" in str(error)

    @pytest.mark.parametrize(
        "body",
        [
            encoded({"resultType": "vector", "result": ONE})[:-20],
            encoded({"resultType": "matrix", "result": [{"metric": {}, "values": [[AT, "1"]]}]})[
                :-9
            ],
            b"",
            b"OK",
            b"[]",
            b"{}",
            b'{"status":"success"}',
            b'{"status":"success","data":[]}',
            b'{"status":"success","data":{}}',
            b'{"status":"success","data":{"resultType":"vector"}}',
            b'{"status":"success","data":{"resultType":"vector","result":null}}',
            b'{"status":"success","data":{"resultType":"vector","result":[1]}}',
            encoded({"resultType": "vector", "result": [{"metric": {}}]}),
            encoded({"resultType": "vector", "result": [{"value": [AT, "1"]}]}),
            encoded({"resultType": "vector", "result": [{"metric": [], "value": [AT, "1"]}]}),
            encoded({"resultType": "vector", "result": [{"metric": {}, "value": [AT]}]}),
            encoded({"resultType": "vector", "result": [{"metric": {}, "value": [AT, "x"]}]}),
            encoded({"resultType": "matrix", "result": [{"metric": {}, "values": [[AT]]}]}),
            encoded({"resultType": "matrix", "result": [{"metric": {}, "values": [[AT, "x"]]}]}),
            encoded({"resultType": "matrix", "result": [{"metric": {}, "values": [[AT, None]]}]}),
            encoded({"resultType": "string", "result": [AT, "x"]}),
            encoded({"resultType": "scalar", "result": ["x", "1"]}),
        ],
    )
    def test_json_that_is_cut_or_means_nothing_is_not_prometheus(self, server, body):
        fault(server, respond(200, body), NotPrometheus)

    def test_a_connection_that_breaks_in_the_answer_is_unreachable(self, server):
        fault(server, cut(EMPTY, 10), Unreachable)

    def test_a_body_that_is_packed_wrongly_is_not_prometheus(self, server):
        behaviour = respond(200, b"no gzip", Content_Encoding="gzip")
        fault(server, behaviour, NotPrometheus)

    def test_an_error_with_status_200_is_read_by_its_type(self, server):
        fault(server, refuse(200, "bad_data", "parse error"), BadQuery)
        fault(server, refuse(200, "unavailable", "starting"), Unavailable)

    def test_a_bad_query_keeps_the_words_of_the_server(self, server):
        text = 'invalid parameter "query": 1:3: parse error'
        error, _ = fault(server, refuse(400, "bad_data", text), BadQuery)
        assert text in str(error)
        assert (error.kind, error.retry) == ("bad_query", False)
        fault(server, refuse(422, "execution", "multiple matches for labels"), BadQuery)

    @pytest.mark.parametrize(
        "text",
        [
            "query processing would load too many samples into memory in query execution",
            "the query exceeded the maximum number of series (limit: 100000 series)",
            "the query hit the max number of chunks limit",
            "cannot select more than -search.maxSamplesPerQuery=1000000000 samples",
        ],
    )
    def test_too_many_samples_is_told_from_a_bad_query(self, server, text):
        error, _ = fault(server, refuse(422, "execution", text), TooManySamples)
        assert "ask for a shorter span" in str(error)
        assert error.kind == "too_many_samples"

    def test_a_body_over_the_limit_is_too_many_samples(self, server, monkeypatch):
        monkeypatch.setattr(session, "MAX_BYTES", 1024 * 1024)
        body = encoded({"resultType": "vector", "result": []}, pad="x" * 1024 * 1024)
        fault(server, respond(200, body), TooManySamples)
        # Unpacked, or a small body could fill the memory.
        fault(server, zipped(body), TooManySamples)

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refusal_is_unauthorized(self, server, status):
        error, _ = fault(server, respond(status, "no"), Unauthorized)
        assert f"HTTP {status}: no; check basic_auth" in str(error)
        assert (error.kind, error.retry) == ("unauthorized", False)

    def test_a_warning_is_a_partial_answer(self, server):
        behaviour = vector(ONE, warnings=["store 10.0.0.1 is down"])
        error, _ = fault(server, behaviour, PartialAnswer)
        assert error.warnings == ("store 10.0.0.1 is down",)
        assert "store 10.0.0.1 is down" in str(error)
        assert error.kind == "partial"

    def test_a_partial_answer_may_be_accepted(self, server):
        server.behaviour = vector(ONE, warnings=["store is down"])
        with PrometheusClient(source(server.url), accept_partial=True) as client:
            answer = client.instant("up", AT)
        assert answer.warnings == ("store is down",)
        assert len(answer.series) == 1

    def test_remarks_on_the_query_are_no_partial_answer(self, server):
        remarks = ["PromQL info: metric might not be a counter", "PromQL warning: mixed"]
        answer = ask(server, vector(ONE, warnings=remarks, infos=["PromQL info: x"]))
        assert answer.warnings == ("PromQL warning: mixed",)

    def test_native_histograms_are_refused(self, server):
        one = {"metric": {}, "histogram": [AT, {"count": "1", "sum": "1"}]}
        error, _ = fault(server, vector([one]), BadQuery)
        assert "histogram_count()" in str(error)

    def test_a_connection_closed_while_idle_is_asked_anew(self, server):
        with PrometheusClient(source(server.url)) as client:
            client.instant("up", AT)
            server.behaviour = in_turn(close_silently, vector(ONE))
            assert len(client.instant("up", AT).series) == 1
            server.behaviour = close_silently
            with pytest.raises(Unreachable):
                client.instant("up", AT)
        assert len(server.seen) == 5


class TestAnswers:
    def test_an_empty_vector_is_no_series(self, server):
        answer = ask(server, vector([]))
        assert answer.series == ()
        assert answer.samples_read == 0

    def test_times_are_milliseconds_and_values_floats(self, server):
        answer = ask(server, vector([{"metric": {"a": "b"}, "value": [AT + 0.123, "1.5"]}]))
        (series,) = answer.series
        assert series.labels == {"a": "b"}
        assert series.times == [AT * 1000 + 123]
        assert series.values == [1.5]

    @pytest.mark.parametrize("stamp", [1_700_000_000.001, 1_700_000_000.999, 0.001, 1e-3 * 4095])
    def test_a_matrix_keeps_each_millisecond(self, server, stamp):
        values = [[stamp, "1"], [stamp + 1, "2.25"]]
        (series,) = ask(server, matrix([{"metric": {}, "values": values}])).series
        assert series.times == [round(stamp * 1000), round(stamp * 1000) + 1000]
        assert all(type(one) is int for one in series.times)
        assert series.values == [1.0, 2.25]
        assert all(type(one) is float for one in series.values)

    def test_nan_and_infinities_are_kept(self, server):
        values = [[AT, "NaN"], [AT + 1, "+Inf"], [AT + 2, "-Inf"], [AT + 3, "1e+300"]]
        (series,) = ask(server, matrix([{"metric": {}, "values": values}])).series
        assert math.isnan(series.values[0])
        assert series.values[1:] == [math.inf, -math.inf, 1e300]
        assert series.times == [AT * 1000 + 1000 * each for each in range(4)]
        assert all(type(one) is int for one in series.times)

    def test_numbers_beyond_64_bits_are_read_right(self, server):
        values = [[AT, "123456789012345678901234567890"], [AT, "9007199254740993"], [AT, "0.1"]]
        (series,) = ask(server, matrix([{"metric": {}, "values": values}])).series
        assert series.values == [float(text) for _, text in values]

    def test_labels_that_look_like_json_stay_whole(self, server):
        odd = 'x"values":[[1,"2"]]'
        rows = [
            {"metric": {"a": odd}, "values": [[AT, "1"]]},
            {"metric": {"values": "[["}, "values": [[AT, "2"]]},
            {"metric": {"c": "é€"}, "values": [[AT, "3"], [AT + 1, "4"]]},
        ]
        series = ask(server, matrix(rows)).series
        assert [one.labels for one in series] == [row["metric"] for row in rows]
        assert [one.values for one in series] == [[1], [2], [3, 4]]

    def test_json_with_spaces_is_read_too(self, server):
        body = (
            b'{"status": "success", "data": {"resultType": "matrix", "result": '
            b'[{"metric": {}, "values": [[1.5, "2"], [2.5, "NaN"]]}]}}'
        )
        (series,) = ask(server, respond(200, body)).series
        assert series.times == [1500, 2500]
        assert series.values[0] == 2

    def test_gzip_is_unpacked_and_only_sent_where_it_is_asked_for(self, server):
        body = encoded({"resultType": "vector", "result": ONE})
        assert len(ask(server, zipped(body)).series) == 1
        assert server.last.headers["accept-encoding"] == "identity"
        ask(server, headers=(("Accept-Encoding", "gzip"),))
        assert server.last.headers["accept-encoding"] == "gzip"

    def test_a_long_range_is_split_at_11000_points_and_joined(self, server):
        def behaviour(handler):
            asked = handler.server.fault.last.params
            start, end = float(asked["start"][0]), float(asked["end"][0])
            row = {"metric": {"job": "a"}, "values": [[start, "1"], [end, "2"]]}
            stats = {"samples": {"totalQueryableSamples": 7}}
            data = {"resultType": "matrix", "result": [row], "stats": stats}
            success(data)(handler)

        server.behaviour = behaviour
        records = []
        with PrometheusClient(source(server.url), on_request=records.append) as client:
            answer = client.range("up", AT, AT + 25_000 * 15, 15)
        spans = [(int(s.params["start"][0]), int(s.params["end"][0])) for s in server.seen]
        assert spans == [
            (AT, AT + 10_999 * 15),
            (AT + 11_000 * 15, AT + 21_999 * 15),
            (AT + 22_000 * 15, AT + 25_000 * 15),
        ]
        (series,) = answer.series
        assert series.times == [each * 1000 for span in spans for each in span]
        assert answer.samples_read == 21
        assert [record.samples_read for record in records] == [7, 7, 7]

    def test_fractions_of_a_second_are_not_rounded(self, server):
        server.behaviour = matrix([])
        with PrometheusClient(source(server.url)) as client:
            client.range("up", AT + 0.25, AT + 1.75, 0.5)
        asked = server.last.params
        assert asked["start"] == [f"{AT}.25"]
        assert asked["end"] == [f"{AT}.75".replace(str(AT), str(AT + 1))]
        assert asked["step"] == ["0.5"]

    def test_an_impossible_range_is_refused(self, server):
        with PrometheusClient(source(server.url)) as client:
            for start, end, step in [(10, 0, 1), (0, 10, 0)]:
                with pytest.raises(ValueError, match="no range from"):
                    client.range("up", start, end, step)
        assert server.seen == []

    def test_a_type_that_exporters_do_not_agree_on_is_unknown(self, server):
        gauge, counter = {"type": "gauge"}, {"type": "counter"}
        with PrometheusClient(source(server.url)) as client:
            server.behaviour = success({"x": [gauge, counter]})
            assert client.metadata("x") is None
            server.behaviour = success({"x": [{"type": "unknown"}, counter]})
            assert client.metadata("x") == "counter"
            server.behaviour = in_turn(success({}), success({"x": [counter]}))
            assert client.metadata("x_total") == "counter"
            assert server.last.params["metric"] == ["x"]
            for odd in ([], {"x": 1}, {"x": [1]}, {"x": {}}):
                server.behaviour = success(odd)
                with pytest.raises(NotPrometheus):
                    client.metadata("x")

    def test_lists_of_another_shape_are_not_prometheus(self, server):
        with PrometheusClient(source(server.url)) as client:
            for odd in ({}, [1], "x"):
                server.behaviour = success(odd)
                with pytest.raises(NotPrometheus):
                    client.series(["up"], AT, AT + 60)
                with pytest.raises(NotPrometheus):
                    client.label_values("job", [], AT, AT + 60)
            server.behaviour = success([])
            with pytest.raises(NotPrometheus):
                client.build_info()
            server.behaviour = vector([])
            with pytest.raises(NotPrometheus):
                client.now()


class TestRequests:
    def test_stats_timeout_and_own_parameters_are_sent(self, server):
        params = (("dedup", "true"), ("storeMatch[]", "a"), ("storeMatch[]", "b"))
        ask(server, query="rate(x[5m])", timeout=10.0, params=params)
        sent = server.last
        assert sent.path == "/api/v1/query"
        assert sent.params == {
            "query": ["rate(x[5m])"],
            "time": [str(AT)],
            "stats": ["all"],
            "timeout": ["10"],
            "dedup": ["true"],
            "storeMatch[]": ["a", "b"],
        }
        assert sent.headers["user-agent"].startswith("slo/")

    def test_a_long_query_goes_in_the_body(self, server):
        query = " or ".join(f'x{{job="job-{each}"}}' for each in range(8000))
        ask(server, query=query)
        assert server.last.method == "POST"
        assert server.last.params["query"] == [query]
        ask(server, query="up")
        assert server.last.method == "GET"

    def test_where_post_is_not_allowed_it_gets(self, server):
        def behaviour(handler):
            (respond(405, "no") if handler.command == "POST" else vector(ONE))(handler)

        server.behaviour = behaviour
        query = " + ".join(["up"] * 500)
        with PrometheusClient(source(server.url)) as client:
            client.instant(query, AT)
            client.instant(query, AT)
        assert [seen.method for seen in server.seen] == ["POST", "GET", "GET"]

    def test_a_prefix_and_a_last_slash_lead_to_the_api(self, server):
        with PrometheusClient(source(server.url + "/prom/")) as client:
            client.instant("up", AT)
        assert server.last.path == "/prom/api/v1/query"

    def test_matches_and_times_of_series_and_label_values(self, server):
        server.behaviour = success([])
        with PrometheusClient(source(server.url, params=(("dedup", "true"),))) as client:
            client.series(['up{job="a"}', "x"], AT, AT + 60.5)
            asked = server.last
            assert asked.path == "/api/v1/series"
            assert asked.params["match[]"] == ['up{job="a"}', "x"]
            assert [float(asked.params[key][0]) for key in ("start", "end")] == [AT, AT + 60.5]
            assert asked.params["dedup"] == ["true"]
            client.label_values("job", ["up"], AT, AT + 60)
            asked = server.last
            assert asked.path == "/api/v1/label/job/values"
            assert asked.params["match[]"] == ["up"]
            assert asked.params["end"] == [str(AT + 60)]

    def test_each_request_is_recorded(self, server):
        records = []
        stats = {"samples": {"totalQueryableSamples": 36}}
        body = encoded({"resultType": "vector", "result": ONE, "stats": stats})
        server.behaviour = in_turn(zipped(body), slowly(refuse(503, "unavailable", "x"), 0.2))
        with PrometheusClient(source(server.url), on_request=records.append) as client:
            assert client.instant("up", AT).samples_read == 36
            with pytest.raises(Unavailable):
                client.instant("up", AT)
        first, second = records
        assert (first.source, first.what, first.query) == ("main", "instant", "up")
        assert (first.samples_read, first.bytes, first.error) == (36, len(body), None)
        assert second.error == "unavailable"
        assert 0.2 <= second.seconds < 1

    def test_an_answer_that_cannot_be_used_is_recorded_as_an_error(self, server):
        records = []
        with PrometheusClient(source(server.url), on_request=records.append) as client:
            server.behaviour = success({"resultType": "string", "result": [AT, "x"]})
            with pytest.raises(NotPrometheus):
                client.instant("up", AT)
            server.behaviour = vector([], warnings=["gone"])
            with pytest.raises(PartialAnswer):
                client.instant("up", AT)
        assert [record.error for record in records] == ["not_prometheus", "partial"]

    def test_threads_share_a_client_and_get_their_own_answers(self, server):
        def behaviour(handler):
            # Not from `seen`: other threads add to it.
            number = handler.path.partition("query=")[2].partition("&")[0]
            vector([{"metric": {"n": number}, "value": [AT, number]}])(handler)

        server.behaviour = behaviour
        wrong = []
        with PrometheusClient(source(server.url)) as client:

            def work(base):
                for number in range(base, base + 25):
                    (series,) = client.instant(str(number), AT).series
                    if series.values != [float(number)]:
                        wrong.append(number)

            threads = [threading.Thread(target=work, args=(each * 100,)) for each in range(12)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert wrong == []
        assert len(server.seen) == 300
        # Connections are kept: fewer than requests by far.
        assert len({seen.client for seen in server.seen}) <= 12


class TestFailover:
    @pytest.mark.parametrize(
        "behaviour",
        [hang(), refuse(503, "unavailable", "x"), html(), respond(302, Location="/login")],
        ids=["timeout", "unavailable", "not prometheus", "redirect"],
    )
    def test_the_next_url_answers_and_is_remembered(self, server, behaviour):
        with FaultServer(behaviour) as broken:
            urls = broken.url, server.url
            with PrometheusClient(source(*urls, timeout=0.3)) as client:
                client.instant("up", AT)
                client.instant("up", AT)
                assert len(broken.seen) == 1
                assert len(server.seen) == 2
                # And back, when that one fails.
                broken.behaviour, server.behaviour = vector(ONE), html()
                assert len(client.instant("up", AT).series) == 1

    @pytest.mark.parametrize(
        ("behaviour", "expected"),
        [
            (refuse(400, "bad_data", "x"), BadQuery),
            (refuse(422, "execution", "too many samples"), TooManySamples),
            (respond(401), Unauthorized),
            (vector([], warnings=["gone"]), PartialAnswer),
        ],
        ids=["bad query", "too many samples", "unauthorized", "partial"],
    )
    def test_what_the_next_url_cannot_mend_does_not_fail_over(self, server, behaviour, expected):
        with (
            FaultServer(behaviour) as broken,
            PrometheusClient(source(broken.url, server.url)) as client,
            pytest.raises(expected),
        ):
            client.instant("up", AT)
        assert server.seen == []

    def test_when_all_fail_the_first_error_tells_of_the_others(self, server):
        server.behaviour = html()
        dead = f"http://127.0.0.1:{free_port()}"
        with (
            PrometheusClient(source(dead, server.url)) as client,
            pytest.raises(Unreachable) as caught,
        ):
            client.instant("up", AT)
        assert dead in str(caught.value)
        assert server.url in caught.value.__notes__[0]

    def test_a_split_range_is_never_mixed_from_two_urls(self, server):
        def row(name):
            return matrix([{"metric": {"from": name}, "values": [[AT, "1"]]}])

        server.behaviour = row("b")
        with (
            FaultServer(in_turn(row("a"), refuse(503, "unavailable", "x"))) as first,
            PrometheusClient(source(first.url, server.url)) as client,
        ):
            answer = client.range("up", 0, 20_000, 1)
        assert {series.labels["from"] for series in answer.series} == {"b"}
        assert len(server.seen) == 2


class TestCredentials:
    def test_basic_authentication_arrives(self, server):
        ask(server, basic_auth=("me", "pässword"))
        expected = base64.b64encode("me:pässword".encode()).decode()
        assert server.last.headers["authorization"] == f"Basic {expected}"

    def test_a_user_in_the_url_is_sent_and_never_shown(self, server):
        url = server.url.replace("://", "://me:s%40cret@")
        with PrometheusClient(source(url)) as client:
            client.instant("up", AT)
            assert "cret" not in repr(client)
            server.behaviour = respond(401)
            with pytest.raises(Unauthorized) as caught:
                client.instant("up", AT)
        expected = base64.b64encode(b"me:s@cret").decode()
        assert server.last.headers["authorization"] == f"Basic {expected}"
        assert "cret" not in str(caught.value)

    def test_headers_arrive(self, server):
        ask(server, headers=(("X-Scope-OrgID", "team"), ("Authorization", "Custom abc")))
        assert server.last.headers["x-scope-orgid"] == "team"
        assert server.last.headers["authorization"] == "Custom abc"

    def test_a_token_may_rotate(self, server, tmp_path):
        file = tmp_path / "token"
        file.write_text("one\n")
        with PrometheusClient(source(server.url, bearer_token_file=str(file))) as client:
            client.instant("up", AT)
            assert server.last.headers["authorization"] == "Bearer one"
            file.write_text("two\n")
            client.instant("up", AT)
            assert server.last.headers["authorization"] == "Bearer two"

    @pytest.mark.parametrize("content", [None, "", "a\nb", "s3cret\x01", "s3crét"])
    def test_a_token_file_that_is_no_token_is_named_and_not_shown(self, server, tmp_path, content):
        file = tmp_path / "token"
        if content is not None:
            file.write_text(content, encoding="utf-8")
        error, _ = fault(server, None, Unauthorized, bearer_token_file=str(file))
        assert str(file) in str(error)
        assert "s3cr" not in str(error)
        assert server.seen == []

    def test_a_header_that_cannot_be_sent_is_refused_without_its_value(self):
        with pytest.raises(ValueError, match="header X-Key") as caught:
            PrometheusClient(source("http://localhost", headers=(("X-Key", "s3cret\n"),)))
        assert "s3cret" not in str(caught.value)

    def test_a_netrc_of_the_user_is_not_sent(self, server, tmp_path, monkeypatch):
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        ask(server)
        assert "authorization" not in server.last.headers

    @pytest.mark.parametrize(
        "behaviour",
        [vector(ONE), html(), respond(401, "no"), respond(500), close_silently, cut(EMPTY, 5)],
        ids=["fine", "html", "401", "500", "closed", "cut"],
    )
    def test_secrets_are_in_no_message_and_no_log(self, server, tmp_path, caplog, behaviour):
        caplog.set_level(logging.DEBUG)
        file = tmp_path / "token"
        file.write_text("s3cret-token")
        server.behaviour = behaviour
        url = server.url.replace("://", "://me:s3cret-url@")
        told = []
        for more in (
            {"bearer_token_file": str(file)},
            {"basic_auth": ("me", "s3cret-basic")},
            {"headers": (("X-Key", "s3cret-header"),)},
        ):
            with PrometheusClient(source(url, **more)) as client:
                told.append(repr(client))
                try:
                    client.instant("up", AT)
                except (NotPrometheus, Unauthorized, Unavailable, Unreachable) as error:
                    told.append("".join(_everything(error)))
        assert "s3cret" not in caplog.text + "".join(told)
        assert len(server.seen) >= 3

    def test_a_proxy_of_the_environment_is_used(self, server, monkeypatch):
        monkeypatch.setenv("http_proxy", server.url)
        monkeypatch.setenv("no_proxy", "")
        with PrometheusClient(source("http://prometheus.invalid", timeout=0.5)) as client:
            client.instant("up", AT)
            assert server.last.headers["host"] == "prometheus.invalid"
            server.behaviour = trickle_headers()
            started = time.monotonic()
            with pytest.raises(Timeout):
                client.instant("up", AT)
            assert time.monotonic() - started < 0.9

    def test_cookies_are_not_kept(self, server):
        server.behaviour = respond(200, EMPTY, Set_Cookie="session=abc; Path=/")
        with PrometheusClient(source(server.url)) as client:
            client.instant("up", AT)
            client.instant("up", AT)
        assert "cookie" not in server.last.headers


def _everything(error):
    """The texts of an error and of all that it came from."""
    while error is not None:
        yield f"{error!s} {error!r} {getattr(error, '__notes__', '')}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A folder with an own CA, a server's and a client's certificate."""
    folder = tmp_path_factory.mktemp("tls")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    openssl(
        folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=own-ca",
        "-days", "2", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    )  # fmt: skip
    for name in ("server", "client"):
        openssl(
            folder, "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr",
            "-subj", f"/CN={name}",
        )  # fmt: skip
        openssl(
            folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", f"{name}.pem", "-days", "2", "-extfile", "ext",
        )  # fmt: skip
    return folder


def _server_context(folder, *, ask_client):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    if ask_client:
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class TestTLS:
    @pytest.fixture
    def server(self, certificates):
        with FaultServer(tls=_server_context(certificates, ask_client=False)) as server:
            yield server

    def test_an_own_ca_is_trusted_when_it_is_named(self, server, certificates):
        assert ask(server, tls=TLS(ca=str(certificates / "ca.pem"))).series == ()

    def test_a_certificate_that_is_not_trusted_is_unreachable(self, server):
        error, seconds = fault(server, None, Unreachable)
        assert "TLS: " in str(error)
        assert "check tls: ca, cert, key and verify" in str(error)
        assert seconds < 1

    def test_verify_false_takes_any_certificate(self, server, monkeypatch):
        # requests would let this variable win over verify=False.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/does/not/exist")
        assert ask(server, tls=TLS(verify=False)).series == ()

    def test_a_file_that_is_not_there_is_named(self, server, certificates):
        error, _ = fault(server, None, Unreachable, tls=TLS(ca="/does/not/exist.pem"))
        assert "/does/not/exist.pem" in str(error)
        tls = TLS(ca=str(certificates / "ca.pem"), cert="/no.pem", key="/no.key")
        error, _ = fault(server, None, Unreachable, tls=tls)
        assert "/no.pem" in str(error)

    def test_a_hang_within_tls_times_out(self, server, certificates):
        tls = TLS(ca=str(certificates / "ca.pem"))
        for behaviour in (hang(), trickle(EMPTY), trickle_headers()):
            _, seconds = fault(server, behaviour, Timeout, timeout=0.5, tls=tls)
            assert seconds < 0.9

    def test_a_handshake_that_hangs_times_out(self):
        with closing(socket.create_server(("127.0.0.1", 0))) as silent:
            url = f"https://127.0.0.1:{silent.getsockname()[1]}"
            started = time.monotonic()
            with (
                closing(PrometheusClient(source(url, timeout=0.3))) as client,
                pytest.raises(Timeout),
            ):
                client.instant("up", AT)
            assert time.monotonic() - started < 0.8

    def test_a_client_certificate_is_shown_where_it_is_asked_for(self, certificates):
        ca = str(certificates / "ca.pem")
        own = TLS(
            ca=ca, cert=str(certificates / "client.pem"), key=str(certificates / "client.key")
        )
        with FaultServer(tls=_server_context(certificates, ask_client=True)) as server:
            assert ask(server, tls=own).series == ()
            fault(server, None, Unreachable, tls=TLS(ca=ca))
            # Certificate and key in one file.
            both = certificates / "both.pem"
            both.write_text(
                (certificates / "client.pem").read_text()
                + (certificates / "client.key").read_text()
            )
            assert ask(server, tls=replace(own, cert=str(both), key=None)).series == ()

    def test_https_asked_of_a_plain_server_is_unreachable(self):
        with FaultServer() as plain:
            url = plain.url.replace("http:", "https:")
            with (
                PrometheusClient(source(url, timeout=0.5)) as client,
                pytest.raises(Unreachable, match="TLS"),
            ):
                client.instant("up", AT)


START = 1_700_000_040


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """The URL of a Prometheus with an hour of `c_total`, every 15 s, and odd values."""
    folder = tmp_path_factory.mktemp("prometheus")
    lines = ["# TYPE c counter\n"]
    for job in ("a", "b"):
        lines += [
            f'c_total{{job="{job}"}} {at / 10} {START + at}.123\n' for at in range(0, 3600, 15)
        ]
    lines += ["# TYPE odd gauge\n"]
    lines += [
        f"odd {value} {START + at}\n" for at, value in enumerate(("NaN", "+Inf", "-Inf", "1e+300"))
    ]
    (folder / "data.om").write_text("".join(lines) + "# EOF\n")
    (folder / "prometheus.yml").write_text("global: {}\n")
    data = str(folder / "data")
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(folder / "data.om"), data],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                "prometheus", f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{port}",
                "--storage.tsdb.retention.time=100y", "--query.max-samples=400",
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            _wait_until_ready(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(10)


def _wait_until_ready(url, process):
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail("Prometheus did not start")


class TestRealPrometheus:
    @pytest.fixture
    def client(self, prometheus):
        with PrometheusClient(source(prometheus, timeout=10.0)) as client:
            yield client

    def test_raw_samples_of_a_counter(self, client):
        answer = client.instant("c_total[90s]", START + 300)
        assert [series.labels["job"] for series in answer.series] == ["a", "b"]
        for series in answer.series:
            assert series.times == [(START + at) * 1000 + 123 for at in range(210, 300, 15)]
            assert series.values == [at / 10 for at in range(210, 300, 15)]
        assert answer.samples_read == 12

    def test_vectors_scalars_and_odd_values(self, client):
        (series,) = client.instant('c_total{job="a"}', START + 20).series
        assert series.times == [(START + 20) * 1000]
        assert series.values == [1.5]
        (series,) = client.instant("1 + 1", START).series
        assert (series.labels, series.values) == ({}, [2.0])
        (series,) = client.instant("odd[1m]", START + 10).series
        assert math.isnan(series.values[0])
        assert series.values[1:] == [math.inf, -math.inf, 1e300]

    def test_a_range_longer_than_11000_points(self, prometheus):
        with PrometheusClient(source(prometheus, timeout=20.0)) as client:
            # Each piece stays under the 400 samples that this server loads.
            answer = client.range('c_total{job="a"} and on() vector(0) > 0', START, START + 60, 15)
            assert answer.series == ()
            (series,) = client.range("odd", START + 3 - 26_000 * 100, START + 3, 100).series
        assert series.times == [(START + 3) * 1000]

    def test_series_labels_build_and_clock(self, client):
        found = client.series(["c_total"], START, START + 60)
        assert found == [{"__name__": "c_total", "job": "a"}, {"__name__": "c_total", "job": "b"}]
        assert client.label_values("job", ["c_total"], START, START + 60) == ["a", "b"]
        assert client.label_values("job", ['c_total{job="b"}'], START, START + 60) == ["b"]
        assert client.build_info()["version"].startswith("2.")
        assert abs(client.now() - time.time()) < 5
        assert client.metadata("c_total") is None

    def test_a_bad_query_and_too_many_samples(self, client):
        with pytest.raises(BadQuery, match="parse error"):
            client.instant("up{", START)
        with pytest.raises(TooManySamples, match="would load too many samples"):
            client.instant("c_total[2h]", START + 3600)

    def test_a_wrong_path_is_not_prometheus(self, prometheus):
        with (
            PrometheusClient(source(prometheus + "/prom")) as client,
            pytest.raises(NotPrometheus, match="check the url and its path prefix"),
        ):
            client.instant("up", START)

    def test_a_long_query_is_taken(self, client):
        query = " + ".join(["c_total"] * 2000)
        first, _ = client.instant(query, START + 20).series
        assert first.values == [3000.0]

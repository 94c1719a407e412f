"""`slo gate` and `slo annotate`."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from slo.domain.standing import StandingAlert
from slo.web.app import create_app
from tests.support.site import serving
from tests.support.stores import empty_store
from tests.web.world import make_standing, put_standings

WHY = ("--why", "a test")


@contextmanager
def running(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def known(offline):
    """A project with a database; `judge` writes the standing of an SLO as of now."""
    engine = empty_store(offline.folder / "slo.db")

    def judge(name="availability", age=0, **changes):
        at = int(time.time()) - age
        put_standings(engine, [make_standing(f"api/{name}", at=at, last_data=at, **changes)])

    offline.judge, offline.engine = judge, engine
    yield offline
    engine.dispose()


@pytest.fixture
def judged(known):
    """The same, all of whose SLOs are healthy."""
    for name in ("availability", "latency", "quality"):
        known.judge(name)
    return known


def test_an_open_gate_is_0(judged):
    assert judged.run("gate", "api").stdout == "open: api\n"
    assert judged.run("gate", "check", "api/latency").stdout == "open: api/latency\n"
    assert judged.run("gate", "-q", "api").stdout == ""


def test_a_closed_gate_is_1_and_says_why(judged):
    fires = StandingAlert("page-1h", "burn", "page", int(time.time()) - 60, "burned 15x")
    judged.judge("latency", state="exhausted", left=-0.5, alerts=(fires,))
    told = judged.run("gate", "api", code=1).stdout.splitlines()
    assert told[0] == "closed: api"
    assert told[1] == "  api/latency: the error budget is spent: -50% is left"
    assert told[2].startswith("  api/latency: a page fires since 20")
    assert judged.run("gate", "--quiet", "api", code=1).stdout == ""
    assert judged.run("gate", "api/availability").exit_code == 0


def test_verbose_tells_of_every_slo(judged):
    told = judged.run("gate", "api", "--verbose").stdout
    assert "api/availability  open" in told
    assert "42.8%" in told
    assert len(told.splitlines()) == 5


def test_json_is_what_the_api_gives(judged):
    found = json.loads(judged.run("gate", "api", "--json").stdout)
    assert (found["state"], found["gate"], len(found["slos"])) == ("open", "api", 3)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("apy",), "unknown: there is no service or SLO 'apy'; did you mean api"),
        (("api/latenzy",), "did you mean api/latency"),
        (("api", "--config", "no.yaml"), "unknown: no.yaml"),
        (("api", "--url", "ftp://x"), "is no address"),
        (("api", "--url", "http://127.0.0.1:9"), "does not answer"),
        (("api", "--url", "http://127.0.0.1:9", "--token-file", "no/such"), "no/such"),
    ],
)
def test_whatever_goes_wrong_is_2(judged, args, told):
    assert told in judged.run("gate", *args, code=2).stderr


def test_no_database_is_2(offline):
    assert "there is no database" in offline.run("gate", "api", code=2).stderr


def test_old_or_missing_readings_are_2_even_when_quiet(known):
    assert "no cycle has judged it yet" in known.run("gate", "api", code=2).stdout
    for name in ("availability", "latency", "quality"):
        known.judge(name, age=700)
    told = known.run("gate", "-q", "api", code=2).stdout
    assert told.startswith("unknown: api\n")
    assert "over 10m ago" in told


def test_a_gate_is_held_open_listed_and_released(judged):
    judged.judge("latency", state="exhausted", left=-0.5)
    held = judged.run("gate", "open", "api", "--until", "2h", *WHY, "--who", "mia").stdout
    assert held.startswith("The gate of api/* is held open until 20")
    assert "slo gate release 1 --why TEXT" in held
    told = judged.run("gate", "api").stdout
    assert "held open until" in told
    assert "by mia: a test (api/*)" in told
    assert "mia" in judged.run("gate", "list").stdout
    assert judged.run("gate", "release", "1", *WHY).stdout.startswith("The gate of api/* is no")
    judged.run("gate", "api", code=1)
    assert judged.run("gate", "list").stdout == "No gate is held open.\n"
    (one,) = json.loads(judged.run("gate", "list", "--all", "--json").stdout)["overrides"]
    assert (one["who"], one["why"]) == ("mia", "a test")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("open", "*", "--until", "2h", *WHY), "SCOPE: * is every service"),
        (("open", "api", "--until", "8d", *WHY), "--until: lies over 7d ahead"),
        (("release", "9", *WHY), "ID: there is no override 9"),
    ],
)
def test_what_cannot_be_held_open_is_refused(known, args, told):
    assert told in known.run("gate", *args, code=2).stderr


def test_a_running_service_is_asked_by_its_url(judged):
    app = create_app(judged.engine)
    with serving(app) as url:
        # Nothing but the URL is needed: no slo.yaml, no database.
        args = ("--url", f"{url}/", "--config", "no.yaml")
        assert judged.run("gate", "api", *args).stdout == "open: api\n"
        assert "api/latency" in judged.run("gate", "api", "-v", *args).stdout
        judged.judge("latency", state="exhausted", left=-0.5)
        assert "is spent" in judged.run("gate", "api/latency", *args, code=1).stdout
        judged.judge("latency", age=700)
        assert judged.run("gate", "api/latency", *args, code=2).stdout.startswith("unknown")
        assert "did you mean" in judged.run("gate", "apy", *args, code=2).stderr


FINE = {"at": "2026-11-20T20:00:00Z", "gate": "x", "reasons": [], "overrides": [], "slos": []}


def body_of(**changes):
    return json.dumps({"state": "open", **FINE, **changes}).encode()


class Odd(BaseHTTPRequestHandler):
    """Answers as servers do that are no SLO Ledger, by the service that is asked for."""

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        self.server.seen.append((self.path, self.headers["Authorization"]))
        status, body = {
            "login": (302, b""),
            "html": (200, b"<html>"),
            "array": (200, b"[]"),
            "half": (200, b'{"state": "open"}'),
            "odd": (200, body_of(slos=[{}])),
            "other": (200, body_of(state="ajar")),
            "denied": (403, b'{"detail": "a token is needed"}'),
            "failed": (500, body_of()),
        }.get(name, (200, body_of(newer=1)))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/api/v1/gate/fine")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Says nothing."""


@pytest.fixture
def odd():
    """The URL of such a server, and what it was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    server.seen = []
    with running(server) as url:
        yield url, server.seen


@pytest.mark.parametrize(
    ("service", "told"),
    [
        ("login", "answers 302"),
        ("html", "not with JSON"),
        ("array", "answers 200: no gate"),
        ("half", "answers 200: no gate"),
        ("odd", "answers 200: no gate"),
        ("other", "answers 200: no gate"),
        ("denied", "answers 403: a token is needed"),
        ("failed", "answers 500"),
    ],
)
def test_an_answer_that_is_no_gate_is_2(offline, odd, service, told):
    refused = offline.run("gate", service, "--url", odd[0], "-v", code=2)
    assert told in refused.stderr
    assert refused.stdout == ""


def test_the_token_comes_from_its_file_or_the_variable_and_is_not_shown(offline, odd, tmp_path):
    url, seen = odd
    file = tmp_path / "token"
    file.write_text("slo_file\n")
    shown = offline.run("gate", "a b/c?d", "--url", url, "--token-file", file).output
    offline.run("gate", "fine", env={"SLO_URL": url, "SLO_TOKEN": "slo_variable"})
    offline.run("gate", "fine", "--url", url)
    assert seen == [
        ("/api/v1/gate/a%20b/c%3Fd", "Bearer slo_file"),
        ("/api/v1/gate/fine", "Bearer slo_variable"),
        ("/api/v1/gate/fine", None),
    ]
    assert "slo_file" not in shown


def test_what_netrc_has_for_the_host_is_never_sent(offline, odd, tmp_path):
    url, seen = odd
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mia password secret\n")
    netrc.chmod(0o600)
    for token in ("slo_one", ""):
        env = {"NETRC": str(netrc), "SLO_URL": url, "SLO_TOKEN": token}
        offline.run("gate", "fine", env=env)
    assert [sent for _, sent in seen] == ["Bearer slo_one", None]


@pytest.mark.parametrize("token", ["slo_one\nslo_two", "slo_\u00fc", "a b"])
def test_what_is_no_token_is_not_sent_and_not_shown(offline, odd, token):
    url, seen = odd
    refused = offline.run("gate", "fine", "--url", url, code=2, env={"SLO_TOKEN": token})
    assert "the token is none" in refused.stderr
    assert token not in refused.output
    assert seen == []


def test_a_password_in_the_url_is_not_shown(offline, odd):
    url = odd[0].replace("http://", "http://mia:secret@")
    refused = offline.run("gate", "denied", "--url", url, code=2)
    assert "secret" not in refused.output


def test_a_deploy_is_marked_listed_and_removed(known):
    args = ("annotate", "add", "api", "--title", "api 2.4", "--label", "version=2.4", "--key", "k1")
    added = known.run(*args, "--who", "mia").stdout
    assert added.startswith("Annotation 1: deploy at 20")
    assert added.endswith(", api/*.\n")
    assert known.run(*args).stdout.startswith("Annotation 1 is there already: deploy at 20")
    listed = known.run("annotate", "list").stdout
    assert "api 2.4 version=2.4" in listed
    (one,) = json.loads(known.run("annotate", "list", "--json").stdout)["annotations"]
    assert (one["who"], one["labels"], one["key"]) == ("mia", {"version": "2.4"}, "k1")
    assert known.run("annotate", "remove", "1").stdout == "Annotation 1 is removed: api 2.4\n"
    assert known.run("annotate", "list").stdout == "There are no such annotations.\n"


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("add", "apy", "--title", "x"), "SCOPE: there is no service or SLO 'apy'"),
        (("add", "api", "--title", "x", "--url", "ftp://x"), "--url: is no link"),
        (("add", "api", "--title", "x", "--label", "version"), "--label 'version' is no label"),
        (("add", "api", "--title", "x", "--at", "2099-01-01"), "--at: 2099"),
        (
            ("add", "api", "--title", "x", "--at", "9999-12-31T23:59:59-23:59"),
            "too far ahead",
        ),
        (("remove", "9"), "ID: there is no annotation 9"),
        (("list", "--scope", "apy"), "did you mean api"),
    ],
)
def test_what_cannot_be_marked_is_refused(known, args, told):
    assert told in known.run("annotate", *args, code=2).stderr


def test_an_experiment_is_ended_by_its_key(known):
    args = ("annotate", "add", "api", "--kind", "experiment", "--title", "arm B", "--key", "x")
    known.run(*args, "--at", "2026-01-01T00:00:00Z")
    over = known.run(*args, "--end", "2026-01-15T00:00:00Z").stdout
    assert over == "Annotation 1 is over: experiment at 2026-01-01T00:00:00Z, api/*.\n"
    (one,) = json.loads(known.run("annotate", "list", "--json").stdout)["annotations"]
    assert one["end"] == "2026-01-15T00:00:00Z"


def test_a_key_with_other_content_is_refused(known):
    known.run("annotate", "add", "api", "--title", "x", "--key", "k")
    refused = known.run("annotate", "add", "api", "--title", "y", "--key", "k", code=2)
    assert "--key: belongs to annotation 1, whose title is different" in refused.stderr

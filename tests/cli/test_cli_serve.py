"""`slo serve` and `slo demo` pass on what they are told."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from slo.cli import demo, serve
from slo.demo import DemoOptions
from slo.store import migrations
from slo.store.engine import open_engine
from tests.cli.conftest import API
from tests.support.logins import add_user


@pytest.fixture
def free(monkeypatch):
    """The usual ports may be taken on the machine that tests."""
    monkeypatch.setattr(serve, "_ensure_address", lambda *_: None)


@pytest.fixture
def served(monkeypatch):
    calls = []

    def fake(settings, *, host, port, **_):
        engine = open_engine(settings.database_url)
        calls.append((len(settings.slos), host, port, migrations.current(engine)))
        engine.dispose()
        return 3

    monkeypatch.setattr(serve, "serve", fake)
    return calls


@pytest.mark.usefixtures("free")
def test_serve_upgrades_the_database_and_gives_the_service_s_code(offline, served):
    offline.write(API, "site: {auth: none}\n")
    offline.run("serve", "--host", "0.0.0.0", "--port", "9000", code=3)
    assert served == [(3, "0.0.0.0", 9000, migrations.head())]


@pytest.mark.usefixtures("free", "served")
@pytest.mark.parametrize(("host", "told"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_a_site_that_is_open_to_all_is_told_of(offline, host, told):
    offline.write(API, "site: {auth: none}\n")
    said = offline.run("serve", "--host", host, code=3).stderr
    assert (f"whoever reaches {host} may see and change everything" in said) == told


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "::ffff:0.0.0.0"])
def test_an_address_that_lets_others_in_needs_a_login(offline, served, host):
    told = offline.run("serve", "--host", host, code=2).stderr
    assert f"{host} lets other machines in, and nobody would have to log in" in told
    for remedy in ("`slo user add NAME --role admin`", "site.oidc", "`site: {auth: none}`"):
        assert remedy in told
    assert served == []


@pytest.mark.usefixtures("free")
def test_with_a_user_others_are_let_in_to_the_login(offline, served):
    offline.run("db", "upgrade")
    engine = open_engine(f"sqlite:///{offline.folder}/slo.db")
    add_user(engine)
    engine.dispose()
    offline.run("serve", "--host", "0.0.0.0", code=3)
    assert served[0][1] == "0.0.0.0"


@pytest.mark.usefixtures("free")
def test_serve_listens_to_this_machine_by_default(offline, served):
    offline.run("serve", code=3)
    assert served[0][1:3] == ("127.0.0.1", 8000)


def test_a_taken_port_is_told(offline):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = offline.run("serve", "--port", port, code=1)
    assert f"Error: cannot listen on 127.0.0.1:{port}: " in result.stderr
    assert "choose another --host or --port" in result.stderr


def test_an_address_of_another_machine_is_told(offline, served):
    result = offline.run("serve", "--host", "192.0.2.1", code=1)
    assert "cannot listen on 192.0.2.1:8000" in result.stderr
    assert served == []


def test_demo_passes_its_options_on(offline, monkeypatch):
    seen = []
    monkeypatch.setattr(demo, "run", lambda options: seen.append(options) or 1)
    offline.run("demo", code=1)
    offline.run(
        "demo", "--fault", "errors", "--folder", "x", "--port", 1, "--prometheus-port", 2,
        "--model-port", 3, "--days", 4, "--seed", 5, "--sink-port", 6, code=1,
    )  # fmt: skip
    assert seen == [DemoOptions(), DemoOptions(Path("x"), "errors", 1, 2, 3, 4, 5, 6)]
    offline.run("demo", "--fault", "nonsense", code=2)

"""slo.yaml taken anew while the service runs: when, what of it, and what faults change."""

from __future__ import annotations

import logging
import os
import signal

import pytest

from slo.config import load
from slo.loaded import Loaded
from slo.reloading import Reloader, can_be_watched, changes_text, listen
from tests.support.waiting import wait_until

NOW = 1_795_206_000.0
YAML = """# The key of old was abc-123-comment.
prometheus: {url: "${URL:-http://localhost:1}"}
database: {url: "sqlite:///slo.db"}
services:
  api:
    slos:
      a: {objective: 99%, slices: {query: up, at_least: 1}}
"""
SECOND = "      b: {objective: 98%, slices: {query: up, at_least: 1}}\n"


class File:
    """A slo.yaml, what is in force of it, and the settings that came into force in turn."""

    def __init__(self, folder, env=None):
        self.path = folder / "slo.yaml"
        self.path.write_text(YAML)
        self.env = env or {}
        self.loaded = Loaded(load(self.path, self.env), NOW - 100)
        self.came = []
        self.reloader = Reloader(
            self.path, self.env, self.loaded, self.came.append, clock=lambda: NOW
        )
        self.settle()

    def settle(self, *, asked=False):
        """Two looks, after which a text that stays the same is taken."""
        self.reloader.look(asked=asked)
        self.reloader.look()

    @property
    def ids(self):
        return [slo.id for slo in self.loaded.settings.slos]


@pytest.fixture
def file(tmp_path):
    return File(tmp_path)


def test_what_the_service_was_started_with_is_no_reload(file):
    assert file.came == []
    assert file.loaded.state.loaded_at == NOW - 100
    assert "api" in file.loaded.state.text
    assert "abc-123" not in file.loaded.state.text


def test_a_change_between_reading_and_watching_is_found(tmp_path):
    path = tmp_path / "slo.yaml"
    path.write_text(YAML)
    loaded = Loaded(load(path, {}), NOW - 100)
    path.write_text(YAML + SECOND)
    reloader = Reloader(path, {}, loaded)
    reloader.look()
    reloader.look()
    assert [slo.id for slo in loaded.settings.slos] == ["api/a", "api/b"]


def test_a_changed_file_comes_into_force_once_it_is_at_rest(file, caplog):
    file.path.write_text(YAML + SECOND)
    with caplog.at_level(logging.INFO):
        file.reloader.look()
        assert file.ids == ["api/a"]
        file.reloader.look()
    assert file.ids == ["api/a", "api/b"]
    assert file.came == [file.loaded.settings]
    assert file.loaded.state.loaded_at == NOW
    assert "1 SLO added (api/b)" in caplog.text


def test_a_file_that_grows_is_not_taken_half_written(file):
    whole = YAML + SECOND
    for end in range(len(YAML) - 60, len(whole) + 1, 20):
        file.path.write_text(whole[:end])
        file.reloader.look()
        assert file.ids == ["api/a"]
    file.path.write_text(whole)
    file.settle()
    assert file.ids == ["api/a", "api/b"]
    assert len(file.came) == 1


def test_touching_the_file_reloads_nothing(file):
    before = file.loaded.settings
    os.utime(file.path, (NOW, NOW))
    file.settle()
    assert file.loaded.settings is before


def test_a_config_map_s_swap_of_links_is_found(tmp_path):
    for number, text in enumerate((YAML, YAML + SECOND)):
        (tmp_path / f"v{number}").mkdir()
        (tmp_path / f"v{number}" / "slo.yaml").write_text(text)
        # The same size and time tell nothing.
        os.utime(tmp_path / f"v{number}" / "slo.yaml", (NOW, NOW))
    data, path = tmp_path / "..data", tmp_path / "slo.yaml"
    data.symlink_to("v0")
    path.symlink_to("..data/slo.yaml")
    loaded = Loaded(load(path, {}), NOW)
    reloader = Reloader(path, {}, loaded)
    reloader.look()
    reloader.look()
    (tmp_path / "..new").symlink_to("v1")
    (tmp_path / "..new").replace(data)
    reloader.look()
    reloader.look()
    assert len(loaded.settings.slos) == 2


def test_an_editor_s_rename_is_no_fault(file):
    file.path.unlink()
    file.reloader.look()
    (file.path.parent / "new").write_text(YAML + SECOND)
    (file.path.parent / "new").rename(file.path)
    file.settle()
    assert file.ids == ["api/a", "api/b"]
    assert file.loaded.state.faults == ()


def test_a_faulty_file_changes_nothing_and_is_told_once(file, caplog):
    before = file.loaded.settings
    file.path.write_text(YAML.replace("99%", "101%") + "colour: red\n")
    for _ in range(3):
        file.settle()
    assert file.loaded.settings is before
    state = file.loaded.state
    assert [(f.line, f.column) for f in state.faults] == [(7, 22), (8, 1)]
    assert (state.loaded_at, state.tried_at) == (NOW - 100, NOW)
    assert caplog.text.count("slo.yaml:7:22: api/a: objective") == 1
    assert caplog.text.count("unknown key") == 1
    assert "2 faults" in caplog.text


def test_a_mended_file_clears_the_faults(file):
    file.path.write_text("services: [")
    file.settle()
    assert file.loaded.state.faults != ()
    file.path.write_text(YAML)
    file.settle()
    assert file.loaded.state.faults == ()
    assert file.loaded.state.loaded_at == NOW


UNREADABLE = {
    "gone": lambda _: None,
    "a folder": lambda path: path.mkdir(),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("become", UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read_is_a_fault_until_it_is_back(file, become):
    file.path.unlink()
    become(file.path)
    for _ in range(3):
        file.settle()
    (fault,) = file.loaded.state.faults
    assert "cannot be read" in fault.message
    assert file.ids == ["api/a"]
    (file.path.parent / "new").write_text(YAML + SECOND)
    if file.path.is_dir():
        file.path.rmdir()
    (file.path.parent / "new").rename(file.path)
    file.settle()
    assert file.loaded.state.faults == ()
    assert file.ids == ["api/a", "api/b"]


def test_asking_reloads_an_unchanged_file_and_tells_its_faults_again(file, caplog):
    before = file.loaded.settings
    file.settle(asked=True)
    assert file.loaded.settings is not before
    assert file.loaded.settings == before
    assert len(file.came) == 1
    file.path.write_text("services: [")
    file.settle()
    file.settle(asked=True)
    assert caplog.text.count("is not YAML") == 2


def test_a_template_that_changes_is_read_anew(tmp_path):
    template = tmp_path / "body.txt"
    template.write_text("{{ title }}")
    file = File(tmp_path)
    more = "receivers: {hook: {type: webhook, url: 'https://x.example/y', body: body.txt}}\n"
    file.path.write_text(YAML + more)
    file.settle()
    template.write_text("{{ title }")
    file.settle()
    assert "body.txt is wrong on line 1" in file.loaded.state.faults[0].message
    template.write_text("{{ summary }}")
    file.settle()
    assert file.loaded.state.faults == ()


def test_a_template_that_comes_after_the_text_that_names_it_mends_the_fault(file, caplog):
    more = "receivers: {hook: {type: webhook, url: 'https://x.example/y', body: body.txt}}\n"
    file.path.write_text(YAML + more)
    for _ in range(4):
        file.settle()
    assert "body.txt cannot be read" in file.loaded.state.faults[0].message
    assert caplog.text.count("body.txt cannot be read") == 1
    (file.path.parent / "body.txt").write_text("{{ title }}")
    file.settle()
    assert file.loaded.state.faults == ()
    assert [receiver.name for receiver in file.loaded.settings.receivers] == ["hook"]


def test_variables_stay_those_of_the_start(tmp_path):
    env = {"URL": "http://one:9090"}
    file = File(tmp_path, env)
    env["URL"] = "http://two:9090"
    file.path.write_text(YAML + SECOND)
    file.settle()
    assert file.loaded.settings.sources[0].urls == ("http://one:9090",)


def test_another_database_waits_for_a_restart_and_the_rest_comes_into_force(file, caplog):
    file.path.write_text(YAML.replace("slo.db", "other.db") + SECOND)
    file.settle()
    assert file.loaded.settings.database_url == "sqlite:///slo.db"
    assert file.ids == ["api/a", "api/b"]
    (sentence,) = file.loaded.state.waiting
    assert "restart slo serve" in sentence
    assert caplog.text.count("restart slo serve") == 1
    file.path.write_text(YAML + SECOND)
    file.settle()
    assert file.loaded.state.waiting == ()


def test_a_source_of_which_no_client_can_be_made_is_a_fault(file, monkeypatch):
    def refuse(source):
        raise ValueError(f"source {source.name}: no")

    monkeypatch.setattr("slo.reloading.PrometheusClient", refuse)
    file.path.write_text(YAML + SECOND)
    file.settle()
    assert file.loaded.state.faults[0].where == "sources/prometheus"
    assert file.ids == ["api/a"]


def test_secrets_that_faults_would_quote_are_hidden(file, caplog):
    secret = "R015CXBE9Y0VY5HFUA1EL5J6HP"
    file.path.write_text(YAML + f"receivers: {{pager: {{type: '{secret}'}}}}\n")
    file.settle()
    assert "***" in str(file.loaded.state.faults[0])
    assert secret not in caplog.text + str(file.loaded.state.faults)


def test_the_thread_takes_changes_and_signals_and_ends(file):
    former = signal.getsignal(signal.SIGHUP)
    try:
        asked = listen()
        reloader = Reloader(
            file.path, {}, file.loaded, file.came.append, asked=asked, clock=lambda: NOW, poll=30
        )
        reloader.start()
        file.path.write_text(YAML + SECOND)
        for _ in range(50):
            os.kill(os.getpid(), signal.SIGHUP)
        wait_until(lambda: len(file.ids) > 1)
        reloader.stop()
        os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, former)
    assert 1 <= len(file.came) <= 3


def test_what_changed_is_told_in_words(tmp_path):
    path = tmp_path / "slo.yaml"
    path.write_text(YAML)
    before = load(path, {})
    path.write_text(YAML.replace("99%", "98%") + SECOND + "heartbeat: https://a.example/secret\n")
    told = changes_text(before, load(path, {}))
    assert told == ("1 SLO added (api/b); 1 SLO changed (api/a); other settings: heartbeat")
    assert changes_text(before, before) == "nothing that counts changed"


def test_a_pipe_cannot_be_watched_and_a_file_can(file):
    pipe = file.path.parent / "pipe"
    os.mkfifo(pipe)
    assert can_be_watched(file.path)
    assert not can_be_watched(pipe)
    # It may come back, and says so until then.
    file.path.unlink()
    assert can_be_watched(file.path)

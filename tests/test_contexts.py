"""Contexts of settings that change while somebody works with the former ones."""

from __future__ import annotations

import pytest

from slo.config import parse
from slo.contexts import Contexts
from slo.loaded import Loaded
from slo.prometheus.client import PrometheusClient

YAML = """sources: {{eu: {{url: 'http://{host}:9090'}}}}
services:
  api: {{slos: {{a: {{objective: 99%, slices: {{query: up, at_least: 1}}}}}}}}
"""


def settings(host):
    return parse(YAML.format(host=host), "slo.yaml", {})


@pytest.fixture
def closed(monkeypatch):
    """The clients that were closed, in order."""
    found = []
    close = PrometheusClient.close

    def noted(client):
        found.append(repr(client))
        close(client)

    monkeypatch.setattr(PrometheusClient, "close", noted)
    return found


def test_work_shares_a_context_while_the_settings_stay(closed):
    contexts = Contexts(Loaded(settings("one")), None)
    with contexts.use() as first, contexts.use() as second:
        assert first is second
    with contexts.use() as third:
        assert third is first
    assert closed == []
    contexts.close()
    assert closed == ["PrometheusClient(eu: http://one:9090)"]


def test_new_settings_get_new_clients_and_the_old_ones_close_after_their_last_use(closed):
    loaded = Loaded(settings("one"))
    contexts = Contexts(loaded, None)
    with contexts.use() as first:
        with contexts.use() as also:
            loaded.put(settings("two"), 1.0)
            assert not contexts.is_current(first)
            with contexts.use() as second:
                assert "two" in repr(second.clients["eu"])
                assert second.settings is loaded.settings
            assert (also, closed) == (first, [])
        assert closed == []
        # Its pool still works.
        assert first.pools["eu"].submit(lambda: 7).result() == 7
    assert closed == ["PrometheusClient(eu: http://one:9090)"]
    contexts.close()
    assert closed[1:] == ["PrometheusClient(eu: http://two:9090)"]


def test_idle_clients_of_old_settings_close_with_the_next_work(closed):
    loaded = Loaded(settings("one"))
    contexts = Contexts(loaded, None)
    with contexts.use():
        pass
    loaded.put(settings("two"), 1.0)
    with contexts.use():
        assert len(closed) == 1
    contexts.close()
    assert len(closed) == 2


def test_closing_waits_for_nobody_and_the_last_user_closes(closed):
    contexts = Contexts(Loaded(settings("one")), None)
    with contexts.use():
        contexts.close()
        assert closed == []
    assert len(closed) == 1


def test_work_that_fails_hands_its_context_back(closed):
    loaded = Loaded(settings("one"))
    contexts = Contexts(loaded, None)
    with pytest.raises(ZeroDivisionError), contexts.use():
        raise ZeroDivisionError
    contexts.close()
    assert len(closed) == 1

"""The look into the store that a request's short questions share is given back."""

from __future__ import annotations

import sqlalchemy

from slo.store import standings
from slo.store.errors import StoreUnreachable
from tests.web.world import make_client, make_standing, put_standings

GATE = "/api/v1/gate/api/slo"


def test_a_request_holds_one_connection_at_a_time_and_gives_it_back_whatever_it_answers(
    engine, monkeypatch
):
    put_standings(engine, [make_standing("api/slo")])
    client = make_client(engine)
    held = []
    sqlalchemy.event.listen(engine, "checkout", lambda *_: held.append(engine.pool.checkedout()))

    def asked(path):
        held.clear()
        status = client.get(path).status_code
        return status, max(held), engine.pool.checkedout()

    assert asked(GATE)[1:] == (1, 0)
    assert asked("/api/v1/gate/api/none") == (404, 1, 0)

    def fail(*_, **__):
        raise StoreUnreachable("away")

    monkeypatch.setattr(standings, "one", fail)
    assert asked(GATE) == (503, 1, 0)

"""A store on both databases that holds one resolved incident with its ledger and timeline."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import insert

from slo.config.settings import PostmortemSettings, Settings
from slo.domain.ledger import Contribution
from slo.store import booking, schema, slos
from slo.store.engine import writing
from tests.store.conftest import (
    T0,
    declared,
    engine,
    make,
    sqlite_engine,
)
from tests.store.conftest import booking as make_booking

__all__ = ["engine", "make", "sqlite_engine"]

OPENED = T0 + 3600
RESOLVED = T0 + 7200
SLO = "svc/one"


def settings(**fields):
    return Settings((), (), postmortems=PostmortemSettings(**fields))


def open_incident(session, *, share=0.31, title="svc/one burns", service="svc", slo=SLO):
    """Rows of a resolved incident that lost `share` of the budget of `slo`; gives its number."""
    row = {
        "service": service,
        "title": title,
        "severity": "page",
        "status": "resolved",
        "started_at": OPENED - 600,
        "opened_at": OPENED,
        "acknowledged_at": OPENED + 180,
        "mitigated_at": RESOLVED - 1200,
        "resolved_at": RESOLVED,
        "resolved_by": "SLO Ledger",
        "assignee": "mia",
        "announced": "page",
        "announced_at": OPENED,
        "flapping": False,
        "reopened": 0,
        "late": False,
        "evidence": "{}",
    }
    table = schema.incident
    number = session.execute(insert(table).values(row).returning(table.c.id)).scalar_one()
    session.execute(
        insert(schema.incident_slo).values(
            incident_id=number,
            slo_id=slos.row_ids(session, [slo])[slo],
            joined_at=OPENED,
            open=False,
            bad=612.0,
            total=6100.0,
            budget_share=share,
        )
    )
    tell(session, number, OPENED, "SLO Ledger", "opened", "burned 14.9x over 1h and 15.2x over 5m")
    tell(session, number, OPENED + 180, "mia", "acknowledged", "looking")
    tell(session, number, OPENED + 900, "leo", "commented", "rolled back the deploy")
    return number


def tell(session, number, at, who, kind, text):
    session.execute(
        insert(schema.incident_event).values(
            incident_id=number,
            at=at,
            recorded_at=at,
            who=who,
            kind=kind,
            text=text,
            detail=json.dumps({}),
        )
    )


def book(session, labels='{"instance":"a:1","code":"500"}'):
    """Three hours of traffic, with 20 % bad for an hour; gives the meter."""
    meter = slos.declare(session, [declared(SLO)], T0)[SLO]
    values = [(80.0 if 50 <= i < 110 else 100.0, 100.0) for i in range(180)]
    hour = OPENED // 3600 * 3600
    found = (Contribution(hour, labels, 700.0, 3000.0), Contribution(hour, "other", 5.0, 3000.0))
    booking.book(session, [make_booking(meter.id, T0, values, contributions=found)])
    return meter


@pytest.fixture
def incident(engine):
    """The number of an incident that resolved, over 20 % of the budget."""
    with writing(engine) as session:
        book(session)
        return open_incident(session)

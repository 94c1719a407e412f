"""Services with ninety days of readings, some of them bad, and incidents: for the status page."""

from __future__ import annotations

from dataclasses import replace

from slo.domain.booking import Booking
from slo.domain.ledger import Increment
from slo.domain.span import Span
from slo.store import booking, incidents, standings, timeline
from slo.store.engine import writing
from tests.web.world import AT, BUCKET, DAY, NOW, make_standing, put_standings

MIDNIGHT = NOW // DAY * DAY
END = AT // BUCKET * BUCKET
HOSTILE = "<script>alert(1)"


def book_days(engine, meters, bad_by_slo, days=89, total=100_000.0):
    """Books whole days up to this midnight; `bad_by_slo` maps an SLO to bad events by days ago."""
    start = MIDNIGHT - days * DAY
    found = []
    for slo_id, bad in bad_by_slo.items():
        increments = tuple(
            Increment(start + (n + 1) * DAY, total - bad.get(days - n, 0.0), total, float(DAY))
            for n in range(days)
        )
        today = Increment(END, total - bad.get(0, 0.0), total, float(END - MIDNIGHT))
        span = Span(start, END)
        found.append(Booking(meters[slo_id].id, span, (*increments, today)))
    with writing(engine) as session:
        booking.book(session, found)


def put_incident(engine, slo_id, *, began, resolved=None, status="open", more=(), **values):
    """An incident as the service opens it, its times in seconds before now."""
    with writing(engine) as session:
        at = int(NOW - began)
        over = None if resolved is None else int(NOW - resolved)
        number = incidents.create(
            session,
            slo_id,
            at + 60,
            {"promql": ["sum(rate(secret_total[5m]))"]},
            title=f"{slo_id} burns its error budget 14.2x too fast",
            severity="page",
            started_at=at,
            late=False,
            status="resolved" if resolved is not None else status,
            resolved_at=over,
            acknowledged_at=at + 120 if status != "open" else None,
            **values,
        )
        for other in more:
            incidents.join(session, number, other, at + 90)
        timeline.add(session, number, "opened", "secret reason", at=at + 60, now=at + 60)
        if over is not None:
            incidents.leave(session, number)
            timeline.add(session, number, "resolved", "calm", at=over, now=over)
        return number


def status_standings():
    """Three services, one in trouble; `payments` has a bad month."""
    return [
        make_standing("checkout/availability"),
        make_standing("checkout/latency", left=0.9),
        make_standing("payments/availability", left=-0.2, state="exhausted"),
        make_standing("payments/latency", left=0.5),
        make_standing("search/quality", left=0.7),
        make_standing("gone/availability", paused=True),
    ]


def make_status_world(engine):
    """The store of the status page's tests; gives the number of the open incident."""
    meters = put_standings(engine, status_standings())
    book_days(
        engine,
        meters,
        {
            "checkout/availability": {},
            "checkout/latency": {40: 3000.0},
            "payments/availability": {12: 500.0, 30: 900.0, 31: 9000.0},
            "payments/latency": {12: 5.0, 31: 9000.0},
            "search/quality": {},
        },
    )
    put_incident(
        engine, "payments/availability", began=3 * DAY, resolved=3 * DAY - 1500, assignee="mia"
    )
    put_incident(engine, "checkout/latency", began=20 * DAY, resolved=20 * DAY - 60)
    number = put_incident(
        engine,
        "payments/availability",
        began=1560,
        status="acknowledged",
        more=["payments/latency"],
        assignee="mia",
    )
    burning = [s for s in status_standings() if s.service == "payments"]
    with writing(engine) as session:
        standings.put(session, [(replace(s, incident=number), None) for s in burning])
    return number

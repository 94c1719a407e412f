"""The site's pages over a fleet with 30 days of ledger, incidents, deliveries and postmortems."""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from slo import incidents as acting
from slo.config.settings import Receiver, Route, Settings
from slo.context import Context, Spent
from slo.declaring import declare
from slo.domain.annotation import Annotation
from slo.domain.booking import Booking
from slo.domain.indicator import Events
from slo.domain.ledger import Contribution, Increment
from slo.domain.selector import Matcher, Selector
from slo.domain.slo import SLO
from slo.domain.source import Source
from slo.domain.span import Span
from slo.domain.window import RollingWindow
from slo.loaded import Loaded
from slo.publishing import stand_booked
from slo.store import annotations, booking, cycles, incidents, migrations
from slo.store.engine import open_engine, reading, writing
from slo.web.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flask import Flask
    from sqlalchemy import Engine

MINUTE, HOUR, DAY = 60, 3600, 86_400
NAMES = ("availability", "latency", "accuracy", "freshness", "quality")
BURNING_SERVICES = 10
"""One service in so many has had an incident, and has one now."""
DAYS = 35
ROUNDS = 15


def pages(size: int) -> dict[str, Any]:
    """Time on the server and compressed size of each page, by path; and of /healthz."""
    with burnt(size) as fleet:
        return fleet.measure()


@contextmanager
def burnt(size: int) -> Iterator[BookedFleet]:
    """A fleet after incidents that are over, and in others that are not."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/slo.db")
        migrations.upgrade(engine)
        fleet = BookedFleet(engine, size)
        fleet.fill()
        fleet.burn(12)
        fleet.calm(80)
        fleet.settle()
        fleet.burn(12)
        yield fleet
        engine.dispose()


class BookedFleet:
    """So many SLOs in services of five, booked as cycles book them."""

    def __init__(self, engine: Engine, size: int) -> None:
        slos = tuple(_slo(number) for number in range(size))
        hook = Receiver("hook", "webhook", (("url", "https://hook.example/"),))
        settings = Settings(
            (Source("prometheus", ("http://localhost:9090",)),),
            slos,
            receivers=(hook,),
            routes=(Route("page", ("hook",)), Route("ticket", ("hook",))),
        )
        self.engine = engine
        self.context = Context(settings, engine, {}, Spent(), {})
        self.at = (int(time.time()) - 3 * HOUR) // HOUR * HOUR

    def fill(self) -> None:
        """The past: every minute for the first service, and every hour for the others."""
        counted = declare(self.context, self.at).counted
        begin = self.at - DAYS * DAY
        for first in range(0, len(counted), 50):
            with writing(self.engine) as session:
                booking.book(
                    session,
                    [
                        Booking(c.meter.id, Span(begin, self.at), _past(c.slo, begin, self.at))
                        for c in counted[first : first + 50]
                    ],
                )

    def burn(self, minutes: int) -> None:
        """Minutes in which every tenth service is bad; each is a cycle of its own."""
        for _ in range(minutes):
            self._book(1, lambda slo: 40.0 if _burns(slo) else 0.1)

    def calm(self, minutes: int) -> None:
        """Good minutes, booked ten at a time."""
        for _ in range(minutes // 10):
            self._book(10, lambda _: 0.1)

    def settle(self) -> None:
        """Every incident is resolved by hand, which leaves a postmortem's draft."""
        with writing(self.engine) as session:
            for incident in incidents.many(session, limit=1000):
                acting.resolve(
                    session, self.context.settings, incident.id, "mia", "rolled back", self.at + 20
                )

    def measure(self) -> dict[str, Any]:
        """The figures of each page."""
        self._mark()
        loaded, now = Loaded(self.context.settings, self.at), self.at + 20.0
        app = create_app(self.engine, loaded=loaded, clock=lambda: now)
        with reading(self.engine) as session:
            over = min(i.id for i in incidents.many(session, limit=1000))
        paths = _paths(over, time.strftime("%Y-%m", time.gmtime(self.at)))
        return {path: _measured(app, path) for path in paths}

    def _book(self, minutes: int, bad: Callable[[SLO], float]) -> None:
        counted = declare(self.context, self.at).counted
        span = Span(self.at, self.at + minutes * MINUTE)
        ends = range(span.start + MINUTE, span.end + 1, MINUTE)
        hour = span.start // HOUR * HOUR
        found = []
        for c in counted:
            share = bad(c.slo)
            steps = tuple(Increment(e, 100.0 - share, 100.0, float(MINUTE)) for e in ends)
            sets = tuple(
                Contribution(hour, f'{{"instance":"{c.slo.service}-{n}"}}', share / 4, 25.0)
                for n in range(4)
            )
            found.append(Booking(c.meter.id, span, steps, contributions=sets))
        self.at = span.end
        with writing(self.engine) as session:
            booking.book(session, found)
            stand_booked(session, self.context, counted, found, self.at + 16)

    def _mark(self) -> None:
        with writing(self.engine) as session:
            for number in range(20):
                at = self.at - number * DAY
                mark = Annotation(0, "deploy", "svc00000/*", at, None, f"version {number}")
                annotations.add(session, replace(mark, who="ci", created_at=at))
            number = cycles.start(session, self.at + 16)
            cycles.finish(
                session,
                number,
                self.at + 17,
                slos=len(self.context.settings.slos),
                booked=len(self.context.settings.slos),
                samples=36_000,
                requests=20,
                errors=0,
            )


def _paths(incident: int, month: str) -> Sequence[str]:
    return (
        "/healthz",
        "/",
        "/?q=availability&sort=name",
        "/service/svc00000",
        "/slo/svc00000/availability",
        "/slo/svc00000/availability?range=1h",
        "/slo/svc00000/availability?range=1y",
        "/alerts",
        "/incidents",
        f"/incidents/{incident}",
        "/postmortems",
        f"/postmortems/{incident}",
        "/reports",
        f"/reports/{month}",
        "/status",
        "/system",
        "/badge/svc00000/availability.svg",
        "/feed.atom",
        "/api/v1/slos",
        "/api/v1/gate/svc00000",
        "/metrics",
    )


def _measured(app: Flask, path: str) -> dict[str, float]:
    """Seconds of the first visit, of later ones, and kB as they go over the wire."""
    client = app.test_client()
    headers = {"Accept-Encoding": "gzip"}
    seconds = []
    for _ in range(ROUNDS):
        at = time.perf_counter()
        answer = client.get(path, headers=headers)
        body = answer.get_data()
        seconds.append(time.perf_counter() - at)
        if answer.status_code not in {200, 412}:
            raise RuntimeError(f"{path} answered {answer.status}")
    return {
        "first": seconds[0],
        "seconds": statistics.median(seconds[1:]),
        "kb": len(body) / 1024,
    }


def _slo(number: int) -> SLO:
    service, name = f"svc{number // len(NAMES):05}", NAMES[number % len(NAMES)]
    total = Selector(f"{name}_total", (Matcher("job", "=", service),))
    return SLO(
        service=service,
        name=name,
        objective=Decimal("0.999"),
        window=RollingWindow(timedelta(days=30)),
        indicator=Events(total=total, bad=total.with_matchers(Matcher("code", "=~", "5.."))),
        source="prometheus",
        owner=f"team-{number // 50}",
    )


def _past(slo: SLO, begin: int, end: int) -> tuple[Increment, ...]:
    step = MINUTE if slo.service == "svc00000" else HOUR
    events = 100.0 * step / MINUTE
    return tuple(
        Increment(at, events * 0.9995, events, float(step))
        for at in range(begin + step, end + 1, step)
    )


def _burns(slo: SLO) -> bool:
    return int(slo.service.removeprefix("svc")) % BURNING_SERVICES == 0 and slo.name in NAMES[:2]

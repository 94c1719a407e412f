"""Feeds: SLOs whose events a test says minute by minute, with all that a cycle writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from slo.config import parse
from slo.context import Context, Spent
from slo.declaring import declare
from slo.domain.booking import Booking
from slo.domain.ledger import Increment
from slo.domain.span import Span
from slo.publishing import stand_booked, stand_still
from slo.store import alerts, booking, incidents, outbox
from slo.store.engine import reading, writing

START = 1_795_204_800  # 2026-11-20T20:00:00Z
MINUTE = 60


def yaml_of(objective="99.9%", services=None, more="") -> str:
    """A slo.yaml with one event SLO a name, of services (`{"shop": ["availability"]}`)."""
    lines = ["prometheus: {url: 'http://localhost:1', lag: 15s}", more, "services:"]
    for service, names in (services or {"shop": ["availability"]}).items():
        lines += [f"  {service}:", "    owner: shop-team", "    slos:"]
        for name in names:
            metric = f"{service}_{name}".replace("-", "_")
            lines += [
                f"      {name}:",
                f"        objective: {objective}",
                f"        events: {{good: {metric}_good_total, total: {metric}_total}}",
            ]
    return "\n".join(lines) + "\n"


@dataclass
class Feed:
    """Books what a test says, as a cycle would at the bucket's end and the lag."""

    engine: object
    yaml: str = field(default_factory=yaml_of)
    at: int = START
    """The end of the last bucket that was booked."""
    edges: int = 0

    def __post_init__(self):
        self.change(self.yaml)

    def change(self, yaml: str) -> None:
        """Load another slo.yaml, as a restart does."""
        settings = parse(yaml, "slo.yaml", {})
        self.context = Context(settings, self.engine, {}, Spent(), {})
        self.counted = declare(self.context, self.at).counted

    def book(self, *buckets, now: float | None = None, absences=(), only=None, **more) -> None:
        """Books buckets in one transaction for each SLO (or `only` these).

        A bucket is (bad, total), or (bad, total, covered share), or with the seconds
        of a carried step as a fourth. `more` are further fields of the booking.
        """
        start, increments = self.at, []
        for number, bucket in enumerate(buckets, 1):
            bad, total, covered, carried = (*bucket, *(1.0, 0)[len(bucket) - 2 :])
            increments.append(
                Increment(start + number * MINUTE, total - bad, total, covered * MINUTE, carried)
            )
        self.at = start + len(buckets) * MINUTE
        self.counted = declare(self.context, self.at).counted
        chosen = [c for c in self.counted if only is None or c.slo.id in only]
        found = [
            Booking(
                c.meter.id,
                Span(start, self.at),
                tuple(increments),
                absences=tuple(absences),
                **more,
            )
            for c in chosen
        ]
        with writing(self.engine) as session:
            booking.book(session, found)
            stand_booked(session, self.context, chosen, found, now or self.at + 16)

    def run(self, minutes: int, bad: float = 0, total: float = 100, covered: float = 1.0) -> None:
        """Books so many equal minutes, one by one."""
        for _ in range(minutes):
            self.book((bad, total, covered))

    def quiet(self, minutes: int, total: float = 100) -> None:
        """Books so many good minutes at once, as after a short absence."""
        self.book(*[(0, total)] * minutes)

    def stand_still(self, seconds: int) -> None:
        """A cycle in which nothing can be booked."""
        stand_still(self.context, self.counted, {}, self.at + seconds)

    def history(self, **wanted):
        """The transitions, oldest first."""
        with reading(self.engine) as session:
            return alerts.history(session, limit=10_000, **wanted)[::-1]

    def changes(self, rule: str) -> list[tuple[str, int]]:
        """What became of a rule, and in which minute after the start."""
        return [(t.change, (t.at - START) // MINUTE) for t in self.history() if t.rule == rule]

    def states(self):
        """The states that are not quiet, by SLO and rule."""
        with reading(self.engine) as session:
            return alerts.states(session)

    def incidents(self):
        """All incidents, oldest first."""
        with reading(self.engine) as session:
            return incidents.many(session, limit=1000)[::-1]

    def notifications(self):
        """All messages of the outbox, oldest first."""
        with reading(self.engine) as session:
            return outbox.listed(session, limit=1000)[::-1]

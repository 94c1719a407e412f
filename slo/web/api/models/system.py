"""Models of the system: how the service itself does."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slo.web.api.models.base import Answer, Time
from slo.web.api.models.notifications import Receiver


class Cycle(Answer):
    """One cycle."""

    started: Time = Field(description="When it began.")
    seconds: float | None = Field(description="How long it took.")
    slos: int = Field(description="SLOs that slo.yaml declares.")
    booked: int = Field(description="SLOs that it booked.")
    samples: int = Field(description="Samples that sources read for it.")
    requests: int = Field(description="Requests that it sent to sources.")
    errors: int = Field(description="SLOs and sources that failed.")
    lag: float | None = Field(
        description="Seconds by which the ledger furthest behind lay behind its start."
    )


class Cycles(Answer):
    """The newest cycles."""

    late: bool = Field(description="Whether none has finished for too long.")
    late_after: int = Field(description="Seconds after which that is so.")
    newest: list[Cycle] = Field(description="Newest first.")


class Source(Answer):
    """One Prometheus."""

    name: str = Field(description="Its name in slo.yaml.")
    urls: list[str] = Field(description="Its addresses, without login and query.")
    state: Literal["ok", "failing", "silent", "unknown"] = Field(
        description="`silent` as the cycles tell, `failing`: the last request to it failed; "
        "`unknown`: it was not asked since the service started."
    )
    why: str = Field(description="Why it is silent, or the kind of the last error.")
    silent_since: Time | None = Field(description="Since when it is silent.")
    version: str | None = Field(description="Its version, if it tells.")
    answered_at: Time | None = Field(description="When it last answered.")
    requests: int = Field(description="Requests since the service started.")
    errors: int = Field(description="Those that failed.")
    samples: int = Field(description="Samples that it read for us since then.")
    usual_seconds: float | None = Field(
        description="Seconds that the median of the last 100 requests took."
    )
    slowest_seconds: float | None = Field(description="Seconds that the slowest of them took.")
    slos: int = Field(description="SLOs that are counted from it.")
    unbooked: int = Field(description="Those of which nothing is booked yet.")
    newest: Time | None = Field(description="The newest reading.")
    oldest: Time | None = Field(description="The last reading of the ledger furthest behind.")
    lag: float | None = Field(description="Seconds since then.")
    backfilling: int = Field(description="Ledgers that are still to reach further back.")
    missing: int = Field(description="Seconds of ledger that those want, together.")


class Outbox(Answer):
    """The outbox."""

    pending: int = Field(description="Notifications that wait.")
    oldest: Time | None = Field(description="Since when the oldest waits.")
    ended: dict[str, int] = Field(description="What ended in the last 24 hours, by state.")
    dead: int = Field(description="What nobody got; /api/v1/notifications lists it.")


class Rows(Answer):
    """How many rows a table holds."""

    table: str = Field(description="Its name.")
    count: int = Field(description="How many.")
    amount: Literal["exact", "more", "about"] = Field(
        description="Whether it is so many, more, or about as many."
    )


class Store(Answer):
    """The database."""

    kind: Literal["sqlite", "postgresql"] = Field(description="What it is.")
    revision: str = Field(description="The version of its tables.")
    size: int = Field(description="Bytes.")
    unused: int | None = Field(description="Bytes in the file that new rows take first.")
    log: int | None = Field(description="Bytes of SQLite's write-ahead log.")
    rows: list[Rows] = Field(description="The big tables.")


class Upkeep(Answer):
    """The last upkeep, which runs once an hour."""

    at: Time = Field(description="When it was done.")
    ledgers: int = Field(description="Ledgers that were compacted.")
    readings: int = Field(description="Readings that it deleted.")
    notifications: int = Field(description="Finished notifications that it deleted.")


class Backup(Answer):
    """The last `slo db backup`."""

    at: Time = Field(description="When it was made.")
    file: str = Field(description="The name of its file.")
    bytes: int = Field(description="Its size.")


class Recount(Answer):
    """A past day counted again from its source."""

    at: Time = Field(description="When it was counted.")
    slo: str = Field(description="The id of the SLO.")
    day: Time = Field(description="The beginning of the day, in UTC.")
    agrees: bool | None = Field(description="Whether it is the same; null: it cannot be counted.")
    text: str = Field(description="What differs, or why it cannot be counted.")


class Fault(Answer):
    """A fault of slo.yaml."""

    file: str = Field(description="The file.")
    line: int = Field(description="From 1; 0 for the whole file.")
    column: int = Field(description="From 1; 0 for the whole file.")
    where: str = Field(description="What it belongs to, such as `fraud-model/latency`.")
    message: str = Field(description="What is wrong, and what would be right.")


class Config(Answer):
    """What is in force of slo.yaml."""

    file: str = Field(description="The file, as the command line names it.")
    loaded_at: Time = Field(description="When what is in force was read.")
    tried_at: Time = Field(description="When it was read last.")
    faults: list[Fault] = Field(description="Faults that keep the newest text out of force.")
    restart: list[str] = Field(description="What only a restart brings into force.")
    warnings: list[str] = Field(description="What is allowed and likely a mistake.")
    slos: int = Field(description="SLOs that it declares.")
    services: int = Field(description="Services of these.")


class Installation(Answer):
    """What runs."""

    version: str = Field(description="Of SLO Ledger.")
    python: str = Field(description="Of Python.")
    platform: str = Field(description="System and machine.")
    started_at: Time = Field(description="When the service started.")


class SystemAnswer(Answer):
    """How the service itself does."""

    at: Time = Field(description="Now.")
    installation: Installation
    cycles: Cycles
    samples_last_hour: int = Field(description="Samples that the cycles of the last hour read.")
    samples_last_day: int = Field(description="The same of the last 24 hours.")
    sources: list[Source] = Field(description="As slo.yaml lists them.")
    receivers: list[Receiver] = Field(description="As slo.yaml lists them, then those gone.")
    outbox: Outbox
    store: Store
    upkeep: Upkeep | None = Field(description="Null: none ran yet.")
    backup: Backup | None = Field(
        description="Null: none was made by `slo db backup`; PostgreSQL's own are not known."
    )
    recounts: list[Recount] = Field(description="The newest recounts of past days.")
    config: Config


class Configuration(Answer):
    """slo.yaml as it is in force, with what is secret hidden."""

    file: str = Field(description="The file, as the command line names it.")
    text: str = Field(description="YAML without comments; `***` hides what is secret.")
    warnings: list[str] = Field(description="What is allowed and likely a mistake.")
    defaults: list[str] = Field(description="What was filled in where the file says nothing.")

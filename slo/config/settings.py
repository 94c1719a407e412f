"""Settings: all that slo.yaml says, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from slo.domain.access import Role
    from slo.domain.gate import GateReason
    from slo.domain.policy import Severity
    from slo.domain.slo import SLO
    from slo.domain.source import Source

ReceiverType = Literal[
    "pagerduty", "alertmanager", "slack", "teams", "opsgenie", "email", "webhook", "apprise"
]
OptionValue = str | tuple[str, ...] | tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """A compaction tier: of readings older than `older_than`, one per `every` is kept."""

    older_than: timedelta
    every: timedelta


DEFAULT_KEEP = (
    Keep(older_than=timedelta(days=3), every=timedelta(minutes=5)),
    Keep(older_than=timedelta(days=35), every=timedelta(hours=1)),
    Keep(older_than=timedelta(days=400), every=timedelta(days=1)),
)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where notifications go; `options` are the keys of its type, sorted, and hold secrets.

    Text is kept as it is, a list as a tuple, a mapping as pairs.
    """

    name: str
    type: ReceiverType
    options: tuple[tuple[str, OptionValue], ...] = field(default=(), repr=False)
    fallback: str | None = None
    """The receiver that is told when this one has failed for minutes."""
    timeout: timedelta | None = None
    """For one attempt; None: the usual one of the type."""
    send_resolved: bool = True

    def text(self, key: str, default: str = "") -> str:
        """A text option."""
        value = dict(self.options).get(key, default)
        return value if isinstance(value, str) else default

    def texts(self, key: str) -> tuple[str, ...]:
        """A list option; a single text is a list of one."""
        value = dict(self.options).get(key, ())
        if isinstance(value, str):
            return (value,)
        return tuple(part for part in value if isinstance(part, str))

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """A mapping option."""
        value = dict(self.options).get(key, ())
        return tuple(p for p in value if isinstance(p, tuple)) if isinstance(value, tuple) else ()


@dataclass(frozen=True, slots=True)
class Route:
    """The receivers, by name, that get alerts of one severity; empty conditions hold for all.

    All routes that fit are followed. `service` and `owner` are names, `labels` must all
    be among the SLO's.
    """

    severity: Severity
    receivers: tuple[str, ...]
    service: str = ""
    owner: str = ""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The local time of day in which tickets wait; pages never do. Minutes after midnight."""

    start: int
    end: int
    zone: str = "UTC"
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """Weekdays on which it begins, Monday is 0."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """What receivers and the heartbeat may reach beside public addresses.

    `allow` holds networks such as `10.0.0.0/8`; addresses of cloud metadata are refused
    even so. `ports` beside 80, 443, 8080 and 8443.
    """

    allow: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PostmortemSettings:
    """When a postmortem is required, and the user's own template."""

    required_over: Decimal = Decimal("0.2")
    """Share of the error budget that one incident spent."""
    template: Path | None = None


AuthMode = Literal["", "none", "users", "oidc"]
PublicPart = Literal["status", "metrics"]


@dataclass(frozen=True, slots=True)
class Oidc:
    """Where people log in by OpenID Connect, and which of them may what.

    `roles` maps a value of the claim to a role, first match first; who has none of the
    values gets `default_role`, or is not let in where that is None.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str = "email"
    roles_claim: str = "groups"
    roles: tuple[tuple[str, Role], ...] = ()
    default_role: Role | None = None


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """Who may see the site, and what stands before it."""

    auth: AuthMode = ""
    """Empty: nothing is said, so users where there are any, else nobody from elsewhere."""
    public: tuple[PublicPart, ...] = ()
    """What may be seen without login."""
    hosts: tuple[str, ...] = ()
    """Names under which it may be asked for, beside that of `url`; empty: any."""
    proxies: int = 0
    """How many proxies of ours stand before it and say who asked."""
    proxy_addresses: tuple[str, ...] = ()
    """Addresses and networks of the proxies; empty: any that is not of the public internet."""
    oidc: Oidc | None = None


@dataclass(frozen=True, slots=True)
class GateSettings:
    """What closes the gate of an SLO."""

    closes_on: tuple[GateReason, ...] = ("exhausted", "page")
    """`exhausted`, `restricted`, `caution`: the budget's state, or worse; `page`, `ticket`:
    an alert of the severity fires, or of a worse one; `incident`: one is open."""
    max_age: timedelta = timedelta(minutes=10)
    """An older standing is no answer: the gate is unknown."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What slo.yaml declares; every SLO's `source` is the name of one of `sources`."""

    sources: tuple[Source, ...]
    slos: tuple[SLO, ...]
    database_url: str = field(default="sqlite:///slo.db", repr=False)
    """A relative SQLite path is relative to the working directory."""
    interval: int = 60
    """Seconds between cycles, and the bucket of every SLO."""
    keep: tuple[Keep, ...] = DEFAULT_KEEP
    """Sorted by age. Younger readings than the first tier's are all kept."""
    max_gap: timedelta = timedelta(days=7)
    """How long the edge of a silent series is kept."""
    keep_notifications: timedelta = timedelta(days=90)
    """How long finished notifications are kept."""
    receivers: tuple[Receiver, ...] = ()
    routes: tuple[Route, ...] = ()
    quiet_hours: QuietHours | None = None
    outbound: Outbound = Outbound()
    heartbeat: str = field(default="", repr=False)
    """URL that is asked for after each finished cycle; empty: none."""
    postmortems: PostmortemSettings = PostmortemSettings()
    url: str = ""
    """Where people reach the site, for links in notifications; without a slash at the end."""
    name: str = "slo-ledger"
    """What this installation calls itself in notifications."""
    site: SiteSettings = SiteSettings()
    gate: GateSettings = GateSettings()
    unlisted: tuple[str, ...] = ()
    """Services that the status page, badges and the feed leave out."""
    defaults: tuple[str, ...] = ()
    """Sentences that tell what was filled in where the file says nothing."""
    warnings: tuple[str, ...] = ()
    """Sentences about what is allowed and yet is likely a mistake."""
    _by_service: Mapping[str, tuple[SLO, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, list[SLO]] = {}
        for slo in self.slos:
            found.setdefault(slo.service, []).append(slo)
        # The way of a frozen dataclass to derive a field.
        object.__setattr__(self, "_by_service", {name: tuple(of) for name, of in found.items()})

    def of_service(self, service: str) -> tuple[SLO, ...]:
        """The SLOs of a service as they are declared, without a walk through all."""
        return self._by_service.get(service, ())

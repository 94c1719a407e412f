"""What the status page shows, made at most once a minute and kept in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from slo.store import incidents, standings
from slo.store.engine import reading
from slo.web import format as fmt
from slo.web.charts.axes import drawn
from slo.web.moment import moment, stamp
from slo.web.pages.status import public_text
from slo.web.pages.status.days import Days, service_days, sli_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.incident import Incident
    from slo.domain.standing import Standing
    from slo.web.badge import Badge
    from slo.web.pages.status.days import DayState, DayVerdict, ServiceDay

PAST_DAYS = 14
_DAY = 86_400
_LEAST_SECONDS = 60
_MOST_LISTED = 100
_HEIGHTS: dict[DayState, int] = {"met": 32, "partly": 20, "missed": 11, "none": 3}
_WORDS: dict[DayState, str] = {
    "met": "within objectives",
    "partly": "partly below",
    "missed": "below",
    "none": "no data",
}
_TROUBLES = (
    (public_text.BELOW, "below an objective"),
    (public_text.UNSEEN, "without data"),
)


@dataclass(frozen=True, slots=True)
class SLOLine:
    """One SLO of a service, in texts."""

    name: str
    badge: Badge
    sli: str
    objective: str
    window: str
    share: float | None
    """The SLI over all days."""
    promise: float
    """The objective."""


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One service: how it is, its days as a bar, and what stands behind them."""

    name: str
    badge: Badge
    bar: Markup
    figure: str
    """The SLI over all days of the SLO that is worst beside its objective."""
    slos: tuple[SLOLine, ...]
    bad_days: tuple[tuple[str, str], ...]
    """Newest first: the day, and which SLOs were below."""
    days: tuple[ServiceDay, ...]


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident, for everybody."""

    began: Markup
    title: str
    text: str
    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class StatusView:
    """The whole page as of `at`, epoch seconds."""

    at: float
    badge: Badge
    headline: str
    read: str
    """When the newest reading was taken."""
    newest: int | None
    services: tuple[ServiceView, ...]
    current: tuple[IncidentView, ...]
    past: tuple[IncidentView, ...]


class StatusCache:
    """The view made last; one thread at a time makes it anew, the others get what there is."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._days = Days()
        self._view: StatusView | None = None
        self._settings: Settings | None = None

    def view(
        self, engine: Engine, settings: Settings, now: float, *, renew: bool = False
    ) -> StatusView:
        """The view, at most two cycles or a minute old; `renew` makes it anew.

        Other settings make it anew, too: a service that they hide is to be seen no more.
        """
        kept = self._view if self._settings is settings else None
        oldest = now - max(_LEAST_SECONDS, 2 * settings.interval)
        if kept is not None and kept.at > oldest and not renew:
            return kept
        if not self._lock.acquire(blocking=kept is None) and kept is not None:
            return kept
        try:
            if self._view is None or self._view is kept or self._settings is not settings:
                self._view = self._made(engine, settings, now)
                self._settings = settings
            return self._view
        finally:
            self._lock.release()

    def _made(self, engine: Engine, settings: Settings, now: float) -> StatusView:
        with reading(engine) as session:
            known = [
                s
                for s in standings.all(session, now=now)
                if not s.paused and s.service not in settings.unlisted
            ]
            self._days.refresh(session, [s.slo for s in known], now)
            found = listed(session, settings, _MOST_LISTED, since=int(now) - PAST_DAYS * _DAY)
        by_service: dict[str, list[Standing]] = defaultdict(list)
        for standing in known:
            by_service[standing.service].append(standing)
        services = [self._service(name, of_it) for name, of_it in by_service.items()]
        services.sort(key=lambda one: (public_text.URGENCY.index(one.badge), one.name))
        return _view(services, known, found, now)

    def _service(self, name: str, known: Sequence[Standing]) -> ServiceView:
        days = [(s, self._days.of(s.slo)) for s in known]
        lines = [_line(standing, of_it) for standing, of_it in days]
        shared = service_days((s.name, of_it) for s, of_it in days)
        return ServiceView(
            name,
            public_text.service_badge([line.badge for line in lines]),
            _bar(shared),
            _figure(days),
            tuple(lines),
            tuple((fmt.day(d.day), ", ".join(d.missed)) for d in reversed(shared) if d.missed),
            tuple(shared),
        )


def listed(
    session: Session, settings: Settings, most: int, *, since: int | None = None
) -> list[Incident]:
    """The incidents of services that the status page shows, newest first.

    All that are open, and the newest `most` of those that are over, not before `since`.
    """
    unlisted = settings.unlisted
    over = incidents.many(session, status="resolved", unlisted=unlisted, since=since, limit=most)
    found = [*incidents.current(session, unlisted), *over]
    return sorted(found, key=lambda i: (i.opened_at, i.id), reverse=True)


def _view(
    services: Sequence[ServiceView],
    known: Sequence[Standing],
    found: Sequence[Incident],
    now: float,
) -> StatusView:
    newest = max((s.at for s in known), default=None)
    current = [i for i in found if i.resolved_at is None]
    badge, headline = _headline(services, len(current))
    read = ""
    if newest is not None:
        read = f"{stamp(newest, now)} UTC"
        if now - newest > _DAY // 144:
            badge = public_text.UNSEEN
            headline = f"Nothing was read for {fmt.span(now - newest)}"
    return StatusView(
        now,
        badge,
        headline,
        read,
        newest,
        tuple(services),
        tuple(_incident(i, now) for i in current),
        tuple(_incident(i, now) for i in found if i.resolved_at is not None),
    )


def _headline(services: Sequence[ServiceView], incidents_open: int) -> tuple[Badge, str]:
    """How all of it is, in one sentence."""
    if incidents_open:
        many = f"{incidents_open:,} incidents are" if incidents_open > 1 else "An incident is"
        return public_text.TROUBLE, f"{many} open"
    alone = services[0].name if len(services) == 1 else ""
    for badge, what in _TROUBLES:
        number = sum(service.badge is badge for service in services)
        if number:
            who = alone or f"{number:,} of {len(services):,} services"
            return badge, f"{who} {'is' if number == 1 else 'are'} {what}"
    if all(service.badge is public_text.NEW for service in services):
        return public_text.NEW, "It is too early to judge" if services else "There is nothing yet"
    if alone:
        return public_text.OK, f"{alone} is within its objectives"
    return public_text.OK, "All services are within their objectives"


def _incident(incident: Incident, now: float) -> IncidentView:
    return IncidentView(
        moment(incident.started_at, now),
        public_text.incident_title(incident),
        public_text.incident_text(incident, now),
        incident.started_at,
        incident.resolved_at,
    )


def _line(standing: Standing, days: Sequence[tuple[int, DayVerdict]]) -> SLOLine:
    share = sli_over(days)
    return SLOLine(
        standing.name,
        public_text.slo_badge(standing),
        fmt.sli(share, standing.objective),
        fmt.objective(standing.objective),
        standing.window_label,
        share,
        float(standing.objective),
    )


def _figure(days: Sequence[tuple[Standing, Sequence[tuple[int, DayVerdict]]]]) -> str:
    """The SLI of the SLO that spent most of what its objective allows."""
    worst: tuple[float, str] | None = None
    for standing, of_it in days:
        share = sli_over(of_it)
        if share is None:
            continue
        spent = (1 - share) / float(1 - standing.objective)
        text = f"{standing.name} {fmt.sli(share, standing.objective)}"
        if worst is None or spent > worst[0]:
            worst = spent, text
    return "" if worst is None else worst[1]


def _bar(days: Sequence[ServiceDay]) -> Markup:
    """The days as columns: the lower, the worse; each with its text."""
    columns = []
    for index, day in enumerate(days):
        height = _HEIGHTS[day.state]
        names = f": {escape(', '.join(day.missed))}" if day.state == "partly" else ""
        so_far = ", so far" if index == len(days) - 1 and day.state != "none" else ""
        columns.append(
            f'<path class="{day.state}" d="M{index * 5} {32 - height}h4V32h-4z">'
            f"<title>{fmt.day(day.day)}, {_WORDS[day.state]}{names}{so_far}</title></path>"
        )
    states = Counter(day.state for day in days)
    told = ", ".join(f"{states[state]} {word}" for state, word in _WORDS.items() if states[state])
    return drawn(
        f'<svg class="days" viewBox="0 0 {len(days) * 5 - 1} 32" preserveAspectRatio="none"'
        f' role="img" aria-label="The last {len(days)} days: {told}">{"".join(columns)}</svg>'
    )

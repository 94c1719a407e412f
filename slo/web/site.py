"""What the pages of one app share: the store, the clock and the interval."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, cast

from flask import current_app

from slo.config.settings import Settings
from slo.loaded import Loaded
from slo.sources import Sources
from slo.web.pages.overview.rows import RowCache
from slo.web.pages.status.view import StatusCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry
    from sqlalchemy import Engine

    from slo.domain.access import Identity
    from slo.domain.token import Token

EXTENSION = "slo"
MOST_TURNS = 3
"""Requests that change something at once: one fewer than the server has threads."""


@dataclass(frozen=True, slots=True)
class Scraper:
    """A token that read /metrics while the store answered, at `seen_at`, and whose it is."""

    token: Token
    identity: Identity
    seen_at: int


@dataclass(frozen=True, slots=True)
class Site:
    """One app's store and settings; `clock` gives epoch seconds."""

    engine: Engine
    registry: CollectorRegistry
    clock: Callable[[], float]
    rows: RowCache = field(default_factory=RowCache)
    status: StatusCache = field(default_factory=StatusCache)
    loaded: Loaded = field(default_factory=lambda: Loaded(Settings((), ())))
    """What slo.yaml declares; without SLOs where the site is made without one."""
    sources: Sources = field(default_factory=Sources)
    started_at: float = 0.0
    scrapers: dict[str, Scraper] = field(default_factory=dict)
    """Who may read /metrics while the store is away, by their tokens' digests; seen last, last."""
    tried: dict[str, int] = field(default_factory=dict)
    """When it was last tried to note that a session or a token was used, by what names it."""
    turns: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(MOST_TURNS))
    """Those of the requests that change something."""

    @property
    def settings(self) -> Settings:
        """The settings in force now."""
        return self.loaded.settings

    @property
    def interval(self) -> int:
        """Seconds between cycles."""
        return self.loaded.settings.interval


def current_site() -> Site:
    """The site of the app that serves this request."""
    return cast("Site", current_app.extensions[EXTENSION])

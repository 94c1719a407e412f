"""What the pages of one app share: the store, the clock and the interval."""

from __future__ import annotations

from dataclasses import dataclass, field
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

EXTENSION = "slo"


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
    scrapers: dict[str, Identity] = field(default_factory=dict)
    """Tokens, by their digests, that read /metrics lately, and may while the store is away."""

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

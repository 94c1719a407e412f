"""What the pages of one app share: the store, the clock and the interval."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from flask import current_app

from slo.config.settings import Settings
from slo.loaded import Loaded
from slo.web.overview import RowCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry
    from sqlalchemy import Engine

EXTENSION = "slo"


@dataclass(frozen=True, slots=True)
class Site:
    """One app's store and settings; `clock` gives epoch seconds, `interval` is in seconds."""

    engine: Engine
    interval: int
    registry: CollectorRegistry
    clock: Callable[[], float]
    rows: RowCache = field(default_factory=RowCache)
    loaded: Loaded = field(default_factory=lambda: Loaded(Settings((), ())))
    """What slo.yaml declares; without SLOs where the site is made without one."""

    @property
    def settings(self) -> Settings:
        """The settings in force now."""
        return self.loaded.settings


def current_site() -> Site:
    """The site of the app that serves this request."""
    return cast("Site", current_app.extensions[EXTENSION])

"""The heartbeat: a URL that is asked for after each cycle, so that its silence tells."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from slo.notify.sending import ping

if TYPE_CHECKING:
    from collections.abc import Callable

    from slo.config.settings import Settings
    from slo.loaded import Loaded

_log = logging.getLogger(__name__)

TOLD_AGAIN_AFTER = 3600
"""Seconds after which a heartbeat that fails is logged again."""


class Heartbeat:
    """Asks for the heartbeat's URL, one request at a time, in a thread of its own.

    A URL that hangs keeps no cycle waiting: while one request is on its way, the next
    beat is left out. `on_success` is told when one got through (epoch seconds).
    """

    def __init__(self, loaded: Loaded, on_success: Callable[[float], None]) -> None:
        self._loaded = loaded
        self._on_success = on_success
        self._busy = threading.Lock()
        self._told_at: float | None = None

    def beat(self, now: float) -> None:
        """Asks once, unless slo.yaml names no heartbeat or the last beat is still on its way."""
        settings = self._loaded.settings
        if settings.heartbeat and self._busy.acquire(blocking=False):
            threading.Thread(
                target=self._beat, args=(settings, now), name="heartbeat", daemon=True
            ).start()

    def _beat(self, settings: Settings, now: float) -> None:
        try:
            reply = ping(settings, settings.heartbeat, now)
            if reply.status is not None and 200 <= reply.status < 300:  # noqa: PLR2004 -- success.
                if self._told_at is not None:
                    _log.info("the heartbeat gets through again")
                self._told_at = None
                self._on_success(now)
            elif self._told_at is None or now - self._told_at >= TOLD_AGAIN_AFTER:
                self._told_at = now
                _log.warning("the heartbeat failed: %s", reply.error or f"status {reply.status}")
        finally:
            self._busy.release()

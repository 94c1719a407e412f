"""Every event once, in its bucket, however the ledger came about: live, late or by backfill."""

from __future__ import annotations

import pytest

from slo import backfill as backfill_module
from slo.store import notes, slos
from slo.store.engine import reading
from tests.support import services
from tests.support.books import (
    buckets,
    catch_up,
    fill,
    ledgers,
    open_books,
    ripe,
    run_cycles,
    wrong_buckets,
)
from tests.support.prometheus_server import PrometheusServer
from tests.support.services import END, LEFT, MIDNIGHT, MOMENTS, RIGHT, START, settings_yaml

EXACT = [service.name for service in services.exact_services()] if False else None
AROUND = 8 * 60


def live_instants(start: int, end: int) -> list[int]:
    """Every minute around the moments, and now and then in between."""
    found, now = [], ripe(start)
    while now <= ripe(end):
        found.append(now)
        near = any(m - AROUND <= now + 60 <= m + AROUND for m in MOMENTS)
        following = min((m - AROUND for m in MOMENTS if m - AROUND > now), default=end + 60)
        now = now + 60 if near else ripe(min(now // 60 * 60 + 37 * 60, following // 60 * 60))
    return [*found, ripe(end)]

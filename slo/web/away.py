"""A store that is away: what the log says of it, and what the one who asks is told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import request

from slo.web.identity import may_know_inside

if TYPE_CHECKING:
    from slo.store.engine import StoreError

_log = logging.getLogger(__name__)


def told(error: StoreError) -> str:
    """Writes to the log why the store does not answer; gives what the one who asks may know.

    The driver's words tell where the database is, and as whom one logs in there.
    """
    _log.error("the store does not answer %r: %s", request.path, error)
    return str(error) if may_know_inside() else "the log of the service says why"

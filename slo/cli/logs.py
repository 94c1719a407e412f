"""Logs on stderr, as text for people or as one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from slo.domain.span import utc

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")
QUIET = ("alembic", "apscheduler", "urllib3", "waitress")
"""Libraries that tell at `info` what nobody asked for."""

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A record as a JSON object: at, level, logger, message, its `extra`, the trace if any."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        body: dict[str, Any] = {
            "at": utc(record.created).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        body |= {k: v for k, v in vars(record).items() if k not in _PLAIN and k not in body}
        if record.exc_info:
            body["trace"] = self.formatException(record.exc_info)
        return json.dumps(body, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A record as `2026-11-20T20:00:00Z warning slo.cycle: message`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(level)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 -- logging's signature.
        """When it was logged, to the second, in UTC."""
        return utc(record.created).isoformat(timespec="seconds").replace("+00:00", "Z")

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, with its trace below if it has one."""
        record.level = record.levelname.lower()
        return super().format(record)


def set_up_logs(level: str, form: str) -> None:
    """Log to stderr from `level` on, in one of `FORMATS`; done again, it replaces the former."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        least = logging.NOTSET if level == "debug" else logging.WARNING
        logging.getLogger(name).setLevel(least)

"""slo.yaml -> domain objects, with every fault's file, line and column."""

from __future__ import annotations

from slo.config.fault import ConfigError, Fault
from slo.config.loader import load, parse
from slo.config.schema import schema, schema_text
from slo.config.settings import (
    Keep,
    Outbound,
    PostmortemSettings,
    QuietHours,
    Receiver,
    Route,
    Settings,
)

__all__ = [
    "ConfigError",
    "Fault",
    "Keep",
    "Outbound",
    "PostmortemSettings",
    "QuietHours",
    "Receiver",
    "Route",
    "Settings",
    "load",
    "parse",
    "schema",
    "schema_text",
]

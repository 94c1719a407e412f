"""Postmortems: drafted when an incident resolves, rendered safely, exported."""

from __future__ import annotations

from slo.postmortem.drafting import draft

__all__ = ["draft"]

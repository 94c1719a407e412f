"""Alert policies as canonical JSON, as the store keeps them."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slo.domain.policy import Policy


@lru_cache(maxsize=10_000)
def dump_policy(policy: Policy) -> str:
    """The rules as JSON with sorted keys; the same rules are the same text."""
    rules = [{**asdict(rule), "kind": rule.kind} for rule in policy.rules]
    return json.dumps({"rules": rules}, sort_keys=True, default=str)

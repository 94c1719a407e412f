"""Alert policies as canonical JSON, for the store and for `slo replay --policy`."""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from slo.domain.policy import AbsenceRule, BudgetRule, BurnRule, FloorRule, Policy

if TYPE_CHECKING:
    from slo.domain.policy import Rule

_KINDS: dict[str, type[Any]] = {"burn": BurnRule, "floor": FloorRule, "budget": BudgetRule}
_DECIMALS = {"factor", "least", "spent"}


@lru_cache(maxsize=10_000)
def dump_policy(policy: Policy) -> str:
    """The rules as JSON with sorted keys; the same rules are the same text."""
    rules = [{**asdict(rule), "kind": rule.kind} for rule in policy.rules]
    return json.dumps({"rules": rules}, sort_keys=True, default=str)


def load_policy(text: str) -> Policy:
    """The policy that `dump_policy` wrote."""
    return Policy(tuple(_rule(fields) for fields in json.loads(text)["rules"]))


def _rule(fields: dict[str, Any]) -> Rule:
    kind = fields.pop("kind")
    values: dict[str, Any] = {
        key: Decimal(value) if key in _DECIMALS else value for key, value in fields.items()
    }
    rule: Rule = _KINDS.get(kind, AbsenceRule)(**values)
    return rule

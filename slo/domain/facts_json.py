"""Facts as JSON, as the outbox keeps them, and back."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

from slo.domain.notification import Contributor, Facts

_PAIRS = ("labels", "burn_rates")
_NAMES = frozenset(f.name for f in fields(Facts))


def facts_json(facts: Facts) -> str:
    """The facts as a JSON object with sorted keys."""
    return json.dumps(asdict(facts), sort_keys=True, ensure_ascii=False, allow_nan=False)


def facts_from_json(text: str) -> Facts:
    """The facts that `facts_json` wrote; keys of a later version are left out."""
    found: dict[str, Any] = {k: v for k, v in json.loads(text).items() if k in _NAMES}
    for name in _PAIRS:
        found[name] = tuple((key, value) for key, value in found.get(name, ()))
    found["slos"] = tuple(found.get("slos", ()))
    found["contributors"] = tuple(Contributor(**c) for c in found.get("contributors", ()))
    return Facts(**found)

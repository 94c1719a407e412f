"""What the audit says where slo.yaml counts something else from now on, in another ledger."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING

from slo.domain.duration import format_duration
from slo.domain.meter import indicator_from_json, indicator_json
from slo.store import audit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from slo.domain.indicator import Indicator
    from slo.domain.meter import Meter


def tell(session: Session, changed: Iterable[tuple[Meter, Indicator, int]], at: int) -> None:
    """Writes the former meter beside the indicator and the bucket (seconds) that count now.

    Where both are the same, another rule that changes counts is not: the source,
    births or labels that are ignored.
    """
    audit.add_many(session, [_entry(*one, at) for one in changed])


def _entry(former: Meter, indicator: Indicator, bucket: int, at: int) -> audit.Entry:
    old = _parts(indicator_from_json(former.indicator), former.bucket)
    # Kept and read again as the former was, so that the order of matchers is the same.
    new = _parts(indicator_from_json(indicator_json(indicator)), bucket)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return audit.Entry(
        at,
        audit.CONFIG,
        "remeter",
        former.slo,
        {},
        {name: old[name] for name in names if name in old},
        {name: new[name] for name in names if name in new},
    )


def _parts(indicator: Indicator, bucket: int) -> dict[str, str]:
    """What decides how events are found, as people write it; what is left out is not among it."""
    found = {part.name: getattr(indicator, part.name) for part in fields(indicator)}
    found |= {"interval": timedelta(seconds=bucket)}
    return {name: _text(value) for name, value in found.items() if value is not None}


def _text(value: object) -> str:
    return format_duration(value) if isinstance(value, timedelta) else str(value)

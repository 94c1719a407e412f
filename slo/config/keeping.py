"""The compaction tiers of slo.yaml: `keep: {1m: 3d, 5m: 35d, 1h: 400d, 1d: forever}`."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from slo.config.readers import read_seconds
from slo.config.scalars import ScalarError, shown
from slo.config.settings import DEFAULT_KEEP, Keep
from slo.domain.duration import format_duration

FOREVER = "forever"


def _tiers(value: object) -> tuple[tuple[timedelta, timedelta | None], ...]:
    """Spacing and the age up to which it is kept, None for ever; finest first."""
    if not isinstance(value, dict) or not value:
        raise ScalarError("must be a mapping of spacings to ages, such as {1m: 3d, 1h: forever}")
    tiers = []
    for every, until in value.items():
        if not isinstance(until, str):
            raise ScalarError(f"{every}: must be a duration such as 35d, or {FOREVER}")
        try:
            age = None if until == FOREVER else read_seconds(until)
            tiers.append((read_seconds(every), age))
        except ValueError:
            raise ScalarError(
                f"{every}: {shown(until)} is not two durations, as in 5m: 35d, or 1d: {FOREVER}"
            ) from None
    _ensure_nested(tiers)
    return tuple(tiers)


def _ensure_nested(tiers: list[tuple[timedelta, timedelta | None]]) -> None:
    if tiers[-1][1] is not None:
        raise ScalarError(f"must end with a spacing that is kept {FOREVER}, such as 1d: {FOREVER}")
    for (fine, young), (coarse, old) in pairwise(tiers):
        if coarse <= fine or coarse % fine:
            raise ScalarError(
                f"{format_duration(coarse)} must be a multiple of {format_duration(fine)}, "
                "so that coarser readings are among the finer ones"
            )
        if young is None or (old is not None and old <= young):
            raise ScalarError("ages must grow from each spacing to the next")


KeepValue = Annotated[
    tuple[tuple[timedelta, timedelta | None], ...],
    PlainValidator(_tiers),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
]


def keep_of(
    tiers: tuple[tuple[timedelta, timedelta | None], ...] | None, interval: timedelta
) -> tuple[Keep, ...]:
    """The tiers that delete readings; the first spacing is the interval itself."""
    if tiers is None:
        return tuple(keep for keep in DEFAULT_KEEP if keep.every > interval)
    return tuple(
        Keep(older_than=age, every=every)
        for (_, age), (every, _) in pairwise(tiers)
        if age is not None
    )

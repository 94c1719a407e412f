"""Compaction: deletes readings between others. No span between the remaining ones changes."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select, update

from slo.store import schema
from slo.store.dialect import write_many

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.orm import Session

_m, _r = schema.meter, schema.reading


def compact(
    session: Session,
    meter_id: int,
    now: int,
    keep: Sequence[tuple[int, int]],
    pinned: Collection[int],
) -> int:
    """Deletes a meter's readings that are kept no longer, and gives their number.

    `keep` holds `(older_than, every)` in seconds: of readings older than the first,
    the last at or before each multiple of the second stays. So do the meter's first
    and last reading, and the last at or before each instant of `pinned`. A kept
    reading takes over the longest carried step of those deleted before it.
    """
    # Against a backfill that extends the ledger's beginning meanwhile.
    session.execute(select(_m.c.id).where(_m.c.id == meter_id).with_for_update(key_share=True))
    query = select(_r.c.end, _r.c.carried).where(_r.c.meter_id == meter_id).order_by(_r.c.end)
    rows = [(end, carried) for end, carried in session.execute(query)]
    kept = kept_ends([end for end, _ in rows], now, keep, pinned)
    doomed, moved = [], []
    carried = 0
    for end, own in rows:
        carried = max(carried, own)
        if end not in kept:
            doomed.append({"m": meter_id, "e": end})
            continue
        if carried != own:
            moved.append({"m": meter_id, "e": end, "c": carried})
        carried = 0
    here = (_r.c.meter_id == bindparam("m"), _r.c.end == bindparam("e"))
    write_many(session, update(_r).where(*here).values(carried=bindparam("c")), moved)
    write_many(session, delete(_r).where(*here), doomed)
    return len(doomed)


def kept_ends(
    ends: Sequence[int], now: int, keep: Sequence[tuple[int, int]], pinned: Collection[int]
) -> set[int]:
    """Which of the ends (ascending, epoch seconds) stay, by the rules of `compact`."""
    places = (bisect_right(ends, t) for t in pinned)
    kept = {ends[place - 1] for place in places if place} | {*ends[:1], *ends[-1:]}
    tiers = sorted(keep, reverse=True)
    for end, following in pairwise(ends):
        every = next((every for older, every in tiers if now - end > older), None)
        # The last of its grid cell (k x every - every, k x every] is the one to keep.
        if every is None or -(-end // every) != -(-following // every):
            kept.add(end)
    return kept

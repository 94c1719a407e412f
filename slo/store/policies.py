"""Alert policies as they were in force: a row for each change of an SLO's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from slo.domain.policy_json import dump_policy
from slo.store import schema
from slo.store.dialect import among, digest
from slo.store.slos import row_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.orm import Session

    from slo.domain.policy import Policy

_p = schema.policy


def ensure(session: Session, policies: Mapping[str, Policy], at: int) -> dict[str, int]:
    """The id of the row with each SLO's policy, which is added where it changed."""
    ids = row_ids(session, policies)
    known = _newest(session, ids.values())
    result = {}
    for slo_id, policy in policies.items():
        body = dump_policy(policy)
        number, found = known.get(ids[slo_id], (0, ""))
        if found != digest(body):
            row = {"slo_id": ids[slo_id], "digest": digest(body), "body": body, "since": at}
            number = session.execute(insert(_p).values(row).returning(_p.c.id)).scalar_one()
        result[slo_id] = number
    return result


def newest(session: Session, slo_ids: Collection[str]) -> dict[str, int]:
    """The id of the policy that decided last, by SLO id."""
    ids = row_ids(session, slo_ids)
    known = _newest(session, ids.values())
    return {slo_id: known[row][0] for slo_id, row in ids.items() if row in known}


def _newest(session: Session, rows: Collection[int]) -> dict[int, tuple[int, str]]:
    """The id and digest of the newest policy by the row id of its SLO."""
    last = (
        select(_p.c.slo_id, func.max(_p.c.id).label("id"))
        .where(among(session, _p.c.slo_id, rows))
        .group_by(_p.c.slo_id)
        .subquery()
    )
    found = session.execute(
        select(_p.c.slo_id, _p.c.id, _p.c.digest).join(last, last.c.id == _p.c.id)
    )
    return {slo_id: (number, digest_) for slo_id, number, digest_ in found}

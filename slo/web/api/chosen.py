"""The SLO that an address names, or a problem that tells which are like it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.store import standings
from slo.web.api.operation import PREFIX
from slo.web.near import nearby
from slo.web.problem import ProblemError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.domain.standing import Standing


def ensure_standing(session: Session, service: str, name: str) -> Standing:
    """The standing of `service/name`; a 404 problem where there is none."""
    slo_id = f"{service}/{name}"
    standing = standings.one(session, slo_id)
    if standing is None:
        near = nearby(slo_id[:200], (s.slo for s in standings.all(session, sparklines=False)))
        hint = f"did you mean {' or '.join(near)}?" if near else f"{PREFIX}/slos lists all"
        raise ProblemError(404, f"there is no SLO {slo_id[:200]}; {hint}", near=near)
    return standing

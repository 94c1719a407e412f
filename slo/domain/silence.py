"""Silences: until when whom not to tell. They mute notifications, never the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from slo.domain.scope import in_scope


@dataclass(frozen=True, slots=True)
class Silence:
    """Mutes notifications of SLOs in its scope from `start` until `end`; it must end.

    `scope` is `*`, `service/*` or `service/name`; `labels` (name, value) must all be
    among the SLO's. Epoch seconds.
    """

    id: int
    scope: str
    start: int
    end: int
    who: str
    why: str
    labels: tuple[tuple[str, str], ...] = ()
    at: int = 0
    ended_at: int | None = None

    def mutes(self, slo: str, labels: dict[str, str], now: float) -> bool:
        """Whether it mutes the SLO with this id and these labels at `now`."""
        end = self.end if self.ended_at is None else min(self.end, self.ended_at)
        if not self.start <= now < end:
            return False
        return in_scope(self.scope, slo) and all(
            labels.get(key) == value for key, value in self.labels
        )

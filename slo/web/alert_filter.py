"""Which alerts somebody asks for, of those that fire and of those that did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.store import alerts

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.domain.alert import AlertState, Transition


@dataclass(frozen=True, slots=True)
class Filter:
    """Which alerts are asked for; what is empty narrows nothing. Epoch seconds."""

    slo: str | None = None
    service: str | None = None
    severity: str | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 200
    before: int | None = None
    """The `next` of a former answer, which this one continues."""
    kind: str | None = None
    rule: str | None = None
    change: str | None = None
    """Of the history only."""
    text: str | None = None
    """In the SLO's id, the rule's name or the reason, in any case of letters."""

    def fits(self, slo_id: str, state: AlertState) -> bool:
        """Whether a state is asked for; what fires now does so whatever time is asked for.

        The text is left out: which reason a state is shown with, only its list knows.
        """
        return (
            self.slo in {None, slo_id}
            and self.service in {None, slo_id.partition("/")[0]}
            and self.severity in {None, state.severity}
            and self.kind in {None, state.kind}
            and self.rule in {None, state.rule}
        )

    def reads(self, *texts: str) -> bool:
        """Whether the text that is asked for is in one of these."""
        return self.text is None or any(self.text.lower() in text.lower() for text in texts)

    def history(self, session: Session) -> list[Transition]:
        """The transitions that are asked for, newest first."""
        return alerts.history(
            session,
            slo=self.slo,
            service=self.service,
            severity=self.severity,
            kind=self.kind,
            rule=self.rule,
            change=self.change,
            text=self.text,
            since=self.since,
            until=self.until,
            limit=self.limit,
            before=self.before,
        )

"""The keys of slo.yaml around paging: quiet hours, outbound addresses and postmortems."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from slo.config.document import KEY
from slo.config.kinds import Clock, DayWord, Network, Port, Share, Text, Zone
from slo.config.settings import Outbound, PostmortemSettings, QuietHours
from slo.config.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePath

    from slo.config.shape import Complaint

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class QuietHoursShape(Shape):
    """The local time of day in which tickets wait; pages never do."""

    start: Clock = Field(alias="from", description='Local time at which they begin, "22:00".')
    to: Clock = Field(description='Local time at which they end, "07:00".')
    zone: Zone = Field(default="UTC", description="Time zone of both.")
    days: list[DayWord] = Field(
        default=list(DAYS), description="Weekdays on which they begin: mon, tue, ... sun."
    )

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """Hours that are neither none nor all of the day, on at least one day."""
        texts = [getattr(data.get(key), "text", data.get(key)) for key in ("from", "to")]
        if isinstance(texts[0], str) and texts[0] == texts[1]:
            yield ("to",), "must differ from from"
        if data.get("days") == []:
            yield ("days", KEY), "is empty; write at least one day, or leave the key out"

    def hours(self) -> QuietHours:
        """The quiet hours."""
        days = tuple(sorted({DAYS.index(day) for day in self.days}))
        return QuietHours(self.start, self.to, self.zone, days)


class OutboundShape(Shape):
    """What receivers and the heartbeat may reach beside public addresses and usual ports."""

    allow: list[Network] = Field(
        default=[], description="Networks or addresses that are not public, such as 10.0.0.0/8."
    )
    ports: list[Port] = Field(default=[], description="Ports beside 80, 443, 8080 and 8443.")

    def outbound(self) -> Outbound:
        """What may be reached."""
        return Outbound(tuple(dict.fromkeys(self.allow)), tuple(sorted(set(self.ports))))


class PostmortemsShape(Shape):
    """When a postmortem is required, and its template."""

    required_over: Share = Field(
        default=Decimal("0.2"),
        description="A postmortem is required of an incident that spent more of the budget.",
    )
    template: Text | None = Field(
        default=None, description="File of a Jinja2 template of your own, in Markdown."
    )

    def settings(self, folder: PurePath) -> PostmortemSettings:
        """The settings; a relative path begins in `folder`."""
        path = None if self.template is None else Path(folder / self.template).absolute()
        return PostmortemSettings(self.required_over, path)

"""How bad an incident is: what each of its SLOs lost in it, and how they burn now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from slo.web import format as fmt
from slo.web import urgency
from slo.web.moment import moment
from slo.web.windows import window_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slo.domain.incident import Incident, IncidentSLO
    from slo.domain.standing import Standing

Tile = tuple[str, str, str | Markup]
"""A name, a number, and what belongs to it."""


@dataclass(frozen=True, slots=True)
class Loss:
    """One SLO of an incident: what it lost in it, and how it stands as of its last cycle."""

    part: IncidentSLO
    standing: Standing | None

    @property
    def slo(self) -> tuple[str, str]:
        """Its service and its name."""
        service, _, name = self.part.slo.partition("/")
        return service, name

    @property
    def about(self) -> str:
        """What it promises, in its owner's words."""
        return "" if self.standing is None else self.standing.description

    @property
    def unit(self) -> str:
        """What it counts."""
        slices = self.standing is not None and self.standing.slices
        return "slices" if slices else "events"

    @property
    def bad(self) -> str:
        """Its bad events since the burn began."""
        return fmt.count(self.part.bad)

    @property
    def total(self) -> str:
        """All of its events since then."""
        return fmt.count(self.part.total)

    @property
    def ratio(self) -> str:
        """The share of them that was bad."""
        return fmt.percent(self.part.bad / self.part.total) if self.part.total > 0 else fmt.DASH

    @property
    def share(self) -> str:
        """What that is of its error budget."""
        return fmt.percent(self.part.budget_share)

    @property
    def left(self) -> str:
        """What is left of the budget."""
        return fmt.DASH if self.standing is None else fmt.percent(self.standing.budget.remaining)

    def burn(self, span: str) -> str:
        """How fast it burns over a span such as `1h`."""
        return fmt.burn(self._rate(span))

    def gone(self, now: float) -> str:
        """When the budget will be gone, if it goes on like this."""
        text = fmt.DASH if self.standing is None else urgency.forecast(self.standing, now)
        if not text.endswith("days") and ":" not in text:
            return "" if text == fmt.DASH else text
        return f"gone {'in ' if text.endswith('days') else ''}{text}"

    def gravity(self) -> tuple[float, float, str]:
        """The sort key while it goes on: what burns fastest, then what lost most."""
        fast = self._rate("5m")
        fast = self._rate("1h") if fast is None else fast
        return -(fast or 0.0), *self.cost()

    def cost(self) -> tuple[float, str]:
        """The sort key of what is over: what lost most, then the name."""
        return -(self.part.budget_share or 0.0), self.part.slo

    def _rate(self, span: str) -> float | None:
        return None if self.standing is None else urgency.burn_over(self.standing, span)


def losses(incident: Incident, standings: Iterable[Standing | None]) -> list[Loss]:
    """What the SLOs of an incident lost, the worst first; a standing for each of them.

    How they burn by now says nothing of an incident that is over.
    """
    found = [Loss(part, one) for part, one in zip(incident.slos, standings, strict=True)]
    return sorted(found, key=Loss.cost if incident.status == "resolved" else Loss.gravity)


def tiles(incident: Incident, lost: Sequence[Loss], now: float) -> list[Tile]:
    """The numbers on top: how bad it is while it goes on, and how it went once it is over."""
    if incident.status == "resolved":
        return [*(_spent(lost[0], len(lost)) for _ in lost[:1]), *_times(incident, now)]
    since = Markup("since {}, detected in {}").format(
        moment(incident.started_at, now), fmt.span(incident.seconds_to_detect)
    )
    length = fmt.span(incident.seconds_lasted(now))
    return [("Burning for", length, since), *_state(incident, lost, now)]


def _state(incident: Incident, lost: Sequence[Loss], now: float) -> list[Tile]:
    """How the worst of its SLOs burns."""
    if not lost:
        return []
    worst = lost[0]
    ending: str | Markup = "still burns"
    if incident.mitigated_at is not None:
        ending = Markup("below 1x since {}").format(moment(incident.mitigated_at, now))
    slower = Markup("{} over 1{}h, {}").format(worst.burn("1h"), fmt.SPACE, ending)
    return [
        (f"Burn rate, 5{fmt.SPACE}min", worst.burn("5m"), slower),
        (f"Bad {worst.unit}", worst.bad, f"{worst.ratio} of {worst.total}"),
        _spent(worst, len(lost)),
        ("Budget left", worst.left, worst.gone(now)),
    ]


def _spent(worst: Loss, number: int) -> Tile:
    """What the worst of the incident's SLOs lost, of the budget for its window."""
    told, standing = f"of {worst.part.slo}", worst.standing
    if number == 1 and standing is not None:
        the = "" if standing.window_kind == "rolling" else "the "
        told = f"of the budget for {the}{window_name(standing)}"
    return ("Budget spent in it", worst.share, told)


def _times(incident: Incident, now: float) -> list[Tile]:
    """How long it took until each step."""
    phases = (
        ("Time to detect", incident.seconds_to_detect, incident.opened_at, ""),
        (
            "To acknowledge",
            incident.seconds_to_acknowledge,
            incident.first_acknowledged_at,
            "nobody did",
        ),
        ("To mitigate", incident.seconds_to_mitigate, incident.mitigated_at, "not before its end"),
        ("To resolve", incident.seconds_to_resolve, incident.resolved_at, ""),
    )
    return [
        (
            name,
            fmt.DASH if seconds is None else fmt.span(seconds),
            missing if at is None else moment(at, now),
        )
        for name, seconds, at, missing in phases
    ]

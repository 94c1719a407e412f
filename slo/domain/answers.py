"""What counting asks beside the samples: counter starts, process starts, and `up`.

Times are epoch milliseconds; the values of starts are epoch seconds, as scraped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slo.domain.coverage import Timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slo.domain.series import Key

_UNKNOWN = Timeline()


@dataclass(frozen=True, slots=True)
class Questions:
    """What must be known before a span can be booked."""

    starts: frozenset[Key]
    """Series whose counter's or process's start matters."""
    ups: frozenset[str]
    """Targets whose `up` matters."""
    unseen: frozenset[Key]
    """Series without a left edge: a fresh count looks further back for these first."""


@dataclass(frozen=True, slots=True)
class KnownStarts:
    """The starts told for one series; its own (`_created`) go before its process's."""

    created: Timeline
    process: Timeline

    def between(self, after: int, until: int) -> int | None:
        """The newest start that was told in `(after, until]`."""
        for timeline in (self.created, self.process):
            told = timeline.at(until)
            if told is not None and told[0] > after:
                return round(told[1] * 1000)
        return None

    def before(self, until: int) -> int | None:
        """The newest start that was told at or before `until`."""
        told = self.created_at(until)
        return self.process_at(until) if told is None else told

    def created_at(self, until: int) -> int | None:
        """The counter's own start, as told at `until`."""
        return _start(self.created, until)

    def process_at(self, until: int) -> int | None:
        """The start of its target's process, as told at `until`."""
        return _start(self.process, until)


@dataclass(frozen=True, slots=True)
class Answers:
    """Starts by series and `up` by target, as far as the source knows them."""

    created: Mapping[Key, Timeline] = field(default_factory=dict)
    process: Mapping[Key, Timeline] = field(default_factory=dict)
    ups: Mapping[str, Timeline] = field(default_factory=dict)

    def starts(self, key: Key) -> KnownStarts:
        """What is known of the starts of one series."""
        return KnownStarts(self.created.get(key, _UNKNOWN), self.process.get(key, _UNKNOWN))

    def up(self, target: str) -> Timeline:
        """`up` of one target; empty if not asked or not known."""
        return self.ups.get(target, _UNKNOWN)


def _start(timeline: Timeline, until: int) -> int | None:
    told = timeline.at(until)
    return None if told is None else round(told[1] * 1000)

"""Badges: the states of SLOs as pages show them, and what fires."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as it is shown: by icon and word, never by colour alone."""

    key: str
    icon: str
    word: str
    meaning: str


BADGES: dict[str, Badge] = {
    badge.key: badge
    for badge in (
        Badge("exhausted", "\u2715", "exhausted", "The error budget is spent."),
        Badge("restricted", "\u25b2", "restricted", "Little of the error budget is left."),
        Badge("none", "?", "no data", "No data arrives; the budget stands where it was."),
        Badge("caution", "\u25b3", "caution", "The error budget runs low."),
        Badge("late", "\u25f7", "late", "Data is late."),
        Badge("paused", "\u2016", "paused", "No longer in slo.yaml."),
        Badge("new", "\u25cb", "new", "Under a day of history; too early to judge."),
        Badge("healthy", "\u2713", "healthy", "The error budget holds."),
    )
}
"""By urgency, most urgent first."""

FIRES: dict[str, Badge] = {
    "page": Badge("page", "\u25c6", "page fires", "An alert fires that pages."),
    "ticket": Badge("ticket", "\u25c7", "ticket fires", "An alert fires that can wait."),
}
"""Beside the budget's state: an alert fires, by its severity."""

UNREAD = Badge("fault", "\u26a0", "not read", "It cannot be read; the budget stands where it was.")
"""On cards only: beside a state it would be one word too many in the table."""

DOUBT = Badge("doubt", "!", "in doubt", "Notes put these numbers in doubt.")

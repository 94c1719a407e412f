"""What of the service itself needs attention: a card for each thing, most urgent first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.web import format as fmt
from slo.web.badge import Badge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slo.config.fault import Fault
    from slo.system import ReceiverHealth, SourceHealth, System
    from slo.web.banner import Banner

MOST_FAULTS = 20
"""Faults of slo.yaml that the card lists; the log has them all."""
_DAY = 86_400
_OLD_BACKUP = 7 * _DAY

STOPPED = Badge("exhausted", "\u2715", "stopped", "Nothing is booked and nothing is decided.")
SILENT = Badge("exhausted", "\u2715", "silent", "Nothing can be read from it.")
PAUSED = Badge("exhausted", "\u2016", "paused", "It refuses us; it is tried once an hour.")
FAILING = Badge("fault", "\u26a0", "failing", "It is tried again by itself.")
FAULTY = Badge("fault", "\u26a0", "not in force", "The last good settings stay until it is mended.")
WAITS = Badge("fault", "\u26a0", "waits", "Only a restart brings it into force.")
LOST = Badge("fault", "\u26a0", "undelivered", "Each attempt failed, and time ran out.")
DIFFERS = Badge("doubt", "!", "differs", "Prometheus tells another number than was booked.")
BEHIND = Badge("fault", "\u25f7", "behind", "Budgets and alerts are that old.")
OLD = Badge("fault", "\u25f7", "old", "The ledger is the only copy of the past.")
WELL = Badge("healthy", "\u2713", "Nothing needs attention", "All that is known of is well.")
EARLY = Badge("none", "\u2013", "Nothing is known yet", "The service has just started.")
_BANNERS = {"cycle": STOPPED, "faults": FAULTY, "restart": WAITS}


@dataclass(frozen=True, slots=True)
class Card:
    """One thing that needs attention; the title leads to `url`."""

    title: str
    url: str
    badge: Badge
    text: str
    faults: tuple[Fault, ...] = ()


def attention(system: System, banners: Iterable[Banner]) -> list[Card]:
    """What needs attention, most urgent first; `banners` tell the same on all other pages."""
    told = {banner.key: _of_banner(banner, system) for banner in banners}
    found = [
        told.get("cycle"),
        *_of_sources(system.sources, system.at),
        *_of_receivers(system.receivers, system.at),
        *_of_outbox(system),
        # Without cycles all is behind, which is told already.
        *(() if "cycle" in told else _of_cycles(system)),
        *_of_recounts(system),
        told.get("restart"),
        *_of_backups(system),
        # A list, and so as wide as the page: the cards before it fill their rows.
        told.get("faults"),
    ]
    return [card for card in found if card is not None]


@dataclass(frozen=True, slots=True)
class AllClear:
    """What stands in place of the cards where there is none."""

    badge: Badge
    text: str


def all_clear(system: System) -> AllClear:
    """That all is well, as far as it has shown: who asks no one and tells no one claims neither."""
    if not system.cycles:
        return AllClear(EARLY, "The first cycle has not finished.")
    parts = ["Cycles finish"]
    if system.sources and all(one.state == "ok" for one in system.sources):
        parts.append("every Prometheus answers")
    if any(one.health.delivered_at is not None for one in system.receivers):
        parts.append("notifications get through")
    *first, last = parts
    return AllClear(WELL, f"{', '.join(first)} and {last}." if first else f"{last}.")


def _of_banner(banner: Banner, system: System) -> Card:
    faults = system.config.faults if banner.key == "faults" else ()
    url = "#cycles" if banner.key == "cycle" else "#file"
    return Card(banner.title.rstrip("."), url, _BANNERS[banner.key], banner.text, faults)


def _of_sources(sources: Iterable[SourceHealth], now: float) -> Iterator[Card]:
    for one in sources:
        slos = one.progress.slos if one.progress else 0
        what = f"{slos:,} SLO{'' if slos == 1 else 's'} cannot be counted." if slos else ""
        if one.silent_since is not None:
            since = f"For {fmt.span(now - one.silent_since)}: {one.reason}."
            yield Card(_title(one), "#prometheus", SILENT, f"{since} {what}".strip())
        elif one.state == "failing":
            text = f"The last request to it failed: {one.why.replace('_', ' ')}."
            yield Card(_title(one), "#prometheus", FAILING, text)


def _title(source: SourceHealth) -> str:
    """The source that has no name of its own is called by that of all."""
    return "Prometheus" if source.name == "prometheus" else f"Prometheus {source.name}"


def _of_receivers(receivers: Iterable[ReceiverHealth], now: float) -> Iterator[Card]:
    for one in receivers:
        health, waiting = one.health, one.backlog.pending
        word = "notification waits" if waiting == 1 else "notifications wait"
        waits = f" {waiting:,} {word}." if waiting else ""
        title = f"Receiver {one.name}"
        if one.state == "paused":
            text = f"{_sentence(health.paused_why)}{waits}"
            yield Card(title, "#receivers", PAUSED, text)
        elif one.state in {"failing", "open"}:
            since = "" if health.failing_since is None else fmt.span(now - health.failing_since)
            text = f"Nothing gets through{f' for {since}' if since else ''}.{waits}"
            yield Card(title, "#receivers", FAILING, text)


def _of_outbox(system: System) -> Iterator[Card]:
    dead = system.outbox.ended.get("dead", 0)
    if dead:
        title = f"{dead:,} notification{'' if dead == 1 else 's'} that nobody got"
        yield Card(title, "#dead", LOST, "Given up in the last 24 hours; each can be sent again.")


def _of_cycles(system: System) -> Iterator[Card]:
    behind = system.behind
    if behind is not None and behind >= system.late_after:
        text = "The ledger that is furthest behind ends there; it catches up by itself."
        yield Card(f"Booking is {fmt.span(behind)} behind", "#prometheus", BEHIND, text)
    errors = system.cycles[0].errors if system.cycles else 0
    silent = any(one.state == "silent" for one in system.sources)
    if errors and not silent:
        title = f"{errors:,} error{'' if errors == 1 else 's'} in the last cycle"
        text = "The overview tells which SLOs cannot be read and why; the log has it in full."
        yield Card(title, "/?state=fault", FAILING, text)


def _of_recounts(system: System) -> Iterator[Card]:
    differing = [one for one in system.last_recounts if one.agrees is False]
    if differing:
        number = len(differing)
        title = f"{number:,} recount{' differs' if number == 1 else 's differ'} from the ledger"
        names = ", ".join(f"{one.slo} on {fmt.day(one.day)}" for one in differing[:3])
        more = f" and {number - 3:,} more" if number > 3 else ""  # noqa: PLR2004 -- three names.
        yield Card(title, "#recounts", DIFFERS, f"{names}{more}. slo verify shows the difference.")


def _of_backups(system: System) -> Iterator[Card]:
    made = None if system.backup is None else system.at - system.backup["at"]
    if made is not None and made >= _OLD_BACKUP:
        text = "Backups were made by slo db backup, and none since."
        yield Card(f"The last backup is {fmt.span(made)} old", "#store-h", OLD, text)


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}." if text else ""

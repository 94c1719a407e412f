"""What the page System shows, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.span import Span
from slo.web import format as fmt
from slo.web.badge import Badge
from slo.web.charts.series import Point
from slo.web.charts.svg import Line, Plot, render_chart
from slo.web.moment import moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slo.domain.notification import Notification
    from slo.sources import Found
    from slo.store.cycles import Cycle
    from slo.system import ReceiverHealth, SourceHealth, System
    from slo.web.charts.svg import Chart

SHOWN_CYCLES = 20
_SIZES = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))

_SOURCES = {
    "ok": Badge("healthy", "\u2713", "answers", "Its last answer was whole."),
    "failing": Badge("fault", "\u26a0", "failing", "The last request to it failed."),
    "silent": Badge("exhausted", "\u2715", "silent", "Nothing can be read from it."),
    "unknown": Badge("none", "\u2013", "not asked yet", "The service has just started."),
}
_RECEIVERS = {
    "ok": Badge("healthy", "\u2713", "ok", "It takes what it is sent."),
    "failing": Badge("fault", "\u26a0", "failing", "The last attempts failed; they are repeated."),
    "open": Badge("fault", "\u26a0", "probed", "It failed often: one a minute is tried."),
    "paused": Badge("exhausted", "\u2016", "paused", "It refuses us; it is tried once an hour."),
    "gone": Badge("none", "\u2013", "gone", "slo.yaml has it no more; its notifications expire."),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure at the top."""

    label: str
    value: str
    detail: str
    bad: bool = False


def tiles(system: System) -> list[Tile]:
    """The figures at the top."""
    return [_cycle_tile(system), _lag_tile(system), *_amount_tiles(system), _recount_tile(system)]


def _cycle_tile(system: System) -> Tile:
    if not system.cycles:
        return Tile("Last cycle", "none yet", "", bad=system.cycle_late)
    last = system.cycles[0]
    took = "" if last.seconds is None else f"took {seconds(last.seconds)}, "
    booked = f"{took}booked {last.booked:,} of {last.slos:,}"
    ago = f"{fmt.span(system.at - last.finished)} ago"
    return Tile("Last cycle", ago, booked, bad=system.cycle_late)


def _lag_tile(system: System) -> Tile:
    behind = system.behind
    if behind is None:
        return Tile("Furthest behind", fmt.DASH, "nothing is booked yet")
    return Tile(
        "Furthest behind",
        fmt.span(behind),
        "since the oldest last reading",
        bad=behind >= system.late_after,
    )


def _amount_tiles(system: System) -> list[Tile]:
    outbox, extent = system.outbox, system.extent
    waits = "wait" if outbox.oldest is None else f"wait, oldest {_ago(outbox.oldest, system.at)}"
    dead = outbox.ended.get("dead", 0)
    value = f"{fmt.count(outbox.pending)} {waits}" if outbox.pending else "empty"
    delivered = fmt.count(outbox.ended.get("delivered", 0))
    per_minute = fmt.count(system.samples_hour / 60)
    return [
        Tile("Samples read", f"{per_minute} / min", f"{fmt.count(system.samples_day)} in 24 h"),
        Tile(
            "Outbox",
            f"{fmt.count(dead)} given up" if dead else value,
            f"{f'{value}; ' if dead else ''}{delivered} delivered in 24 h",
            bad=dead > 0,
        ),
        Tile("Store", size(extent.size), f"{_KINDS[extent.kind]}{_backed_up(system)}"),
    ]


def _backed_up(system: System) -> str:
    """Whether there is a backup, where this service can know it."""
    if system.backup is not None:
        return f", backed up {_ago(system.backup['at'], system.at)}"
    return ", never backed up" if system.extent.kind == "sqlite" else ""


_KINDS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def _recount_tile(system: System) -> Tile:
    if not system.recounts:
        return Tile("Last recount", "none yet", "a past day is recounted each night")
    run = system.last_recounts
    differ = sum(one.agrees is False for one in run)
    agree = sum(one.agrees is True for one in run)
    unknown = len(run) - differ - agree
    amounts = ((agree, "agree"), (unknown, "not possible"))
    words = ", ".join(f"{number:,} {word}" for number, word in amounts if number)
    value = f"{differ:,} differ" if differ else "agrees" if agree else "not possible"
    return Tile(
        "Last recount",
        value,
        ": ".join(filter(None, (_ago(run[0].at, system.at), words))),
        bad=differ > 0,
    )


def charts(system: System) -> list[Chart]:
    """How long cycles took, and how far behind the ledger was, over the newest ones."""
    # Not as they were written: a clock that was set back puts later cycles at earlier times.
    newest = sorted(system.cycles, key=lambda cycle: cycle.started)
    if len(newest) < 2:  # noqa: PLR2004 -- a line needs two points.
        return []
    span = Span(newest[0].started, max(newest[-1].started, newest[0].started + 1))
    return [
        _chart("took", "Time that cycles took", span, ((c.started, c.seconds) for c in newest)),
        _chart("behind", "Ledger furthest behind", span, ((c.started, _lag(c)) for c in newest)),
    ]


def _chart(name: str, title: str, span: Span, values: Iterable[tuple[int, float | None]]) -> Chart:
    points = [Point(at, value) for at, value in values]
    known = [p.value for p in points if p.value is not None]
    told = f"at most {seconds(max(known))}" if known else "nothing is known"
    line = Line(title, "blue", points, area=True)
    return render_chart(
        Plot(name, title, f"The last {len(points)} cycles; {told}", [line], span, seconds, seconds)
    )


def cycle_rows(cycles: Iterable[Cycle], now: float) -> list[dict[str, str]]:
    """The newest cycles, newest first."""
    return [
        {
            "at": moment(c.started, now, seconds=True),
            "took": seconds(c.seconds),
            "booked": f"{c.booked:,} of {c.slos:,}",
            "samples": fmt.count(c.samples),
            "requests": fmt.count(c.requests),
            "errors": fmt.count(c.errors) if c.errors else "",
            "lag": seconds(_lag(c)),
        }
        for c in list(cycles)[:SHOWN_CYCLES]
    ]


def _lag(cycle: Cycle) -> float | None:
    """How far behind the ledger was; a ledger ahead of a clock that was set back is not."""
    return None if cycle.lag is None else max(0.0, cycle.lag)


def source_row(one: SourceHealth, now: float) -> dict[str, object]:
    """One source."""
    found, progress = one.found, one.progress
    why = one.reason
    if one.silent_since is not None:
        why = f"for {fmt.span(now - one.silent_since)}: {why}"
    answered = None if found is None else found.answered_at
    return {
        "name": one.name,
        "badge": _SOURCES[one.state],
        "why": why,
        "urls": one.urls,
        "version": found.version if found else "",
        "answered": "" if answered is None else _ago(answered, now),
        "takes": _takes(found),
        "asked": fmt.count(found.requests) if found else "0",
        "errors": fmt.count(found.errors) if found else "0",
        "samples": fmt.count(found.samples) if found else "0",
        "slos": progress.slos if progress else 0,
        "unbooked": progress.unbooked if progress else 0,
        "newest": _ago(progress.newest, now) if progress and progress.newest else "",
        "oldest": _ago(progress.oldest, now) if progress and progress.oldest else "",
        "backfill": _backfill(one),
    }


def _takes(found: Found | None) -> str:
    """How long answers take."""
    if found is None or found.usual is None:
        return ""
    return f"within {seconds(found.usual)}, at most {seconds(found.slowest)}"


def _backfill(one: SourceHealth) -> str:
    progress = one.progress
    if progress is None or not progress.backfilling:
        return ""
    each = fmt.span(progress.missing / progress.backfilling)
    back = "" if progress.reach is None else f", back to {fmt.stamp(progress.reach)}"
    return f"{progress.backfilling:,} ledgers want {each} more each{back}"


def receiver_row(one: ReceiverHealth, now: float) -> dict[str, object]:
    """One receiver."""
    health, waiting = one.health, one.backlog
    why = health.paused_why
    if not why and health.failing_since is not None:
        why = (
            f"fails for {fmt.span(now - health.failing_since)}, {health.failures:,} times in a row"
        )
    oldest = "" if waiting.oldest is None else f", oldest {_ago(waiting.oldest, now)}"
    return {
        "name": one.name,
        "type": one.type or "",
        "badge": _RECEIVERS[one.state],
        "why": why,
        "pending": f"{waiting.pending:,}{oldest}" if waiting.pending else "",
        "delivered": "" if health.delivered_at is None else _ago(health.delivered_at, now),
        "resumable": one.type is not None and one.state in {"paused", "open"},
    }


def letter_row(one: Notification, now: float) -> dict[str, object]:
    """One notification that nobody got."""
    return {
        "id": one.id,
        "at": moment(one.ended_at or one.created_at, now),
        "receiver": one.receiver,
        "title": one.facts.title,
        "incident": one.facts.incident,
        "error": one.error,
    }


def store_pairs(system: System) -> list[tuple[str, str]]:
    """The store and what keeps it, as names and values."""
    extent, now = system.extent, system.at
    found = [("Kind", f"{_KINDS[extent.kind]}, tables of revision {extent.revision}")]
    unused = f", {size(extent.unused)} of it unused" if extent.unused else ""
    found.append(("Size", size(extent.size) + unused))
    if extent.log is not None:
        found.append(("Write-ahead log", size(extent.log)))
    upkeep, backup = system.upkeep, system.backup
    done = "none yet; it runs once an hour"
    if upkeep is not None:
        deleted = f"{upkeep['readings']:,} readings, {upkeep['notifications']:,} notifications"
        done = (
            f"{_ago(upkeep['at'], now)}: {upkeep['ledgers']:,} ledgers compacted; {deleted} deleted"
        )
    found.append(("Upkeep", done))
    if backup is not None:
        made = f"{_ago(backup['at'], now)}: {backup['file']}, {size(backup['bytes'])}"
    elif extent.kind == "postgresql":
        made = "made by PostgreSQL's own tools; not known here"
    else:
        made = "none yet; slo db backup makes one while the service runs"
    found.append(("Last backup", made))
    return found


def table_rows(system: System) -> list[tuple[str, str]]:
    """The big tables and about how many rows they hold."""
    words = {"exact": "{}", "more": "over {}", "about": "about {}"}
    return [
        (one.table.replace("_", " "), words[one.amount].format(fmt.count(one.count)))
        for one in system.extent.rows
    ]


def size(amount: float) -> str:
    """A number of bytes in its largest unit."""
    for unit, each in _SIZES:
        if amount >= each:
            return f"{amount / each:.3g}{fmt.SPACE}{unit}"
    return f"{amount:.0f}{fmt.SPACE}B"


def seconds(value: float | None) -> str:
    """A length of time that may be much under a second."""
    if value is None:
        return fmt.DASH
    if value >= 100:  # noqa: PLR2004 -- three digits.
        return fmt.span(value)
    return f"{value:.3g}{fmt.SPACE}s" if value >= 1 else f"{value * 1000:.3g}{fmt.SPACE}ms"


def _ago(at: float, now: float) -> str:
    return f"{fmt.span(now - at)} ago"

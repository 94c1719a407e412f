"""Benchmarks against a real Prometheus on this machine: figures, targets, and what limits them.

    python benchmarks/run.py [--quick] [--only NAME]...

Data and slo-generator are kept in .tools/ between runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import peer
from children import CHILDREN
from decisions import decisions
from fleet import LAYOUTS, Fleet, Loaded, ensure_loaded
from gates import CLIENTS, EVERY, gates
from outbox import BATCHES, outbox
from pages import pages
from paging import OURS, PACES, paging
from reports import reports
from server import prometheus
from table import Figure, Table

from slo.demo.binaries import ensure_prometheus

if TYPE_CHECKING:
    from collections.abc import Callable

    from server import Server

    from slo.demo.binaries import Binaries

TOOLS = Path(__file__).parents[1] / ".tools"
CYCLES, QUICK_CYCLES = 7, 3
LIVE_SECONDS = (10 + 5 + 15 + 5 + CYCLES) * 60
"""What a first start reads (ten minutes, left edges, starts), and the cycles."""

SIZES = (100, 1000, 5000)
PEER_SHARE = 200
"""SLOs of the largest fleet that slo-generator is given: its cost is linear."""

CYCLE_TARGETS = {"labels": 1.5, "names": 1.5, "apart": 4.0}
"""Seconds for a cycle of 1,000 SLOs, by layout."""

BACKFILL_TARGET, HELP_TARGET, PAGE_TARGET, SAMPLES_TARGET = 60.0, 0.1, 0.1, 2.0
REPLAY_TARGET = 10.0
GATE_TARGET = 50.0
"""Milliseconds at p99."""
PAGE_KB = 100
PAGING_ROUNDS = 3
FLAT = 1.1
"""How much more an SLO may cost in a larger fleet before its cost is said to rise."""


class Bench:
    """One run: what it measures with, and the table that it fills."""

    def __init__(self, quick: bool) -> None:
        self.quick = quick
        self.sizes = SIZES[:1] if quick else SIZES
        self.cycles_each = QUICK_CYCLES if quick else CYCLES
        self.table = Table()
        self.binaries: Binaries = ensure_prometheus(TOOLS)
        self._peer: Path | None = None
        self._peer_asked = False

    def cycles(self) -> None:
        """Live cycles in every layout and size, beside slo-generator on the same SLOs."""
        for layout in LAYOUTS:
            costs: dict[int, float] = {}
            for size in self.sizes:
                end = int(time.time()) // 60 * 60 - 60
                loaded = self._loaded(Fleet(layout, size, 15, end - LIVE_SECONDS, end), 900)
                with prometheus(self.binaries.prometheus, loaded.folder) as server:
                    ours = _child(
                        "cycle",
                        server=asdict(server),
                        fleet=asdict(loaded.fleet),
                        cycles=self.cycles_each,
                    )
                    costs[size] = ours["seconds"] / size
                    self._tell_cycle(loaded, ours)
                    self._beside(loaded.fleet, server, ours)
            self._tell_flat(layout, costs)

    def backfills(self) -> None:
        """Seven days of 100 SLOs, scraped every 15 s and every 60 s; then a cycle upon them."""
        for scrape in (15, 60):
            end = int(time.time()) // 60 * 60 - 60
            days = 1 if self.quick else 7
            size = 10 if self.quick else 100
            fleet = Fleet("labels", size, scrape, end - days * 86_400 - 1800, end, restarts=True)
            loaded = self._loaded(fleet, 86_400)
            with prometheus(self.binaries.prometheus, loaded.folder) as server:
                given = {"server": asdict(server), "fleet": asdict(loaded.fleet)}
                found = _child("history", **given, days=days)
                case = f"backfill {scrape}s"
                target = scrape == 15 and not self.quick  # noqa: PLR2004 -- the issue's case
                self.table.add(
                    Figure(
                        case,
                        f"{days} days of {size} SLOs",
                        f"{found['seconds']:.1f} s",
                        f"< {BACKFILL_TARGET:.0f} s" if target else "",
                        found["seconds"] < BACKFILL_TARGET if target else None,
                        _limit(found),
                    ),
                    _samples_figure(case, found),
                    Figure(case, "requests", f"{found['requests']:.0f}"),
                    Figure(case, "peak memory", f"{found['mb']:.0f} MB"),
                )
                if scrape == 15:  # noqa: PLR2004 -- the issue's case
                    ours = _child("cycle", **given, cycles=self.cycles_each)
                    self.table.add(_samples_figure(f"on {days} days", ours, " a minute"))
                    self._beside(loaded.fleet, server, ours, case=f"on {days} days")

    def starts(self) -> None:
        """`slo --help`."""
        found = _child("help")
        self.table.add(
            Figure(
                "cli",
                "slo --help, median of 10",
                f"{found['seconds'] * 1000:.0f} ms",
                f"< {HELP_TARGET * 1000:.0f} ms",
                found["seconds"] < HELP_TARGET,
                f"CPU {found['cpu'] * 1000:.0f} ms; Python and click alone:"
                f" {found['bare'] * 1000:.0f} ms",
            )
        )

    def pages(self) -> None:
        """The overview with 1,000 SLOs."""
        size = 100 if self.quick else 1000
        found = _child("page", size=size)
        self.table.add(
            Figure(
                "page",
                f"/ with {size} SLOs, on the server",
                f"{found['seconds'] * 1000:.0f} ms",
                f"< {PAGE_TARGET * 1000:.0f} ms",
                found["seconds"] < PAGE_TARGET,
                f"CPU {found['cpu'] * 1000:.0f} ms, {found['kb']:.0f} kB unpacked",
            ),
            Figure(
                "page",
                "the same, first visit after a cycle",
                f"{found['fresh'] * 1000:.0f} ms",
                f"< {PAGE_TARGET * 1000:.0f} ms",
                found["fresh"] < PAGE_TARGET,
            ),
            Figure(
                "page",
                "drawing it, at the end of a cycle",
                f"{found['drawn'] * 1000:.0f} ms",
            ),
        )

    def site(self) -> None:
        """Every page with 1,000 SLOs, 30 days of ledger, incidents and postmortems."""
        size = 100 if self.quick else 1000
        found = _child("pages", size=size)
        bare = found["/healthz"]["seconds"]
        for path, one in found.items():
            slow, large = one["seconds"] >= PAGE_TARGET, one["kb"] >= PAGE_KB
            aimed = path == "/" or path.startswith("/slo/")
            self.table.add(
                Figure(
                    "site",
                    path,
                    f"{one['seconds'] * 1000:.1f} ms, {one['kb']:.0f} kB",
                    f"< {PAGE_TARGET * 1000:.0f} ms, {PAGE_KB} kB" if aimed else "",
                    not (slow or large) if aimed else None,
                    f"first {one['first'] * 1000:.0f} ms;"
                    f" {one['seconds'] / bare:.0f} times /healthz",
                )
            )

    def reports(self) -> None:
        """A whole month's report: from the store, and as each of its files."""
        size = 100 if self.quick else 1000
        found = _child("report", size=size)
        for what, seconds in found["seconds"].items():
            self.table.add(
                Figure(
                    "report",
                    f"{what}, {size} SLOs",
                    f"{seconds * 1000:.0f} ms",
                    remark=f"{found['kb'][what]:.0f} kB" if what in found["kb"] else "",
                )
            )

    def stores(self) -> None:
        """The store by itself."""
        booked, computed = (100, 100) if self.quick else (5000, 1000)
        found = _child("store", booked=booked, computed=computed)
        self.table.add(
            Figure("store", f"book {booked} meters", f"{found['book']:.3f} s"),
            Figure("store", f"compute {computed} standings", f"{found['compute']:.3f} s"),
            Figure("store", "peak memory", f"{found['mb']:.0f} MB"),
        )

    def outboxes(self) -> None:
        """Messages claimed, sent and completed, one or twenty at a time."""
        messages = 100 if self.quick else 4000
        for database in ("sqlite", "postgresql"):
            found = _child("outbox", database=database, messages=messages)
            for batch in BATCHES:
                self.table.add(
                    Figure(
                        "outbox",
                        f"{database}, batches of {batch}",
                        f"{found[f'sent_{batch}']:.0f} /s",
                        remark=f"of {messages} messages; queued {found[f'queued_{batch}']:.0f} /s",
                    )
                )
            one, many = (found[f"sent_{batch}"] for batch in BATCHES)
            text = f"{database}, batches of {BATCHES[1]} / {BATCHES[0]}"
            self.table.add(Figure("outbox", text, f"{many / one:.1f}"))

    def decisions(self) -> None:
        """Alert decisions, and replays of one SLO with all readings and after compaction."""
        days = 30 if self.quick else 365
        found = _child("decisions", days=days)
        self.table.add(
            Figure("decisions", "burn-rate rules", f"{found['decided']:,.0f} /s"),
            Figure(
                "decisions",
                "time of decisions / of their look-ups alone",
                f"{found['looked'] / found['decided']:.1f}",
            ),
        )
        for key, what in (("fine", "all readings"), ("kept", "after compaction")):
            seconds = found[f"both_{key}"]
            self.table.add(
                Figure(
                    "replay",
                    f"{days} days, {what}",
                    f"{seconds:.1f} s",
                    "" if self.quick else f"< {REPLAY_TARGET:.0f} s",
                    None if self.quick else seconds < REPLAY_TARGET,
                    f"{found[f'readings_{key}']:,} readings, two policies; one alone:"
                    f" {found[f'alone_{key}']:.1f} s, {found[f'alerts_{key}']} alerts",
                )
            )
        self.table.add(Figure("replay", "peak memory", f"{found['mb']:.0f} MB"))

    def gates(self) -> None:
        """The gate of a service of ten SLOs, asked by 16 clients at once, beside /healthz."""
        size, seconds = (100, 1.0) if self.quick else (1000, 5.0)
        found = _child("gate", size=size, seconds=seconds)
        for load, told in (("idle", "no cycle"), ("busy", f"a cycle every {EVERY:.0f} s")):
            base = found[f"healthz {load}"]
            for name in ("healthz", "slo", "gate"):
                one = found[f"{name} {load}"]
                ratio = f", /healthz / it: 1 : {one['p99'] / base['p99']:.2f}"
                target = name != "healthz" and load == "busy"
                self.table.add(
                    Figure(
                        "gate",
                        f"{name}, {CLIENTS} clients, {told}",
                        f"{one['p99']:.1f} ms",
                        f"< {GATE_TARGET:.0f} ms" if target else "",
                        one["p99"] < GATE_TARGET if target else None,
                        f"p99; p50 {one['p50']:.1f} ms, {one['each']:.0f} /s"
                        + (ratio if name != "healthz" else ""),
                    )
                )

    def pages_sent(self) -> None:
        """From the crossing of a burn rate to the page, beside Prometheus and Alertmanager."""
        rounds = [_child("paging") for _ in range(1 if self.quick else PAGING_ROUNDS)]
        median = {path: statistics.median(found[path] for found in rounds) for path in rounds[0]}

        def told(path: str, what: str, target: float | None = None) -> Figure:
            seconds = [found[path] for found in rounds]
            return Figure(
                "paging",
                what,
                f"{median[path]:.1f} s",
                "" if target is None else f"<= {target:.0f} s",
                None if target is None else max(seconds) <= target,
                f"from crossing to page; all: {' '.join(f'{s:.1f}' for s in seconds)}",
            )

        for pace in OURS:
            # An interval, the lag and a scrape, and a second for processes.
            target = pace.interval + pace.lag + 2
            what = f"slo serve, {pace.interval} s, lag {pace.lag} s"
            self.table.add(told(pace.path, what, target))
        for pace in PACES:
            self.table.add(told(f"/sloth-{pace}s", f"Sloth's rule and Alertmanager, {pace} s"))
        for own in OURS:
            for pace in PACES:
                self.table.add(
                    Figure(
                        "paging",
                        f"ours {own.interval} s / theirs {pace} s",
                        f"1 : {median[f'/sloth-{pace}s'] / median[own.path]:.2f}",
                    )
                )

    def _loaded(self, fleet: Fleet, age: int) -> Loaded:
        name = f"{fleet.layout}-{fleet.size}-{fleet.scrape}s-{fleet.end - fleet.start}"
        loaded = ensure_loaded(
            self.binaries.promtool, TOOLS / "bench" / name, fleet, int(time.time()) - age
        )
        if loaded.seconds:
            print(f"# {name}: {fleet.samples:,} samples loaded in {loaded.seconds:.0f} s")
        return loaded

    def _tell_cycle(self, loaded: Loaded, ours: dict[str, Any]) -> None:
        fleet = loaded.fleet
        case = f"{fleet.layout} {fleet.size}"
        target = CYCLE_TARGETS[fleet.layout] if fleet.size == SIZES[1] else None
        self.table.add(
            Figure(
                case,
                "live cycle",
                f"{ours['seconds']:.2f} s",
                "" if target is None else f"< {target} s",
                None if target is None else ours["seconds"] < target,
                _limit(ours),
            ),
            Figure(case, "cost per SLO", f"{ours['seconds'] / fleet.size * 1000:.2f} ms"),
            _samples_figure(case, ours, " a minute"),
            Figure(case, "requests a cycle", f"{ours['requests']:.0f}"),
            Figure(
                case,
                "peak memory",
                f"{ours['mb']:.0f} MB",
                remark=f"first start {ours['first_seconds']:.1f} s, {ours['first_mb']:.0f} MB",
            ),
        )

    def _tell_flat(self, layout: str, costs: dict[int, float]) -> None:
        if len(costs) < 2:  # noqa: PLR2004 -- nothing to compare
            return
        rise = costs[self.sizes[-1]] / costs[self.sizes[0]]
        text = " ".join(f"{size}: {cost * 1000:.2f}" for size, cost in costs.items())
        self.table.add(
            Figure(
                layout,
                "cost per SLO, largest / smallest",
                f"{rise:.2f}",
                f"<= {FLAT}",
                rise <= FLAT,
                f"ms by size: {text}",
            )
        )

    def _beside(self, fleet: Fleet, server: Server, ours: dict[str, Any], case: str = "") -> None:
        """slo-generator on the same SLOs, and how ours compares."""
        command = self._peer_command()
        if command is None:
            return
        share = fleet.size if fleet.size <= SIZES[1] else PEER_SHARE
        theirs = peer.measure(command, server, fleet, share)
        name = case or f"{fleet.layout} {fleet.size}"
        if not theirs["reports"]:
            self.table.add(Figure(name, "slo-generator", "FAILED", remark=theirs["log"]))
            return
        each, their_each = ours["seconds"] / fleet.size, theirs["seconds"] / share
        samples, their_samples = ours["samples"] / fleet.size, theirs["samples"] / share
        hours = (fleet.end - fleet.start) / 3600
        part = f" of {share} SLOs only" if share < fleet.size else ""
        # It leaves out what it cannot judge, such as more good than valid events.
        part += f", {theirs['reports']} of {theirs['wanted']} reports"
        self.table.add(
            Figure(
                name,
                "seconds per SLO, ours / theirs",
                f"1 : {their_each / each:.1f}",
                remark=f"{each * 1000:.2f} ms : {their_each * 1000:.1f} ms (its run{part}:"
                f" {theirs['seconds']:.1f} s)",
            ),
            Figure(
                name,
                "samples per SLO, ours / theirs",
                f"1 : {their_samples / samples:.1f}",
                remark=f"{samples:.0f} : {their_samples:.0f}, with {hours:.1f} h of data there",
            ),
        )

    def _peer_command(self) -> Path | None:
        if not self._peer_asked and not self.quick:
            self._peer_asked = True
            self._peer, why = peer.ensure_peer(TOOLS / "slo-generator")
            if self._peer is None:
                print(f"\n!!! slo-generator could not be installed; no ratios. {why}\n")
        return self._peer


CASES: dict[str, Callable[[Bench], None]] = {
    "cycle": Bench.cycles,
    "backfill": Bench.backfills,
    "help": Bench.starts,
    "page": Bench.pages,
    "site": Bench.site,
    "report": Bench.reports,
    "store": Bench.stores,
    "outbox": Bench.outboxes,
    "decisions": Bench.decisions,
    "gate": Bench.gates,
    "paging": Bench.pages_sent,
}


MEASURES = CHILDREN | {
    "decisions": decisions,
    "gate": gates,
    "outbox": outbox,
    "pages": pages,
    "paging": paging,
    "report": reports,
}
"""What a child process measures, by name."""


def main(arguments: list[str]) -> int:
    """Run the benchmarks; 1 if one of them failed, whatever the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small cases, without slo-generator")
    parser.add_argument("--only", action="append", choices=CASES, help="this case; may be repeated")
    options = parser.parse_args(arguments)
    bench = Bench(options.quick)
    failed = 0
    for name in options.only or CASES:
        try:
            CASES[name](bench)
        except ChildError as error:
            failed = 1
            bench.table.add(Figure(name, "", "FAILED", remark=str(error)))
    bench.table.show()
    return failed


class ChildError(RuntimeError):
    """A measured process failed; the message is the end of what it said."""


def _child(name: str, **given: Any) -> dict[str, Any]:
    """What the child process of this name measures."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", name, json.dumps(given)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if done.returncode:
        raise ChildError(f"{name}: {done.stderr.strip()[-600:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _limit(found: dict[str, Any]) -> str:
    return f"CPU: ours {found['cpu']:.2f} s, Prometheus {found['server_cpu']:.2f} s"


def _samples_figure(case: str, found: dict[str, Any], per: str = "") -> Figure:
    ratio = found["samples"] / found["scraped"]
    return Figure(
        case,
        f"samples read / scraped{per}",
        f"{ratio:.2f}",
        f"<= {SAMPLES_TARGET:.0f}",
        ratio <= SAMPLES_TARGET,
        f"{found['samples']:.0f} : {found['scraped']:.0f}",
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps((MEASURES[sys.argv[2]])(**json.loads(sys.argv[3]))))
    else:
        sys.exit(main(sys.argv[1:]))

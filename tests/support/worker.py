"""A process that keeps a ledger over past minutes as fast as it can: to be killed, or doubled.

    python -m tests.support.worker < plan.json

forks a child for each task that it is told to run, and kills each with SIGKILL after
a moment, again and again; at the end one child is left to finish. Prints what it did.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from typing import Any
from unittest.mock import patch

from slo import backfill as backfill_module
from slo.declaring import declare
from tests.support.books import fill, open_books, ripe, run_cycles


@dataclass(frozen=True)
class Plan:
    """What the workers book: live from `start` to `end`, or backwards as a backfill."""

    yaml: str
    start: int
    end: int
    backwards: bool = False
    chunk: int = 60
    """Seconds of a backfill's chunk: many, so that many are cut short."""
    kills: int = 0
    at_once: int = 1
    seed: int = 0
    longest: float = 0.1
    """Seconds that the first worker lives at most, once it works; the others by their pace."""


_LONGER = 1.2
"""Times as long may the next one live, after one that was killed before it had booked."""


def work(plan: Plan, working: Any = lambda: None) -> None:
    """Book all that the plan wants, from wherever the ledger is."""
    with open_books(plan.yaml) as context:
        working()
        if plan.backwards:
            with patch.object(backfill_module, "DAY", plan.chunk):
                report = fill(context, now=ripe(plan.end), start=plan.start, end=plan.end)
            assert not report.faults, report.faults
            return
        while True:
            counted = declare(context, plan.start).counted
            booked = [c.meter.booked_to for c in counted if c.meter.booked_to is not None]
            end = min(booked) + 60 if len(booked) == len(counted) else plan.start
            if end > plan.end:
                return
            faults = run_cycles(context, [ripe(end)])
            assert not faults, faults


def share_left(plan: Plan) -> float:
    """How much of the plan's work is not in the ledger yet: 1 is all, 0 nothing."""
    with open_books(plan.yaml) as context:
        meters = [counted.meter for counted in declare(context, plan.start).counted]
    if plan.backwards:
        done = [plan.end - (m.booked_from or plan.end) for m in meters]
    else:
        done = [(m.booked_to or plan.start) - plan.start for m in meters]
    return 1 - min(done) / (plan.end - plan.start)


def fork(plan: Plan) -> tuple[int, int]:
    """A child that works; gives its id and a pipe that tells when it has begun."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    code = 1
    try:
        work(plan, lambda: os.write(writer, b"!"))
        code = 0
    except BaseException:  # noqa: BLE001 -- told, and the parent sees the code.
        traceback.print_exc()
    finally:
        # Without the parent's own clean-up, which is not the child's to do.
        sys.stderr.flush()
        os._exit(code)


def run(plan: Plan) -> dict[str, Any]:
    """Kill as often as planned, then let `at_once` workers finish side by side."""
    rng = random.Random(plan.seed)
    killed = finished = 0
    longest, left = plan.longest, 1.0
    lived = gained = 0.0
    while killed < plan.kills and not finished:
        pid, reader = fork(plan)
        os.read(reader, 1)
        os.close(reader)
        life = rng.uniform(0.0, longest)
        time.sleep(life)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            killed += 1
        else:
            finished += 1
        before, left = left, share_left(plan)
        if left < before:
            # As fast as they were until now, all that are to come leave some work undone.
            lived, gained = lived + life, gained + before - left
            longest = lived / gained * left / (plan.kills - killed + 1)
        else:
            longest *= _LONGER
    children = [fork(plan) for _ in range(plan.at_once)]
    codes = []
    for pid, reader in children:
        _, status = os.waitpid(pid, 0)
        os.close(reader)
        codes.append(os.waitstatus_to_exitcode(status))
    return {"killed": killed, "finished": finished, "left": left, "codes": codes}


def plan_json(plan: Plan) -> str:
    return json.dumps(asdict(plan))


if __name__ == "__main__":
    json.dump(run(Plan(**json.load(sys.stdin))), sys.stdout)

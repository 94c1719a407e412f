"""A process that dispatches an outbox to a local sink over HTTP: to be killed, or doubled.

    python -m tests.support.dispatch_worker < plan.json

forks a child again and again and kills each with SIGKILL at a random moment; at the end
children are left to finish side by side. Prints what it did.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from typing import Any

from slo.domain.delivery import Reply
from slo.notify.dispatcher import dispatch_once
from slo.store import backlog
from slo.store.engine import open_engine, reading
from tests.support.outbox import NOW, receiver, settings


@dataclass(frozen=True)
class Plan:
    """What to do: `faster` is how much faster than time the clock of the workers runs."""

    url: str
    port: int
    kills: int = 0
    at_once: int = 1
    seed: int = 0
    longest: float = 0.05
    """Seconds that a worker lives at most; every second one is let live until it first sends,
    however slow the machine is, and a fifth of them after it."""
    faster: float = 2000.0
    begun: float = 0.0
    batch: int = 5


def clock(plan: Plan) -> float:
    return NOW + (time.time() - plan.begun) * plan.faster


def post(port: int, msg_id: str, body: dict[str, Any]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/", json.dumps(body), {"webhook-id": msg_id})
        return connection.getresponse().status
    finally:
        connection.close()


def work(plan: Plan, sending: int) -> None:
    """Dispatch until the outbox is empty; each send is told to the pipe `sending`."""
    engine = open_engine(plan.url)
    hook = receiver("hook", "webhook")

    def send(_settings, _receiver, one, _now):
        os.write(sending, b".")
        body = {"subject": one.subject, "transition": one.transition, "pid": os.getpid()}
        return Reply(status=post(plan.port, one.msg_id, body))

    while True:
        made = dispatch_once(
            engine, settings(hook), send=send, clock=lambda: clock(plan), batch=plan.batch
        )
        with reading(engine) as session:
            if not backlog.backlogs(session):
                break
        if not made:
            time.sleep(0.005)
    engine.dispose()


def fork(plan: Plan) -> tuple[int, int]:
    """A worker's number, and the pipe that tells of its sends."""
    told, sending = os.pipe()
    pid = os.fork()
    if pid:
        os.close(sending)
        return pid, told
    code = 1
    try:
        os.close(told)
        work(plan, sending)
        code = 0
    except BaseException:  # noqa: BLE001 -- told, and the parent sees the code.
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def finish(pid: int, told: int) -> int:
    """The exit code of a worker that is let finish."""
    while os.read(told, 65_536):
        continue
    os.close(told)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run(plan: Plan) -> dict[str, Any]:
    """Kill as often as planned, then let `at_once` workers finish side by side."""
    rng = random.Random(plan.seed)
    killed = finished = 0
    while killed < plan.kills and not finished:
        pid, told = fork(plan)
        if killed % 2:
            os.read(told, 1)
            time.sleep(rng.uniform(0.0, plan.longest / 5))
        else:
            time.sleep(rng.uniform(0.0, plan.longest))
        os.kill(pid, signal.SIGKILL)
        os.close(told)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            killed += 1
        else:
            finished += 1
    codes = [finish(*child) for child in [fork(plan) for _ in range(plan.at_once)]]
    return {"killed": killed, "finished": finished, "codes": codes}


def plan_json(plan: Plan) -> str:
    return json.dumps(asdict(plan))


if __name__ == "__main__":
    json.dump(run(Plan(**json.load(sys.stdin))), sys.stdout)

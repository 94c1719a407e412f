from __future__ import annotations

import json
import logging
import sys

from slo.cli.logs import JsonFormatter, TextFormatter, set_up_logs


def record(**extra):
    one = logging.makeLogRecord(
        {
            "name": "slo.cycle",
            "levelno": logging.WARNING,
            "levelname": "WARNING",
            "msg": "%s failed",
            "args": ("it",),
            "created": 1795204800.25,
        }
    )
    vars(one).update(extra)
    return one


def test_json_logs_are_one_object_a_line():
    line = JsonFormatter().format(record(subject="a/b", kind="timeout"))
    assert "\n" not in line
    assert json.loads(line) == {
        "at": "2026-11-20T20:00:00.250Z",
        "level": "warning",
        "logger": "slo.cycle",
        "message": "it failed",
        "subject": "a/b",
        "kind": "timeout",
    }


def test_json_logs_carry_the_trace():
    try:
        int("oh")
    except ValueError:
        line = JsonFormatter().format(record(exc_info=sys.exc_info()))
    assert json.loads(line)["trace"].endswith("base 10: 'oh'")


def test_text_logs_are_in_utc():
    assert TextFormatter().format(record()) == "2026-11-20T20:00:00Z warning slo.cycle: it failed"


def test_libraries_are_quiet_but_for_debug():
    set_up_logs("info", "text")
    assert not logging.getLogger("apscheduler.executors").isEnabledFor(logging.INFO)
    assert logging.getLogger("slo.cycle").isEnabledFor(logging.INFO)
    set_up_logs("debug", "text")
    assert logging.getLogger("apscheduler.executors").isEnabledFor(logging.DEBUG)
    assert len(logging.getLogger().handlers) == 1

"""Waiting for what other threads and processes do."""

from __future__ import annotations

import time


def wait_until(done, seconds=20.0, every=0.01):
    """Until `done()` is true, which it must be within these seconds; gives what it gave."""
    ends = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < ends, f"it did not happen within {seconds} s"
        time.sleep(every)
    return found

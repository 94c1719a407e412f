"""The benchmarks run; their figures are for people, not for tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_quick_cycles_run_and_read_each_sample_at_most_twice():
    done = subprocess.run(
        [sys.executable, "benchmarks/run.py", "--quick", "--only", "cycle"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ratios = [line for line in done.stdout.splitlines() if "samples read / scraped" in line]
    assert len(ratios) == 6
    assert all(" met " in line for line in ratios)

"""`python -m slo.cli`: the command line."""

from __future__ import annotations

from slo.cli import main

if __name__ == "__main__":
    main(prog_name="slo")

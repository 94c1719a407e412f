"""The table: a figure a line, with its target and what limits it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; `met` is None where there is no target."""

    case: str
    what: str
    figure: str
    target: str = ""
    met: bool | None = None
    remark: str = ""


@dataclass(slots=True)
class Table:
    """Figures in the order in which they were measured, shown as they come."""

    figures: list[Figure] = field(default_factory=list)

    def add(self, *figures: Figure) -> None:
        """Keep figures, and show them at once."""
        self.figures += figures
        for one in figures:
            print(_line(one), flush=True)

    def show(self) -> None:
        """All figures once more, and how many targets were missed."""
        print("\n" + _line(Figure("case", "what", "figure", "target", None, "")))
        for one in self.figures:
            print(_line(one))
        missed = [f for f in self.figures if f.met is False]
        kept = [f for f in self.figures if f.met]
        print(f"\n{len(kept)} targets met, {len(missed)} missed")
        for one in missed:
            print(f"  missed: {one.case}: {one.what}: {one.figure}, target {one.target}")


def _line(one: Figure) -> str:
    verdict = {True: "met", False: "MISSED", None: ""}[one.met]
    line = f"{one.case:16} {one.what:34} {one.figure:>14}  {one.target:10} {verdict:6} {one.remark}"
    return line.rstrip()

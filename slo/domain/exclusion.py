"""Net spans: what of a span counts once exclusions are taken out, and its tally."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from slo.domain.ledger import NOTHING, Reading, Tally
from slo.domain.span import Span, bucket_end, union

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from slo.domain.ledger import Correction, Exclusion

    ReadingAt = Callable[[int], Reading | None]
    """The last reading at or before an instant, the ledger's first where it is younger;
    None for an empty ledger."""

_COARSER = (300, 3600, 86400)
"""Spacings of kept readings after compaction, in seconds."""


def _end_candidates(end: int, bucket: int) -> list[int]:
    """Instants whose last reading before them is likely the first at or after `end`."""
    ends = [bucket_end(end, spacing) for spacing in (bucket, *_COARSER)]
    # A day's reading may lie at a local midnight, so before the next UTC one.
    return list(dict.fromkeys([*ends, ends[-1] + 86400]))


def instants_needed(span: Span, exclusions: Iterable[Exclusion], bucket: int) -> list[int]:
    """The instants whose readings `snapped` and then `tally` over `span` ask for.

    Snapped edges are readings found at these instants; keep what was found under
    the readings' own ends as well.
    """
    instants = [span.start, span.end]
    for exclusion in exclusions:
        if exclusion.span.overlap(span):
            instants += [exclusion.span.start, exclusion.span.end]
            instants += _end_candidates(exclusion.span.end, bucket)
    return instants


def snapped(exclusions: Iterable[Exclusion], reading_at: ReadingAt, bucket: int) -> list[Span]:
    """The union of `exclusions`, disjoint and in order, edges moved outward to kept readings.

    A start moves to the reading at or before it, an end to the first at or after
    it. An edge beyond the ledger stays where it is.
    """
    spans = []
    for exclusion in exclusions:
        start, end = exclusion.span.start, exclusion.span.end
        later = [(c, reading_at(c)) for c in _end_candidates(end, bucket)]
        before, last = reading_at(start), later[-1][1]
        if before is not None and last is not None and before.end < start <= last.end:
            start = before.end
        ends = (r.end for c, r in later if r is not None and end <= r.end <= c)
        spans.append(Span(start, next(ends, end)))
    return union(spans)


def net_spans(span: Span, excluded: Sequence[Span]) -> list[Span]:
    """What is left of `span` without `excluded`, which is disjoint and in order."""
    left = []
    start = span.start
    for hole in excluded:
        if hole.end <= start:
            continue
        if hole.start >= span.end:
            break
        if hole.start > start:
            left.append(Span(start, hole.start))
        start = hole.end
    if start < span.end:
        left.append(Span(start, span.end))
    return left


def net_seconds(span: Span, excluded: Sequence[Span]) -> int:
    """How many seconds of `span` count."""
    return sum(s.seconds for s in net_spans(span, excluded))


def tally(
    span: Span,
    reading_at: ReadingAt,
    excluded: Sequence[Span] = (),
    corrections: Iterable[Correction] = (),
) -> Tally:
    """The events of `span` without `excluded` (as `snapped` gives them), corrected.

    A correction counts where its bucket's end lies. Sums over adjacent spans add
    up; the part before the ledger's beginning is empty.
    """
    result = NOTHING
    spans = net_spans(span, excluded) if excluded else [span]
    for part in spans:
        first, last = reading_at(part.start), reading_at(part.end)
        if first is not None and last is not None:
            result = Tally(
                result.good + (last.good - first.good),
                result.total + (last.total - first.total),
                result.covered + (last.covered - first.covered),
            )
    for correction in corrections:
        if any(s.start < correction.end <= s.end for s in spans):
            result += Tally(correction.good, correction.total, 0.0)
    return result


class Mark(NamedTuple):
    """A reading's events at an instant of a grid, cumulative."""

    at: int
    good: float
    total: float


def bad_until(
    marks: Iterable[Mark],
    span: Span,
    reading_at: ReadingAt,
    excluded: Sequence[Span] = (),
    corrections: Sequence[Correction] = (),
) -> list[tuple[int, float]]:
    """For each mark inside `span`, in order, its instant and the bad events since `span.start`.

    Equal to `tally(Span(span.start, mark.at), ...).bad`, in one pass.
    """
    parts = net_spans(span, excluded) if excluded else [span]
    deltas = sorted(
        (c.end, c.good, c.total)
        for c in corrections
        if any(p.start < c.end <= p.end for p in parts)
    )
    result: list[tuple[int, float]] = []
    good = total = 0.0  # All before the current part, and the corrections so far.
    upcoming, ends = iter(marks), iter(deltas)
    mark, delta = next(upcoming, None), next(ends, None)
    while mark is not None and mark.at <= span.start:
        mark = next(upcoming, None)
    for part in parts:
        first, last = reading_at(part.start), reading_at(part.end)
        if first is None or last is None:
            return []
        while mark is not None and mark.at <= part.end:
            while delta is not None and delta[0] <= mark.at:
                good, total, delta = good + delta[1], total + delta[2], next(ends, None)
            if mark.at <= part.start:  # Within what is excluded before this part.
                bad = total - good
            else:
                bad = total + mark.total - first.total - (good + mark.good - first.good)
            result.append((mark.at, max(0.0, bad)))
            mark = next(upcoming, None)
        good += last.good - first.good
        total += last.total - first.total
    while mark is not None and mark.at <= span.end:
        while delta is not None and delta[0] <= mark.at:
            good, total, delta = good + delta[1], total + delta[2], next(ends, None)
        result.append((mark.at, max(0.0, total - good)))
        mark = next(upcoming, None)
    return result

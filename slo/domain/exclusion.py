"""Net spans: what of a span counts once exclusions are taken out, and its tally."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        candidate, soonest = later[0]
        if soonest is not None and soonest.end > candidate:
            later = []  # The ledger begins later: there is no reading to move to.
        ends = (r.end for c, r in later if r is not None and end <= r.end <= c)
        spans.append(Span(start, next(ends, end)))
    return union(spans)


def end_instant(end: int, after: Reading, bucket: int) -> int:
    """The instant whose last reading `snapped` moves an end to.

    `after` is the first reading at or after the end; nearly always it is at the instant.
    """
    return next((c for c in _end_candidates(end, bucket) if c >= after.end), after.end)


def moved_out(span: Span, ledger: Span, before: Reading | None, after: Reading | None) -> Span:
    """What `snapped` takes out of a ledger for a span, where the readings beside it are known.

    `before` is the last at or before its start, `after` that at the `end_instant`.
    """
    start, end = span.start, span.end
    if before is not None and start <= ledger.end:
        start = before.end
    if after is not None and end >= ledger.start:
        end = after.end
    return Span(start, end)


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
    for correction in corrections_in(spans, corrections):
        result += Tally(correction.good, correction.total, 0.0)
    return result


def corrections_in(
    spans: Sequence[Span], corrections: Iterable[Correction]
) -> tuple[Correction, ...]:
    """Those that count in one of the spans: where their bucket's end lies."""
    return tuple(c for c in corrections if any(s.start < c.end <= s.end for s in spans))


def bad_until(
    marks: Sequence[tuple[int, float]],
    span: Span,
    reading_at: ReadingAt,
    excluded: Sequence[Span] = (),
    corrections: Sequence[Correction] = (),
) -> list[float]:
    """For each mark, in order and inside `span`, the bad events from the span's start to it.

    A mark is an instant and the bad events (total less good) of the reading there.
    Equal to `tally(Span(span.start, mark), ...).bad`, in one pass.
    """
    first = reading_at(span.start)
    if first is None:
        return [0.0] * len(marks)
    if not excluded and not corrections:
        base = first.total - first.good
        return [bad - base if bad > base else 0.0 for _, bad in marks]
    parts = [
        (part, _bad(reading_at(part.start)), _bad(reading_at(part.end)))
        for part in net_spans(span, excluded)
    ]
    deltas = [
        (c.end, c.total - c.good)
        for c in corrections
        if any(part.start < c.end <= part.end for part, _, _ in parts)
    ]
    result = []
    for at, bad in marks:
        spent = sum(delta for end, delta in deltas if end <= at)
        for part, first_bad, last_bad in parts:
            if at <= part.start:
                break
            spent += (bad if at < part.end else last_bad) - first_bad
        result.append(max(0.0, spent))
    return result


def _bad(reading: Reading | None) -> float:
    """The cumulative bad events of a reading, not clamped."""
    return 0.0 if reading is None else reading.total - reading.good

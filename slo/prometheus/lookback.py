"""Looking back: the left edges that a fresh count lacks, and what silent series were counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.domain.strand import Sampled
from slo.prometheus.errors import SourceError
from slo.prometheus.evidence import FURTHER_BACK, Evidence
from slo.prometheus.naming import series_name
from slo.prometheus.pending import FIRST_LOOK_BACK, KNOWN_AFTER, count_of
from slo.prometheus.sampling import finite, sampled_of, series_in, unknown, with_older
from slo.prometheus.selectors import share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.count import Count
    from slo.domain.selector import Selector
    from slo.domain.series import Key
    from slo.prometheus.pending import Pending
    from slo.prometheus.raw import Found
    from slo.prometheus.sampling import RawSeries

Counts = list[tuple["Pending", "Count", "RawSeries"]]
"""Counts with what they were read for, and one raw series of each of their series."""


def with_silent(pendings: Sequence[Pending], found: Found, evidence: Evidence) -> tuple[Found, int]:
    """With the last samples of series that a first start finds silent, and since when it asked.

    They have an edge too: if one comes back, the backfill has counted what it had.
    """
    firsts = {
        read.selector for r in pendings if r.job.fresh and r.job.keep_edges for read in r.reads
    }
    if not firsts:
        return found, evidence.start
    since = evidence.start - FURTHER_BACK[-1]
    before = Evidence(evidence.reader, since, evidence.start)
    renewed = dict(found)
    labels_of: dict[str, dict[str, str]] = {}
    # A series may be silent for two selectors at once.
    silent: list[tuple[Selector, str]] = []
    for request in share(firsts):
        members = request.members.values()
        there = {series_name(one.labels) for m in members for one in series_in(found, m)}
        for labels in before.series([str(request.selector)]):
            member, name = request.member_of(labels), series_name(labels)
            if member is not None and name not in there:
                labels_of[name] = labels
                silent.append((member, name))
    older = evidence.last_samples_before(list(labels_of.values()))
    for member, name in silent:
        if name in older:
            renewed[member] = [*series_in(renewed, member), older[name]]
    return renewed, since


def look_further_back(counts: Counts, evidence: Evidence) -> Counts:
    """The same counts with left edges from further back, for fresh series without one.

    First all series of such a meter are read over an hour more, because one that has
    ended may go on under the new one's labels; then each that is still without an
    edge is looked for by itself.
    """
    return _last_before(_widened(counts, evidence), evidence)


def _unseen(pending: Pending, count: Count) -> frozenset[Key]:
    return count.questions().unseen if pending.job.fresh else frozenset()


def _widened(counts: Counts, evidence: Evidence) -> Counts:
    since = evidence.start - FIRST_LOOK_BACK
    needy = {id(count): r for r, count, _ in counts if not r.job.keep_edges and _unseen(r, count)}
    if not needy:
        return counts
    selectors = {read.selector for r in needy.values() for read in r.reads}
    found = evidence.reader.read(selectors, since, evidence.start)
    error = next((e for e in found.values() if isinstance(e, SourceError)), None)
    if error is not None:
        raise error
    memberships = Evidence(evidence.reader, since, evidence.start).memberships(
        [one for r in needy.values() for one in unknown(r.job, r.reads, found)]
    )
    widened = []
    for pending, count, raw in counts:
        if id(count) not in needy:
            widened.append((pending, count, raw))
            continue
        older, older_raw = sampled_of(pending.job, pending.reads, found, memberships)
        sampled = {s.series.key: s for s in count.read}
        for key, one in older.items():
            sampled[key] = with_older(sampled[key], one) if key in sampled else one
        renewed = count_of(pending, count.span, list(sampled.values()), since)
        widened.append((pending, renewed, older_raw | raw))
    return widened


def _last_before(counts: Counts, evidence: Evidence) -> Counts:
    unseen = {id(count): _unseen(pending, count) for pending, count, _ in counts}
    wanted = [raw[key].labels for _, count, raw in counts for key in unseen[id(count)]]
    if not wanted:
        return counts
    # What was read already, widened or not, holds no sample of these before it.
    since = min(count.warm_from for _, count, _ in counts if unseen[id(count)]) - KNOWN_AFTER
    older = Evidence(evidence.reader, since, evidence.end).last_samples_before(wanted)
    renewed = []
    for pending, count, raw in counts:
        names = {key: series_name(raw[key].labels) for key in unseen[id(count)]}
        if not any(name in older for name in names.values()):
            renewed.append((pending, count, raw))
            continue
        sampled = [
            with_older(s, Sampled(s.series, *finite(older[name])))
            if (name := names.get(s.series.key)) in older
            else s
            for s in count.read
        ]
        read_from = count.warm_from - KNOWN_AFTER
        renewed.append((pending, count_of(pending, count.span, sampled, read_from), raw))
    return renewed

"""Sampling: what was read for one meter becomes its series with their samples and roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

from slo.domain.count import edge_key
from slo.domain.counter import Role
from slo.domain.selector import Selector
from slo.domain.series import Key, Series
from slo.domain.standing import UNMATCHED, Note
from slo.domain.strand import Sampled
from slo.prometheus.answer import Series as Raw
from slo.prometheus.errors import SourceError
from slo.prometheus.naming import canonical_labels, series_name, target_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slo.domain.reads import Read
    from slo.prometheus.job import Job
    from slo.prometheus.raw import Found

RawSeries = dict[Key, Raw]
"""One raw series of each of a meter's series."""

Memberships = Mapping[tuple[Selector, str], bool]
"""Whether series lie inside a read's part, by the part and the raw name."""


def unknown(
    job: Job, reads: Iterable[Read], found: Found
) -> Iterable[tuple[Read, Mapping[str, str]]]:
    """The labels of series whose membership in a read's part is not kept with an edge."""
    keys = {edge_key(edge) for edge in job.edges if edge.roles}
    for read in reads:
        if read.inside is None:
            continue
        for one in series_in(found, read.selector):
            name = series_name(canonical_labels(one.labels, job.slo.ignore_labels))
            if (read.index, name) not in keys:
                yield read, one.labels


def series_in(found: Found, selector: Selector) -> list[Raw]:
    """The series found for a selector; none where it failed."""
    series = found[selector]
    return [] if isinstance(series, SourceError) else series


def sampled_of(
    job: Job, reads: Iterable[Read], found: Found, memberships: Memberships
) -> tuple[dict[Key, Sampled], RawSeries]:
    """The samples by series, replicas of Prometheus merged; and one raw series of each."""
    edges = {edge_key(edge): edge for edge in job.edges if edge.roles}
    merged: dict[Key, Sampled] = {}
    raw: RawSeries = {}
    for read in reads:
        for one in series_in(found, read.selector):
            labels = canonical_labels(one.labels, job.slo.ignore_labels)
            name = series_name(labels)
            key = (read.index, name)
            edge = edges.get(key)
            roles = Role(edge.roles) if edge is not None else _roles(read, one.labels, memberships)
            if not roles:
                continue
            series = Series(key, labels, target_of(labels), roles)
            sampled = Sampled(series, *finite(one))
            merged[key] = _merged(merged[key], sampled) if key in merged else sampled
            raw[key] = one
    return merged, raw


def _roles(read: Read, labels: Mapping[str, str], memberships: Memberships) -> Role:
    if read.bound is not None:
        return read.roles_by_bound(labels)
    if read.inside is not None:
        role, part = read.inside
        if memberships.get((part, series_name(labels)), False):
            return read.roles | role
    return read.roles


def finite(one: Raw) -> tuple[list[int], list[float]]:
    """Times and values without NaN and infinities, which are no counts."""
    if all(map(isfinite, one.values)):
        return one.times, one.values
    kept = [(t, v) for t, v in zip(one.times, one.values, strict=True) if isfinite(v)]
    return [t for t, _ in kept], [v for _, v in kept]


def _merged(one: Sampled, other: Sampled) -> Sampled:
    """The samples of two replicas in order; where both have one, the higher value."""
    values: dict[int, float] = dict(zip(one.times, one.values, strict=True))
    for time, value in zip(other.times, other.values, strict=True):
        values[time] = max(value, values.get(time, value))
    times = sorted(values)
    return replace(one, times=times, values=[values[t] for t in times])


def with_older(sampled: Sampled, older: Sampled) -> Sampled:
    """The samples of both, `older` first; a sample that is in both stays once."""
    kept = older if not sampled.times else older.until(sampled.times[0] - 1)
    return replace(
        sampled,
        times=[*kept.times, *sampled.times],
        values=[*kept.values, *sampled.values],
    )


def unmatched(reads: Iterable[Read], series: Iterable[Series]) -> list[Note]:
    """A note for each selector that no series matches, now or since its edges are kept."""
    roles = Role(0)
    for one in series:
        roles |= one.roles
    wanted = [(read.roles, read.selector) for read in reads if read.bound is None]
    wanted += [read.inside for read in reads if read.inside is not None]
    found = []
    for role, selector in wanted:
        if not role & roles:
            so = "; 0 bad events are counted" if role is Role.BAD else ""
            found.append(Note(UNMATCHED, f"{selector} matches no series{so}"))
    return found

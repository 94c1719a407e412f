"""Counting against histories whose truth is known: live, caught up, backfilled, in any split."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from slo.domain.span import Span
from tests.support.scenario import (
    METRIC,
    T0,
    Book,
    Life,
    Scenario,
    Target,
    life,
    random_scenario,
    scrapes,
    slo_of,
    truth_of,
)

MS = T0 * 1000
TAIL = 2700
"""Seconds after a scenario until nothing is waited for."""
# A rename in the middle of other faults is told by hand-written cases: there a truth is a guess.
PLAIN = ("restarts", "deploys", "outages", "failures", "late", "created")
RENAMED = ("renames", "created")

# A seed, the scrape interval in seconds, and what happens; `built` makes the scenario of it.
histories = st.tuples(
    st.integers(0, 2**32),
    st.sampled_from((5, 15, 60, 300)),
    st.frozensets(st.sampled_from(PLAIN)) | st.frozensets(st.sampled_from(RENAMED)),
)
plain = st.tuples(
    st.integers(0, 2**32), st.sampled_from((5, 15, 60)), st.frozensets(st.sampled_from(PLAIN))
)
cheap = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # A seed does not shrink to anything simpler.
    phases=(Phase.explicit, Phase.generate),
)


def built(history) -> tuple[Scenario, int]:
    seed, every, features = history
    return random_scenario(Random(seed), every * 1000, features)


def end_of(length: int) -> int:
    return -(-(T0 + length // 1000 + TAIL) // 60) * 60


def cuts_of(data, end: int) -> list[int]:
    inner = data.draw(st.sets(st.integers(1, (end - T0) // 60 - 1), max_size=8))
    return sorted({T0, end, *(T0 + 60 * n for n in inner)})


def one_target(*lives: Life, every: int = 15_000, until: int = 3_600_000, **changes) -> Target:
    labels = {"job": "shop", "instance": "pod-0:80"}
    times = changes.pop("scrapes", None) or scrapes(MS, MS + until, every, phase=3_000)
    return Target(labels, list(lives), times, **changes)


def booked_every_way(scenario: Scenario, end: int, cuts=()) -> set[tuple[float, float]]:
    """Bad and total, booked live, in catch-up spans, and backfilled in chunks."""
    source, _ = scenario.load()
    edges = sorted({T0, end, *cuts})
    return {
        Book(source).live(range(T0 + 60, end + 1, 60)).booked,
        Book(source).live([*edges[1:-1], end + TAIL]).booked,
        Book(source).backfill([*edges, end + TAIL], end + TAIL + 900).booked,
    }


class TestTruth:
    @cheap
    @given(histories)
    def test_live_booking_counts_what_scrapes_saw(self, history):
        scenario, length = built(history)
        source, truth = scenario.load()
        end = end_of(length)
        assert Book(source).live(range(T0 + 60, end + 1, 60)).booked == truth_of(truth)

    @cheap
    @given(histories, st.data())
    def test_any_chunks_newest_first_count_what_scrapes_saw(self, history, data):
        scenario, length = built(history)
        source, truth = scenario.load()
        end = end_of(length)
        book = Book(source).backfill(cuts_of(data, end), end + 900)
        assert book.booked == truth_of(truth)

    @cheap
    @given(histories, st.data())
    def test_catching_up_in_long_spans_counts_what_scrapes_saw(self, history, data):
        scenario, length = built(history)
        source, truth = scenario.load()
        book = Book(source).live(cuts_of(data, end_of(length))[1:])
        assert book.booked == truth_of(truth)

    @cheap
    @given(plain, st.data())
    def test_a_backfill_before_live_booking_joins_without_seam(self, history, data):
        scenario, length = built(history)
        source, truth = scenario.load()
        end = end_of(length)
        begun = T0 + 60 * data.draw(st.integers(1, (end - T0) // 60 - 1))
        live = Book(source)
        live.booked_to = None
        first = live.collect(Span(begun, begun + 60), begun + 660, fresh=True)
        assert first.fault is None
        if first.booking is not None:
            live.take(first.booking)
            live.booked_to = first.booking.span.end
            live.live(range(live.booked_to + 60, end + 1, 60))
        else:
            live.take(live.collect(Span(begun, end), end + 900, fresh=True).booking)
        back = Book(source).backfill([T0, begun], end + 900)
        total = live.bad + back.bad, live.total + back.total
        assert total == truth_of(truth)

    def test_every_bucket_of_a_span_is_booked_in_order(self):
        source, _ = Scenario([one_target(life(MS, MS + 3_600_000))]).load()
        book = Book(source).live(range(T0 + 60, T0 + 3601, 60))
        assert [i.end for i in book.increments] == list(range(T0 + 60, T0 + 3601, 60))


class TestSplits:
    def test_the_same_span_again_adds_nothing(self):
        source, _ = Scenario([one_target(life(MS, MS + 3_600_000))]).load()
        book = Book(source).live(range(T0 + 60, T0 + 1801, 60))
        edges, before = dict(book.edges), book.total
        again = book.collect(Span(T0 + 1740, T0 + 1800), T0 + 1815)
        assert sum(i.total for i in again.booking.increments) == 0
        assert (book.edges, book.total) == (edges, before)

    def test_a_late_sample_is_booked_once_in_a_later_bucket(self):
        late = {MS + 183_000: 70_000}
        times = scrapes(MS, MS + 900_000, 60_000, phase=3_000, late=lambda t: late.get(t, 0))
        scenario = Scenario([one_target(life(MS, MS + 900_000), scrapes=times)])
        source, truth = scenario.load()
        book = Book(source).live(range(T0 + 60, T0 + 901, 60))
        totals = {i.end - T0: i.total for i in book.increments}
        # The empty bucket waits until the source shows more; then both are read.
        assert sum(totals.values()) == truth["200"]
        assert totals[240] == 30

    def test_samples_on_bucket_ends_belong_to_the_bucket_that_they_end(self):
        times = scrapes(MS, MS + 900_001, 60_000)
        source, _ = Scenario([one_target(life(MS, MS + 900_000), scrapes=times)]).load()
        book = Book(source).live(range(T0 + 60, T0 + 841, 60))
        assert {i.total for i in book.increments} == {30.0}


class TestRestarts:
    def test_a_gap_of_hours_that_ends_higher_after_a_restart_counts_the_new_value_whole(self):
        first = life(MS, MS + 600_000)
        second = life(MS + 3_000_000, MS + 18_000_000, every=1_000)
        times = [
            s for s in scrapes(MS, MS + 18_000_000, 15_000, phase=3_000)
            if not MS + 560_000 < s[0] < MS + 14_960_000
        ]  # fmt: skip
        scenario = Scenario([one_target(first, second, scrapes=times)])
        _, truth = scenario.load()
        end = T0 + 18_000
        for cut in (T0 + 540, T0 + 3000, T0 + 14_940, T0 + 15_000):
            assert booked_every_way(scenario, end, [cut]) == {truth_of(truth)}

    def test_a_step_over_a_gap_is_carried(self):
        times = [
            s for s in scrapes(MS, MS + 3_600_000, 15_000) if not 600_000 < s[0] - MS < 1_500_000
        ]
        source, _ = Scenario([one_target(life(MS, MS + 3_600_000), scrapes=times)]).load()
        book = Book(source).live(range(T0 + 60, T0 + 3601, 60))
        assert {i.end - T0: i.carried for i in book.increments if i.carried} == {1500: 900}
        assert book.noted("carried")

    def test_an_error_series_that_a_restart_took_away_is_counted_whole_when_it_is_back(self):
        lives = [
            life(MS, MS + 601_000, errors=[MS + 5_000]),
            life(MS + 601_000, MS + 3_600_000, errors=[MS + 625_000]),
        ]
        scenario = Scenario([one_target(*lives)])
        assert {bad for bad, _ in booked_every_way(scenario, T0 + 3600, [T0 + 600])} == {2.0}


class TestBirths:
    def test_a_series_born_at_its_first_error_counts_whole(self):
        errors = [MS + 700_000, MS + 700_100, MS + 700_200]
        scenario = Scenario([one_target(life(MS - 86_400_000, MS + 3_600_000, errors=errors))])
        source, _ = scenario.load()
        assert Book(source).live(range(T0 + 60, T0 + 3601, 60)).bad == 3

    def test_a_birth_without_up_or_start_is_not_counted_but_noted(self):
        errors = [MS + 700_000, MS + 700_100]
        scenario = Scenario(
            [one_target(life(MS, MS + 3_600_000, errors=errors))], process=False, up=False
        )
        source, _ = scenario.load()
        book = Book(source).live(range(T0 + 60, T0 + 1801, 60))
        assert book.bad == 0
        assert sum(note.amount for note in book.noted("birth-uncounted")) >= 2

    def test_an_old_exporter_first_scraped_today_is_not_counted_but_noted(self):
        times = scrapes(MS + 1_200_000, MS + 3_600_000, 15_000)
        target = one_target(life(MS - 86_400_000, MS + 3_600_000), scrapes=times)
        source, truth = Scenario([target]).load()
        book = Book(source).live(range(T0 + 60, T0 + 3601, 60))
        first = 43_200 + 600 - 0
        assert sum(note.amount for note in book.noted("birth-uncounted")) == first
        assert book.total == truth["200"] - first

    def test_an_implausible_first_value_is_not_counted_but_noted(self):
        usual = one_target(life(MS, MS + 3_600_000))
        foreign = Target(
            {"job": "shop", "instance": "foreign:80"},
            [life(MS + 1_700_000, MS + 3_600_000, every=1)],
            scrapes(MS + 1_800_000, MS + 1_900_000, 15_000),
        )
        source, _ = Scenario([usual, foreign]).load()
        book = Book(source).live(range(T0 + 60, T0 + 1921, 60))
        assert [n.amount for n in book.noted("birth-uncounted")] == [100_000]

    def test_births_may_be_counted_or_ignored_by_rule(self):
        errors = [MS + 700_000, MS + 700_100]
        scenario = Scenario(
            [one_target(life(MS, MS + 3_600_000, errors=errors))], process=False, up=False
        )
        source, truth = scenario.load()
        ends = range(T0 + 60, T0 + 3601, 60)
        assert Book(source, slo_of(births="count")).live(ends).booked == truth_of(truth)
        ignored = Book(source, slo_of(births="ignore")).live(ends)
        assert (ignored.bad, ignored.noted("birth-uncounted")) == (0, [])

    def test_a_series_that_was_forgotten_is_not_counted_again_when_it_is_back(self):
        week = 8 * 86_400
        times = [
            *scrapes(MS, MS + 600_000, 15_000),
            *scrapes(MS + week * 1000, MS + week * 1000 + 600_000, 15_000),
        ]
        target = one_target(life(MS, MS + week * 1000 + 700_000, every=60_000), scrapes=times)
        source, _ = Scenario([target]).load()
        book = Book(source).live(range(T0 + 60, T0 + 601, 60))
        book.edges.clear()  # As the store does after max_gap.
        book.live([T0 + week + 600])
        assert book.total == 9 + 9
        assert [n.amount for n in book.noted("birth-uncounted")] == [11_520]


class TestRenames:
    def history(self, *renamed, until=7_200_000, **changes):
        served = life(MS, MS + until, errors=[MS + 500_000])
        return Scenario([one_target(served, until=until, renamed=list(renamed), **changes)])

    def test_a_new_instance_label_loses_nothing_and_doubles_nothing(self):
        scenario = self.history((MS + 1_800_000, MS + 9_000_000, {"instance": "pod.local:80"}))
        _, truth = scenario.load()
        for cut in (1740, 1800, 1860):
            assert booked_every_way(scenario, T0 + 7200, [T0 + cut]) == {truth_of(truth)}

    def test_renamed_and_back_again_counts_once_in_one_span_and_in_many(self):
        scenario = self.history(
            (MS + 1_800_000, MS + 2_400_000, {"zone": "eu"}),
            (MS + 3_000_000, MS + 3_600_000, {"zone": "eu"}),
        )
        _, truth = scenario.load()
        for cut in (1800, 2100, 2400, 2460, 3000, 3300, 3600):
            assert booked_every_way(scenario, T0 + 7200, [T0 + cut]) == {truth_of(truth)}

    def test_renamed_while_prometheus_was_down_for_hours_counts_once(self):
        times = [
            s for s in scrapes(MS, MS + 7_200_000, 15_000)
            if not MS + 1_800_000 < s[0] < MS + 5_400_000
        ]  # fmt: skip
        scenario = self.history(
            (MS + 1_900_000, MS + 9_000_000, {"instance": "pod.local:80"}), scrapes=times
        )
        _, truth = scenario.load()
        assert booked_every_way(scenario, T0 + 7200, [T0 + 1800, T0 + 5400]) == {truth_of(truth)}

    def test_processes_that_start_in_one_instant_are_no_renames_of_each_other(self):
        targets = [
            Target(
                {"job": "shop", "instance": f"pod-{n}:80"},
                [life(MS + 30_000, MS + 3_600_000)],
                scrapes(MS, MS + 3_600_000, 15_000, phase=52_000 + 5_000 * n),
            )
            for n in range(3)
        ]
        scenario = Scenario(targets)
        source, truth = scenario.load()
        book = Book(source).live(range(T0 + 60, T0 + 3601, 60))
        assert book.total == truth["200"]
        assert not book.noted("rename")

    def test_a_new_version_label_of_a_new_process_is_no_rename(self):
        target = one_target(
            life(MS, MS + 1_800_000, every=10_000),
            life(MS + 1_800_000, MS + 3_600_000, every=100),
            renamed=[(MS, MS + 1_800_000, {"version": "1"})],
        )
        source, truth = Scenario([target]).load()
        book = Book(source).live(range(T0 + 60, T0 + 3601, 60))
        assert book.total == truth["200"]


class TestReplicas:
    def pair(self, skew: int, *, restart: bool = True, **labels):
        """Two Prometheus that scrape one target; the second one's clock is ahead by `skew`."""
        until = MS + (1_800_000 if restart else 3_700_000)
        served = life(MS, until, errors=[MS + 500_000])
        again = life(until, MS + 3_600_000)
        return [
            one_target(
                served,
                again,
                scrapes=scrapes(MS, MS + 3_600_000, 15_000, phase=phase),
                skew=own,
                extra={"replica": name} if labels else {},
            )
            for name, phase, own in (("a", 3_000, 0), ("b", 9_000, skew))
        ]

    def test_replicas_told_apart_by_an_ignored_label_count_once(self):
        scenario = Scenario(self.pair(7_000, replica="x"))
        source, _ = scenario.load()
        alone, truth = Scenario(self.pair(0)[:1]).load()
        assert Book(source).live(range(T0 + 60, T0 + 3601, 60)).total == truth["200"] + 1
        assert Book(alone).live(range(T0 + 60, T0 + 3601, 60)).booked == truth_of(truth)

    def in_turns(self, skew: int, **changes) -> Book:
        sources = [Scenario([target]).load()[0] for target in self.pair(skew, **changes)]
        book = Book(sources[0])
        for turn, end in enumerate(range(T0 + 60, T0 + 3601, 60)):
            book.source = sources[turn % 2]
            book.cycle(end)
        return book

    def test_a_pair_that_answers_in_turns_with_skewed_clocks_never_counts_twice(self):
        for skew in (-20_000, -7_000, 7_000, 20_000):
            book = self.in_turns(skew, restart=False)
            seen = {
                name: Scenario([t]).load()[1]
                for name, t in zip("ab", self.pair(skew, restart=False), strict=True)
            }
            assert book.bad == 1
            assert book.total - 1 <= max(truth["200"] for truth in seen.values())
            assert book.total - 1 >= min(truth["200"] for truth in seen.values()) - 30

    def test_a_restart_seen_by_both_of_a_pair_is_one_reset(self):
        book = self.in_turns(0)
        _, truth = Scenario(self.pair(0)[:1]).load()
        assert abs(book.total - truth["200"] - truth["500"]) <= 15_000 / 2_000


class TestGoodAndTotal:
    def test_two_metrics_scraped_seconds_apart_keep_what_they_say(self):
        source, _ = Scenario([one_target(life(MS, MS + 600_000))]).load()
        book = Book(source).live(range(T0 + 60, T0 + 601, 60))
        assert all(i.good == i.total for i in book.increments)

    def test_contributors_sum_to_what_is_booked(self):
        errors = [MS + 1_000 * n for n in range(100, 900, 7)]
        source, _ = Scenario([one_target(life(MS, MS + 3_600_000, errors=errors))]).load()
        book = Book(source).live(range(T0 + 60, T0 + 3601, 60))
        assert sum(c.total for c in book.contributions) == book.total
        assert sum(c.bad for c in book.contributions) == book.bad

    def test_a_counter_that_is_nan_for_a_while_loses_nothing(self):
        source, truth = Scenario([one_target(life(MS, MS + 1_800_000))]).load()
        for labels, rows in source.series_.items():
            if ("__name__", METRIC) in labels:
                rows[20:25] = [(t, float("nan"), a) for t, _, a in rows[20:25]]
        assert Book(source).live(range(T0 + 60, T0 + 1861, 60)).total == truth["200"]

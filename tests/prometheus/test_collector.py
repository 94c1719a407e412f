from datetime import timedelta

from slo.domain.indicator import Events, Latency, Mean
from slo.domain.selector import Selector
from slo.domain.span import Span
from slo.promql import parse_selector
from tests.support.fake_source import FakeSource
from tests.support.scenario import (
    METRIC,
    T0,
    Book,
    Scenario,
    Target,
    life,
    scrapes,
    slo_of,
    truth_of,
)

MS = T0 * 1000
ENDS = range(T0 + 60, T0 + 901, 60)
TIMES = range(MS + 3_000, MS + 900_000, 15_000)


def shop() -> FakeSource:
    target = Target(
        {"job": "shop", "instance": "a:80"},
        [life(MS, MS + 900_000, errors=[MS + 400_000], lazy=())],
        scrapes(MS, MS + 900_000, 15_000, phase=3_000),
    )
    return Scenario([target]).load()[0]


def histogram(*bounds: str) -> FakeSource:
    source = FakeSource()
    for bound in bounds:
        rise = 1 if bound != "+Inf" else 2
        labels = {"__name__": "x_seconds_bucket", "job": "j", "instance": "i", "le": bound}
        source.add(labels, [(t, float(n * rise)) for n, t in enumerate(TIMES)])
    return source


class TestLatency:
    def test_the_bound_is_found_as_a_number(self):
        for bound in ("0.2", "0.20", "2e-01"):
            rule = Latency(Selector("x_seconds"), timedelta(milliseconds=200))
            book = Book(histogram(bound, "+Inf"), slo_of(rule)).live(ENDS)
            assert (book.bad, book.total) == (59, 118)

    def test_a_threshold_between_bounds_is_a_fault_that_lists_them(self):
        rule = Latency(Selector("x_seconds"), timedelta(milliseconds=300))
        book = Book(histogram("0.2", "0.5", "+Inf"), slo_of(rule))
        outcome = book.collect(Span(T0, T0 + 60), T0 + 75, fresh=True)
        assert outcome.fault.kind == "no_bucket"
        assert "0.2, 0.5" in outcome.fault.message

    def test_an_exporter_that_writes_its_bounds_anew_makes_no_new_series(self):
        source = histogram("0.2", "+Inf")
        for key in list(source.series_):
            labels = dict(key)
            if labels["le"] == "0.2":
                rows = source.series_[key]
                source.series_[key] = rows[:30]
                source.add(labels | {"le": "0.20"}, rows[30:])
        rule = Latency(Selector("x_seconds"), timedelta(milliseconds=200))
        assert Book(source, slo_of(rule)).live(ENDS).bad == 59


def test_a_mean_is_one_slice_a_bucket_with_observations():
    source = FakeSource()
    base = {"job": "j", "instance": "i"}
    source.add(base | {"__name__": "x_count"}, [(t, float(n)) for n, t in enumerate(TIMES)])
    slow = [(t, n * 0.1 if t < MS + 480_000 else n * 0.3) for n, t in enumerate(TIMES)]
    source.add(base | {"__name__": "x_sum"}, slow)
    book = Book(source, slo_of(Mean(Selector("x"), timedelta(milliseconds=200)))).live(ENDS)
    assert (book.total, book.bad) == (15, 7)


def test_a_regex_membership_goes_to_the_source():
    rule = Events(total=Selector(METRIC), bad=parse_selector(METRIC + '{code=~"5.."}'))
    source = shop()
    assert Book(source, slo_of(rule)).live(ENDS).bad == 1
    assert any(isinstance(r, tuple) and 'code=~"5.."' in r[1] for r in source.requests)


def test_an_equality_membership_is_told_by_labels_alone():
    source = shop()
    book = Book(source).live(ENDS[:1])
    # The first start asks which series were silent just then; after it nothing is asked.
    source.requests.clear()
    assert book.live(ENDS[1:]).bad == 1
    assert not any(isinstance(r, tuple) for r in source.requests)


def test_a_target_that_was_silent_for_hours_at_the_first_start_goes_on_from_its_edge():
    end = MS + 14_400_000
    times = [s for s in scrapes(MS, end, 15_000) if not 3_600_000 < s[0] - MS < 12_000_000]
    target = Target({"job": "shop", "instance": "b:80"}, [life(MS, end)], times)
    source, truth = Scenario([target]).load()
    book = Book(source)
    first = book.collect(Span(T0 + 8400, T0 + 9000), T0 + 9015, fresh=True, hold=False)
    book.take(first.booking)
    book.booked_to = T0 + 9000
    book.live([T0 + 14_400, T0 + 16_200]).backfill([T0, T0 + 8400], T0 + 16_200)
    assert book.booked == truth_of(truth)


def test_too_many_samples_are_read_in_halves():
    source, plain = shop(), Book(shop()).live(ENDS)
    source.most_samples = 40
    assert Book(source).live([ENDS[-1]]).booked == plain.booked


def test_a_plain_live_cycle_asks_once_for_samples_and_reads_them_at_most_twice():
    source = shop()
    book = Book(source).live(ENDS[:8])
    source.requests.clear()
    book.cycle(ENDS[8])
    assert source.requests == [f"{METRIC}[90000ms]"]


def test_a_target_whose_up_differs_counts_on_and_what_was_there_at_the_beginning_is_no_birth():
    source = shop()
    for key in list(source.series_):
        labels = dict(key)
        if labels["__name__"] != METRIC:
            source.series_[frozenset((labels | {"instance": "other"}).items())] = (
                source.series_.pop(key)
            )
    book = Book(source).live(ENDS)
    assert book.total > 400
    assert not book.noted("birth-uncounted")


def test_a_selector_that_matches_nothing_is_noted_and_no_other():
    typo = Events(total=Selector(METRIC), bad=parse_selector(METRIC + '{code="599"}'))
    book = Book(shop(), slo_of(typo)).live(ENDS)
    assert book.total > 400
    text = METRIC + '{code="599"} matches no series; 0 bad events are counted'
    assert {note.text for note in book.noted("unmatched")} == {text}
    assert not Book(shop()).live(ENDS).noted("unmatched")

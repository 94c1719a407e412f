from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slo.domain.incident import Incident
from slo.domain.span import Span
from slo.domain.tally import Lengths, going_on, tally_of

PERIOD = Span(1000, 2000)
NOW = 5000


def incident(number=1, *, started=1100, opened=1160, resolved=1400, severity="page"):
    status = "open" if resolved is None else "resolved"
    return Incident(
        number, "svc", "it burns", severity, status, started, opened, resolved_at=resolved
    )


def test_incidents_count_where_they_open_and_last_where_they_go_on():
    early = incident(1, started=900, opened=950, resolved=1050)
    inside = incident(2, severity="ticket")
    late = incident(3, started=1950, opened=2100, resolved=2500)
    found = tally_of([early, inside, late], PERIOD, NOW)
    assert (found.number, found.pages, found.tickets) == (1, 0, 1)
    assert found.seconds == 50 + 300 + 50
    assert (found.detect, found.resolve) == (Lengths(60.0, 60), Lengths(300.0, 300))


def test_an_incident_that_opens_at_the_end_belongs_to_it():
    at_end = incident(opened=2000, resolved=2100)
    assert tally_of([at_end], PERIOD, NOW).number == 1
    at_start = incident(started=900, opened=1000, resolved=1100)
    assert tally_of([at_start], PERIOD, NOW).number == 0


def test_overlapping_incidents_last_once():
    both = [incident(1), incident(2, started=1300, opened=1310, resolved=1500)]
    found = tally_of(both, PERIOD, NOW)
    assert found.seconds == 400
    assert (found.detect, found.resolve) == (Lengths(35.0, 60), Lengths(250.0, 300))


def test_an_open_one_goes_on_till_now():
    still = incident(resolved=None)
    found = tally_of([still], PERIOD, 1500)
    assert (found.seconds, found.resolve) == (400, None)
    assert tally_of([still], PERIOD, NOW).seconds == 900
    assert going_on(still, Span(NOW, NOW + 10), NOW) is None


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 400), st.integers(1, 900)), max_size=6)
)
def test_the_tallies_of_two_halves_add_up(given_incidents):
    found = [
        incident(n, started=at, opened=at + wait, resolved=at + wait + rest)
        for n, (at, wait, rest) in enumerate(given_incidents)
    ]
    halves = [tally_of(found, half, NOW) for half in (Span(1000, 1500), Span(1500, 2000))]
    whole = tally_of(found, PERIOD, NOW)
    assert sum(h.number for h in halves) == whole.number
    assert sum(h.seconds for h in halves) == whole.seconds

"""How bad an incident is, in texts: the worst of its SLOs first, and what is not known."""

from __future__ import annotations

import re

import pytest

from slo.domain.incident import Incident, IncidentSLO
from slo.web.pages.incidents.losses import losses, tiles
from tests.web.world import AT, make_standing

SLOW, FAST, GONE = "shop/latency", "shop/availability", "shop/gone"


def incident(*parts, **changes):
    known = {"status": "open", "started_at": AT - 1200, "opened_at": AT - 600} | changes
    return Incident(7, "shop", "it burns", "page", slos=parts, **known)


def part(slo, bad=300.0, total=600.0, share=0.05):
    return IncidentSLO(slo, AT - 600, open=True, bad=bad, total=total, budget_share=share)


@pytest.fixture
def lost():
    """Three SLOs, of which one is no longer declared."""
    standings = [make_standing(SLOW, burn=2.0), None, make_standing(FAST, burn=30.0)]
    return losses(incident(part(SLOW), part(GONE, share=0.9), part(FAST)), standings)


def shown(found):
    return {
        name: (value, re.sub(r"<[^>]+>", "", str(what)).replace("\u202f", " "))
        for name, value, what in ((n.replace("\u202f", " "), v, w) for n, v, w in found)
    }


def test_what_burns_fastest_comes_first_and_what_is_unknown_last(lost):
    assert [one.part.slo for one in lost] == [FAST, SLOW, GONE]


def test_once_it_is_over_what_lost_most_comes_first():
    parts = part(SLOW, share=0.4), part(GONE, share=None), part(FAST, share=0.001)
    standings = [make_standing(SLOW, burn=0.1), None, make_standing(FAST, burn=0.3)]
    over = incident(*parts, status="resolved", resolved_at=AT - 60)
    found = losses(over, standings)
    assert [one.part.slo for one in found] == [SLOW, FAST, GONE]
    assert shown(tiles(over, found, AT))["Budget spent in it"] == ("40.0\u202f%", f"of {SLOW}")


def test_an_slo_without_a_standing_shows_what_the_incident_knows(lost):
    gone = lost[-1]
    assert (gone.burn("1h"), gone.left, gone.gone(AT)) == ("\u2013", "\u2013", "")
    assert (gone.bad, gone.share) == ("300", "90.0\u202f%")


def test_while_it_goes_on_the_worst_slo_is_on_top(lost):
    found = shown(tiles(incident(*(one.part for one in lost)), lost, AT))
    assert found["Burning for"][0] == "20\u202fmin"
    assert found["Burn rate, 5 min"] == ("30.0x", "30.0x over 1 h, still burns")
    assert found["Bad events"] == ("300", "50.0 % of 600")
    assert found["Budget spent in it"][1] == f"of {FAST}"


def test_a_burn_that_has_ended_says_since_when(lost):
    found = shown(tiles(incident(mitigated_at=AT - 60), lost[:1], AT))
    assert "below 1x since" in found["Burn rate, 5 min"][1]
    assert found["Budget spent in it"][1] == "of the budget for 30 d"


def test_once_it_is_over_the_times_are_told(lost):
    over = incident(status="resolved", resolved_at=AT - 60)
    found = shown(tiles(over, lost, AT))
    assert found["Time to detect"][0] == "10\u202fmin"
    assert found["To resolve"][0] == "19\u202fmin"
    assert found["To acknowledge"] == ("\u2013", "nobody did")
    assert "Burning for" not in found


def test_what_a_relapse_undid_still_tells_when_it_was_acknowledged(lost):
    taken = {"alerted_at": AT - 600, "first_acknowledged_at": AT - 540, "acknowledged_at": None}
    over = incident(status="resolved", resolved_at=AT - 60, reopened=1, **taken)
    length, at = shown(tiles(over, lost, AT))["To acknowledge"]
    assert length == "1\u202fmin"
    assert at.endswith("20:12")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"exhausted_at": AT + 3600}, r"gone (today|\w{3}) \d\d:\d\d"),
        ({"exhausted_at": AT + 12 * 86_400}, r"gone in 12 days"),
        ({"exhausted_at": None}, "stays within"),
        ({"left": -0.5}, "spent"),
        ({"state": "new"}, ""),
    ],
)
def test_when_the_budget_will_be_gone_is_told(changes, told):
    (one,) = losses(incident(part(FAST)), [make_standing(FAST, **changes)])
    assert re.fullmatch(told, one.gone(AT).replace("\u202f", " "))


def test_an_incident_without_slos_still_has_its_times():
    assert list(shown(tiles(incident(), [], AT))) == ["Burning for"]
    assert len(tiles(incident(status="resolved"), [], AT)) == 4

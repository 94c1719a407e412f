from __future__ import annotations

from decimal import Decimal

from slo.domain.policy import BudgetRule, BurnRule
from slo.domain.replay import Fired
from slo.domain.replay_incidents import incidents_of, only_in, totals_of

PAGE = BurnRule("page-1h", "page", Decimal("14.4"), 3600, 300, 2)
SLOWER = BurnRule("page-6h", "page", Decimal(6), 21600, 1800, 2)
TICKET = BurnRule("ticket-1d", "ticket", Decimal(3), 86400, 7200)
BUDGET = BudgetRule("budget-50", "ticket", Decimal("0.5"))
MINUTE = 60
END = 100_000


def alert(rule, fires, resolves=None, began=None):
    """An alert of these minutes."""
    return Fired(
        rule,
        fires * MINUTE,
        "it burned",
        (),
        (fires - 10 if began is None else began) * MINUTE,
        0.1,
        None if resolves is None else resolves * MINUTE,
    )


def one(*alerts):
    (incident,) = incidents_of(alerts)
    return incident


def test_an_alert_opens_an_incident_that_resolves_with_it():
    incident = one(alert(PAGE, 20, 40))
    assert (incident.opened, incident.resolved) == (20 * MINUTE, 40 * MINUTE)
    assert incident.started == 10 * MINUTE
    assert (incident.severity, incident.paged, incident.reopened) == ("page", 1, 0)


def test_further_alerts_join_and_the_last_ends_it():
    incident = one(alert(PAGE, 20, 40), alert(SLOWER, 30, 60), alert(TICKET, 35, 90, began=5))
    assert incident.rules == ("page-1h", "page-6h", "ticket-1d")
    assert (incident.opened, incident.resolved) == (20 * MINUTE, 90 * MINUTE)
    assert incident.started == 5 * MINUTE
    assert incident.paged == 1


def test_a_page_raises_a_ticket_and_pages():
    incident = one(alert(TICKET, 20, 90), alert(PAGE, 30, 40))
    assert (incident.severity, incident.paged) == ("page", 1)


def test_a_relapse_within_a_quarter_of_an_hour_reopens_and_pages_again():
    incident = one(alert(PAGE, 20, 40), alert(PAGE, 55, 60))
    assert (incident.reopened, incident.paged, incident.resolved) == (1, 2, 60 * MINUTE)
    first, second = incidents_of([alert(PAGE, 20, 40), alert(PAGE, 56, 60)])
    assert (first.paged, second.paged) == (1, 1)


def test_a_page_after_all_pages_resolved_pages_again_though_tickets_held_it_open():
    incident = one(alert(PAGE, 20, 40), alert(TICKET, 30, 300), alert(PAGE, 200, 210))
    assert (incident.reopened, incident.paged) == (1, 2)
    joined = one(alert(PAGE, 20, 40), alert(SLOWER, 30, 300), alert(PAGE, 200, 210))
    assert (joined.reopened, joined.paged) == (0, 1)


def test_flapping_pages_no_more_until_an_hour_without_change():
    flaps = [alert(PAGE, 20 + 4 * n, 22 + 4 * n) for n in range(10)]
    assert one(*flaps).paged == 4  # The seventh change within the hour is the fourth relapse.
    held = alert(TICKET, 21, 900)
    calm = one(*flaps, held, alert(PAGE, 200, 210))
    assert calm.paged == 5


def test_alerts_of_budgets_open_nothing():
    assert incidents_of([alert(BUDGET, 20, 40)]) == []


def test_what_still_fires_leaves_its_incident_open():
    assert one(alert(PAGE, 20)).resolved is None


def test_totals_count_minutes_once_and_leave_out_those_of_budgets():
    alerts = [
        alert(PAGE, 20, 40),
        alert(SLOWER, 30, 60, began=10),
        alert(TICKET, 500, None, began=480),
        alert(BUDGET, 1, None),
    ]
    totals = totals_of(alerts, incidents_of(alerts), 520 * MINUTE)
    assert (totals.pages, totals.tickets, totals.incidents, totals.paged) == (2, 2, 2, 1)
    assert totals.seconds == (40 + 20) * MINUTE
    assert totals.seconds_to_detect == 10 * MINUTE
    assert totals_of([], [], END).seconds_to_detect is None


def test_alerts_are_the_same_if_one_of_their_severity_fired_meanwhile():
    page, ticket = alert(PAGE, 20, 40), alert(TICKET, 20, 40)
    assert only_in([page], [alert(SLOWER, 40, 50)], END) == []
    assert only_in([page], [alert(SLOWER, 41, 50)], END) == [page]
    assert only_in([page], [ticket], END) == [page]
    assert only_in([page], [], END) == [page]
    assert only_in([ticket], [alert(BUDGET, 1, None)], END) == [ticket]
    assert only_in([alert(BUDGET, 5)], [alert(BUDGET, 1, None)], END) == []

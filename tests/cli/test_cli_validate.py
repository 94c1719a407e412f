from __future__ import annotations


def alerts(project, text):
    """The lines under `Alerts` of `slo validate`."""
    project.config.write_text(text)
    lines = project.run("validate").stdout.splitlines()
    after = lines[lines.index("Alerts") + 1 :]
    return after[: after.index("")] if "" in after else after


def test_burn_rates_are_told_with_the_share_of_the_budget(offline):
    assert alerts(offline, "SLO: {availability: 99.9%}\n") == [
        "  default/availability over 30d",
        "    page-1h    page   14.4x over 1h and 5m, 2% of the budget, from 2 bad events",
        "    page-6h    page   6x over 6h and 30m, 5% of the budget, from 2 bad events",
        "    ticket-1d  ticket 3x over 1d and 2h, 10% of the budget",
        "    ticket-3d  ticket 1x over 3d and 6h, 10% of the budget",
        "    budget     ticket at 50%, 75%, 90%, 100% spent",
        "    no data    dead after 5m (page), gone after 10m (ticket), blind after 10m (ticket)",
    ]


def test_a_calendar_window_has_its_usual_length(offline):
    lines = alerts(offline, "window: week\nSLO: {availability: 99.9%}\n")
    assert lines[0] == "  default/availability over week"
    assert "page-1h    page   14.4x over 1h and 5m, 8.57% of the budget" in lines[1]


def test_what_is_changed_and_what_is_left_out_is_told(offline):
    text = (
        "alerts: {budget: off, ticket-3d: {min_bad_events: 4}}\nno_data: ignore\n"
        "SLO: {accuracy: 80%}\n"
    )
    assert alerts(offline, text) == [
        "  default/accuracy over 30d",
        "    ticket-3d  ticket 1.5x over 3d and 6h, 15% of the budget, from 4 bad events",
        "    floor      page   below 60% over 1h, from 2 bad events",
        "    no data    no alert",
        (
            "    note: page-6h is left out: at 3x it is over half of 5x, the most that an objective"
            " of 80 % can burn"
        ),
    ]


def test_a_thousand_slos_with_the_same_rules_are_one_group(offline):
    services = "".join(f"  s{i}: {{SLO: {{availability: 99.9%}}}}\n" for i in range(1000))
    other = "  z: {window: 7d, SLO: {availability: 99.9%}}\n"
    titles = [
        line
        for line in alerts(offline, f"services:\n{services}{other}")
        if not line.startswith("    ")
    ]
    assert titles == [
        "  s0/availability, s1/availability, s2/availability and 997 more SLOs over 30d",
        "  z/availability over 7d",
    ]

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest
from sqlalchemy import insert

from slo.domain.incident import AUTO
from slo.domain.ledger import Contribution
from slo.domain.postmortem import Conflict, UnknownPostmortemError
from slo.postmortem import draft
from slo.postmortem.chart import alternative
from slo.postmortem.export import render_body, to_html, to_markdown
from slo.store import booking, postmortems, schema, slos, timeline
from slo.store.engine import reading, writing
from tests.postmortem.conftest import OPENED, RESOLVED, book, open_incident, settings, tell

BAD = "<script>alert(1)</script> [x](javascript:alert(1)) | `b` **c** ![i](http://e/i.png)"


def drafted(engine, incident, now=RESOLVED, **fields):
    with writing(engine) as session:
        draft(session, settings(**fields), incident, now)
        return postmortems.one(session, incident)


def events(engine, incident):
    with reading(engine) as session:
        return [e.text for e in timeline.of(session, incident) if e.kind == "postmortem"]


def test_a_draft_tells_all_that_the_ledger_knows(engine, incident):
    found = drafted(engine, incident)
    assert found.about.title == f"svc/one burns (incident {incident})"
    assert (found.about.status, found.about.version, found.about.updated_by) == ("draft", 1, AUTO)
    body = found.body
    for part in (
        "**Authors:** mia, leo",
        "| svc/one | 99.9% over 30d | 612 | 6,100 | 60 | 200.0x | 31.0% |",
        "| the burn began | the alert fired | 10 min |",
        "| the alert fired | somebody acknowledged | 3 min |",
        "| the burn began | it stayed below 1x | 50 min |",
        "| the burn began | the incident resolved | 1 h 10 min |",
        "| mia | acknowledged | looking |",
        "| leo | commented | rolled back the deploy |",
        "- burned 14.9x over 1h and 15.2x over 5m",
        'requests_total{code=~"5..",slo="x"}',
        '| {instance="a:1", code="500"} | 700 | 3,000 | 23.3% |',
        "| all others | 5 | 3,000 | 0.2% |",
    ):
        assert part in body, part
    for heading in (
        "Summary", "Impact", "Root causes", "Trigger", "Resolution", "Detection", "Action items",
        "Lessons learned", "Timeline", "Supporting information",
    ):  # fmt: skip
        assert f"\n## {heading}\n" in f"\n{body}", heading
    for heading in ("What went well", "What went wrong", "Where we got lucky"):
        assert f"\n### {heading}\n" in body
    assert "burned at most 200.0x" in alternative(found.chart)
    assert events(engine, incident) == [
        f"A postmortem was drafted. It is required: {found.about.required_why}."
    ]


@pytest.mark.parametrize(("share", "required"), [(0.2, False), (0.2001, True), (None, False)])
def test_it_is_required_above_the_share_and_not_at_it(engine, share, required):
    with writing(engine) as session:
        book(session)
        incident = open_incident(session, share=share)
    found = drafted(engine, incident)
    assert found.about.required is required
    assert bool(found.about.required_why) is required
    assert ("This postmortem is required" in found.body) is required
    if required:
        assert found.about.required_why == "svc/one lost 20.01% of its error budget, over 20%"


def test_an_untouched_draft_is_filled_in_anew(engine, incident):
    first = drafted(engine, incident)
    assert drafted(engine, incident) == first
    with writing(engine) as session:
        tell(session, incident, RESOLVED + 60, AUTO, "reopened", "it burns again")
    again = drafted(engine, incident, RESOLVED + 600)
    assert "it burns again" in again.body
    assert again.about.version == 2
    assert len(events(engine, incident)) == 2
    with reading(engine) as session:
        assert [v.who for v in postmortems.versions(session, incident)] == [AUTO, AUTO]


def test_what_a_person_wrote_stays_when_the_incident_resolves_again(engine, incident):
    drafted(engine, incident)
    with writing(engine) as session:
        postmortems.save(session, incident, "Ours", "all ours", 1, "mia", RESOLVED + 5)
        tell(session, incident, RESOLVED + 60, AUTO, "reopened", "it burns again")
    for _ in range(2):
        again = drafted(engine, incident, RESOLVED + 600)
    assert (again.about.title, again.body, again.about.version) == ("Ours", "all ours", 2)
    assert sum("was edited already" in text for text in events(engine, incident)) == 1


def test_an_editor_of_a_draft_that_was_filled_in_anew_is_told(engine, incident):
    first = drafted(engine, incident)
    with writing(engine) as session:
        tell(session, incident, RESOLVED + 60, AUTO, "reopened", "it burns again")
    drafted(engine, incident, RESOLVED + 600)
    with pytest.raises(Conflict) as caught, writing(engine) as session:
        postmortems.save(session, incident, "t", "mine", first.about.version, "mia", RESOLVED + 700)
    assert "it burns again" in caught.value.theirs.body
    assert caught.value.base.body == first.body
    assert caught.value.body == "mine"


def test_hostile_text_stays_text(engine):
    with writing(engine) as session:
        book(session, labels='{"x":"\\n# h <img src=x onerror=alert(1)> | `"}')
        incident = open_incident(session, title=BAD)
        tell(session, incident, OPENED + 5, BAD, "commented", "\n\n# big\n" + BAD)
        tell(session, incident, OPENED + 6, "mia", "commented", "é" * 10_000)
    found = drafted(engine, incident)
    page = to_html(found, [])
    assert "<script" not in page
    assert "<img" not in page
    assert "href=" not in page
    assert "<h1>big" not in page
    # The browser shows the very text that was written.
    shown = render_body(found.body, [], "")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; [x](javascript:alert(1)) | `b` **c**" in shown
    assert BAD in found.about.title
    assert "é" * 999 + "…" in found.body


def test_the_worst_incident_fits_into_its_draft(engine, make):
    """Many SLOs with the longest PromQL and labels, and texts that escaping doubles."""
    names = [f"svc/{'n' * 60}{i}" for i in range(12)]
    bad = "|" * 10_000
    with writing(engine) as session:
        declared = [make.declared(n, bad=f'code=~"{bad}{i}"') for i, n in enumerate(names)]
        meters = slos.declare(session, declared, OPENED - 3600)
        for name in names:
            found = [
                Contribution(OPENED, json.dumps({"path": "*" * 1000 + str(i)}), 5.0, 9.0)
                for i in range(20)
            ]
            span = make.booking(meters[name].id, OPENED - 3600, [(1.0, 2.0)] * 60)
            booking.book(session, [replace(span, contributions=tuple(found))])
        incident = open_incident(session, slo=names[0], title="*" * 200)
        row = {"joined_at": OPENED, "open": False, "bad": 1.0, "total": 2.0, "budget_share": 0.5}
        for name in names[1:]:
            number = slos.row_ids(session, [name])[name]
            session.execute(
                insert(schema.incident_slo).values(incident_id=incident, slo_id=number, **row)
            )
        for i in range(400):
            tell(session, incident, OPENED + i, "*" * 500, "fired", "*" * 2000)
    body = drafted(engine, incident).body
    assert "## Supporting information" in body
    assert "2 more of its SLOs" in body
    assert "more entries stand on the incident" in body
    assert "could not be used" not in body
    assert len(body) <= 200_000


def test_the_users_template_is_used(engine, incident, tmp_path):
    path = tmp_path / "own.md"
    path.write_text(
        "# Own {{ incident.number }}: {{ incident.title }}\n"
        "{% for slo in slos %}{{ slo.name }} {{ slo.budget_share }}\n{% endfor %}"
        "{% for e in timeline if e.kind == 'commented' %}* {{ e.who }}: {{ e.text }}\n{% endfor %}"
    )
    found = drafted(engine, incident, template=path)
    assert found.about.title == f"Own {incident}: svc/one burns"
    assert found.body == "svc/one 31.0%\n* leo: rolled back the deploy\n"
    assert "<h2>Action items</h2>" in to_html(found, [])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ ''.__class__.__mro__ }}", "SecurityError"),
        ("{{ incident.__init__.__globals__ }}", "unsafe"),
        ("{{ nowhere }}", "'nowhere' is undefined"),
        ("{% for i in %}", "TemplateSyntaxError"),
        ("{% include '/etc/passwd' %}", "Include"),
        ("{{ range(9999999) }}", "OverflowError"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", "steps"),
        ("{{ 'a' * 999999999 }}", "SecurityError"),
        ("{{ 'a' ~ ('b' * 2) }}", "SecurityError"),
        ("{{ '{:>999999999}'.format(1) }}", "unsafe"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "RecursionError"),
        (
            "{% set n=namespace(x='a') %}{% for i in range(60) %}{% set n.x=n.x~n.x %}{% endfor %}",
            "200,000",
        ),
        ("{% for i in range(9999) %}" + "x" * 99 + "{% endfor %}", "200,000"),
        ("x" * 100_001, "100,000"),
    ],
)
def test_a_template_that_fails_is_told_and_the_built_in_one_is_used(
    engine, incident, tmp_path, caplog, source, said
):
    path = tmp_path / "own.md"
    path.write_text(source)
    caplog.set_level(logging.WARNING)
    found = drafted(engine, incident, template=path)
    assert "## Root causes" in found.body
    shown = render_body(found.body, [], "")
    assert "Your own template could not be used, so this is the built-in one: own.md:" in shown
    assert said in shown.replace("&#x27;", "'")
    assert "own.md" in caplog.text


def test_a_template_that_is_gone_or_is_no_text_is_told(engine, incident, tmp_path):
    path = tmp_path / "own.md"
    path.write_bytes(b"\xff\xfe")
    assert "UnicodeDecodeError" in drafted(engine, incident, template=path).body
    path.unlink()
    assert "FileNotFoundError" in drafted(engine, incident, template=path).body


def test_an_slo_without_a_ledger_still_gets_its_draft(engine, make):
    with writing(engine) as session:
        slos.know(session, [make.slo("svc/one")], OPENED)
        incident = open_incident(session)
    found = drafted(engine, incident)
    assert "svc/one had 612 bad events of 6,100" in found.body
    assert found.chart == ""
    assert "[chart]" not in to_markdown(found, [])


def test_there_is_no_draft_of_an_incident_that_there_is_not(engine):
    with pytest.raises(UnknownPostmortemError, match="no incident 9"), writing(engine) as session:
        draft(session, settings(), 9, RESOLVED)

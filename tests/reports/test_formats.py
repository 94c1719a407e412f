"""The five formats of one report say the same numbers, and let nobody's text become more."""

from __future__ import annotations

import csv
import html
import io
import json
import re

import pytest

from slo.domain.period import parse_period
from slo.postmortem.markdown import unescape
from slo.reports.formats import FILES, file_name
from slo.reports.gathering import report_of
from slo.reports.view import view_of
from slo.store.engine import reading
from slo.web import format as fmt
from slo.web.api.models.reports import Report as Model
from tests.reports import world
from tests.reports.world import HOSTILE, NOW
from tests.support.stores import empty_store


def made(engine, name="2026-10"):
    with reading(engine) as session:
        return report_of(session, parse_period(name), NOW)


@pytest.fixture(scope="module")
def october(two_months):
    return made(two_months)


def rendered(report, kind, url="https://slo.test"):
    return FILES[kind][1](report, url)


def markdown_rows(text):
    """The cells of all tables, without links and escapes."""
    rows = [line for line in text.split("\n") if line.startswith("| ")]
    bare = [re.sub(r"(?<!\\)\[(.*?)(?<!\\)\]\(.*?\)", r"\1", row) for row in rows]
    return [[unescape(cell).strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in bare]


def html_rows(text):
    rows = re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    plain = [[html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in row] for row in cells]
    return [[" ".join(cell.split(" ")).strip() for cell in row] for row in plain]


def table_texts(view):
    """Every cell's text of the view, table by table."""
    tables = [*view.worst, *(t for s in view.sections for t in s.tables), *view.rest]
    return [(table, row) for table in tables for row in table.rows]


def test_text_markdown_and_html_show_every_cell_of_the_view(october):
    view = view_of(october)
    markdown = markdown_rows(rendered(october, "md"))
    page = html_rows(rendered(october, "html"))
    for _, row in table_texts(view):
        wanted = [f"{c.icon} {c.text}".strip() + (f" ({c.sub})" if c.sub else "") for c in row]
        assert wanted in markdown
        shown = [f"{c.icon}{c.text}" + (f" {c.sub}" if c.sub else "") for c in row]
        assert shown in page
    assert len(table_texts(view)) > 15


def test_every_number_of_an_slo_is_the_same_in_all_of_them(october, run_report):
    """Exact in JSON and CSV, and as they are rounded for people everywhere else."""
    body = json.loads(rendered(october, "json"))
    sheet = {row["slo"]: row for row in csv.DictReader(io.StringIO(rendered(october, "csv")))}
    markdown, page = markdown_rows(rendered(october, "md")), html_rows(rendered(october, "html"))
    text = run_report()
    lines = {line["slo"]: line for service in body["services"] for line in service["slos"]}
    assert list(lines) == list(sheet) == [line.slo for line in october.lines]
    for line in october.lines:
        one, row, verdict = lines[line.slo], sheet[line.slo], line.verdict
        figures = {
            "objective": (verdict.objective, one["objective"], row["objective"]),
            "sli": (verdict.sli, one["sli"], row["sli"]),
            "bad": (verdict.bad, one["bad"], row["bad"]),
            "good": (verdict.total - verdict.bad, one["good"], row["good"]),
            "total": (verdict.total, one["total"], row["total"]),
            "allowed": (verdict.budget.allowed, one["budget"]["allowed"], row["budget_allowed"]),
            "spent": (verdict.spent, one["spent_share"], row["spent_share"]),
            "coverage": (verdict.coverage, one["coverage"], row["coverage"]),
            "excluded": (
                sum(s.seconds for s in verdict.excluded),
                one["excluded_seconds"],
                row["excluded_seconds"],
            ),
            "incidents": (line.incidents.number, one["incidents"]["number"], row["incidents"]),
            "seconds": (
                line.incidents.seconds,
                one["incidents"]["seconds"],
                row["seconds_in_incidents"],
            ),
            "before": (line.before.sli, one["before"]["sli"], row["sli_before"]),
            "spent before": (
                line.before.spent,
                one["before"]["spent_share"],
                row["spent_share_before"],
            ),
            "incidents before": (
                line.incidents_before,
                one["incidents_before"],
                row["incidents_before"],
            ),
        }
        for name, (truth, in_json, in_csv) in figures.items():
            exact = None if truth is None else float(truth)
            assert in_json == exact, (line.slo, name)
            assert (float(in_csv) if in_csv else None) == exact, (line.slo, name)
        told = [
            fmt.objective(verdict.objective),
            fmt.sli(verdict.sli, verdict.objective),
            fmt.count(verdict.total - verdict.bad),
            fmt.count(verdict.bad),
            fmt.count(verdict.total),
            fmt.percent(verdict.spent),
            fmt.percent(verdict.coverage, 2),
        ]
        for rows in (markdown, page):
            (found,) = [r for r in rows if re.split(r"[ (]", r[1])[0] == line.name and len(r) == 12]
            cells = [found[2], found[3], found[5], found[6], found[7], found[8], found[9]]
            assert cells == told
        row_of = re.compile(rf"(met|missed|no events) +{line.name}\b.*")
        (found,) = [t for t in text.split("\n") if row_of.fullmatch(t)]
        for figure in (told[0], told[1], told[3], told[4], told[5]):
            assert figure.replace("\u202f%", "%").replace("\u2013", "-") in found


def test_totals_and_sentences_are_the_same_everywhere(october, run_report):
    body = json.loads(rendered(october, "json"))
    assert (body["totals"]["met"], body["totals"]["missed"]) == (1, 2)
    assert body["totals"]["before"] == {"met": 3, "missed": 0, "without_events": 1}
    assert body["worst_slos"][:2] == ["ranker/accuracy", "shop/availability"]
    assert body["worst_incidents"] == [1, 3, 2]
    assert body["postmortems"]["required"] == 1
    texts = [
        unescape(rendered(october, "md")),
        html.unescape(rendered(october, "html")),
        run_report().replace("%", "\u202f%"),
    ]
    for sentence in body["headline"]:
        for text in texts:
            assert sentence in text
    kept, worst, happened, learned = body["headline"]
    assert kept == (
        "1 of 3 SLOs met their objective in October 2026; in September 2026 3 of 3 did."
        " 1 SLO could not be judged."
    )
    assert worst == (
        "ranker/accuracy spent 208.1\u202f% of its error budget; also over: shop/availability."
    )
    assert happened == (
        "2 incidents (1 page, 1 ticket), 1 more than in September 2026; 4 h in incidents."
        " They were detected within 20 min on average and resolved within 1 h 30 min."
    )
    assert learned == (
        "0 of 1 required postmortems are published; 1 action item is open, 1 overdue."
    )


def test_the_json_is_what_the_model_declares(october, two_months):
    for report in (october, made(two_months, "2026-11"), made(two_months, "2026-08")):
        Model.model_validate_json(rendered(report, "json"), strict=True)


def test_the_html_file_loads_nothing_and_keeps_its_look(october):
    text = rendered(october, "html")
    assert "default-src 'none'" in text
    assert not re.search(r"<(script|link|img|iframe)\b", text)
    assert "url(" not in text
    assert ".report-table" in text
    assert 'href="https://slo.test/slo/shop/availability"' in text
    assert "href=" not in rendered(october, "html", "").partition("</style>")[2]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """October where people write what they should not."""
    engine = empty_store(tmp_path_factory.mktemp("hostile") / "slo.db")
    world.build(engine, lambda text: f"{HOSTILE} {text}")
    yield made(engine)
    engine.dispose()


class TestHostile:
    def test_no_cell_of_the_csv_is_a_formula(self, hostile):
        rows = list(csv.reader(io.StringIO(rendered(hostile, "csv"))))
        cells = [cell for row in rows for cell in row]
        owners = [cell for cell in cells if "/c calc" in cell]
        assert owners
        assert all(cell.startswith(("'=", "maintenance: =")) for cell in owners)
        assert {len(row) for row in rows} == {len(rows[0])}

    def test_no_text_becomes_html_or_markdown(self, hostile):
        text = rendered(hostile, "html")
        assert "<b>" not in text
        assert "&lt;b&gt;" in text
        lines = rendered(hostile, "md").split("\n")
        widths = {
            block[0].count("|")
            for block in _blocks(lines)
            if len({len(re.findall(r"(?<!\\)\|", line)) for line in block}) != 1
        }
        assert widths == set()
        assert not any(re.search(r"(?<!\\)<b>", line) for line in lines)

    def test_a_file_name_is_of_plain_letters(self, two_months):
        with reading(two_months) as session:
            found = report_of(
                session, parse_period("2026-Q4"), NOW, service='a"/../b\r\nc', owner="\u00e4" * 300
            )
        assert file_name(found, "csv") == "slo-report-2026-Q4-a-b-c.csv"


def _blocks(lines):
    block = []
    for line in [*lines, ""]:
        if line.startswith("|"):
            block.append(line)
        elif block:
            yield block
            block = []

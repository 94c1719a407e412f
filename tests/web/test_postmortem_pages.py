"""Pages of postmortems: the list, one to read, its editor, its versions, its action items."""

from __future__ import annotations

import re

import pytest

from slo.domain.postmortem import LONGEST_BODY
from slo.store import action_items, postmortems
from slo.store.engine import reading
from slo.web.pages.postmortems import page as postmortem_pages
from tests.web.incident_world import HOSTILE, VIEWER, add_another, client, section, text
from tests.web.world import make_client

ADA = {"who": "ada"}
ITEM = {"text": "Alert on it", "kind": "prevent", "priority": "P0", "due": "2026-01-01", **ADA}
TEXT = {"title": "What happened", "body": "# Summary\n\n**It broke.**", "version": 1, **ADA}
NASTY = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "[x](//evil.example/)",
    "![x](https://evil.example/pixel.png)",
    "![x](javascript:alert(1))",
    "<javascript:alert(1)>",
    '[x](https://ok.example "onmouseover=alert(1)")',
    "[a]: javascript:alert(1)\n\n[a]",
    "|<b>|\n|---|\n|<svg onload=alert(1)>|",
    "```html\n</code></pre><script>alert(1)</script>\n```",
)
RUNS = re.compile(
    r"<(script|img|svg onload|iframe|b>)|(href|src)=\"(javascript|data|vbscript|//)|\son\w+=\"",
    re.IGNORECASE,
)


def items(feed):
    with reading(feed.engine) as session:
        return action_items.listed(session, feed.at)


def saved(feed):
    with reading(feed.engine) as session:
        return postmortems.versions(session, 1)


# ---- The list ----


def test_the_list_shows_postmortems_and_counts(over):
    client(over).post("/postmortems/1/items", data=ITEM)
    page = client(over).get("/postmortems")
    told = section(page, "summary", "</p>")
    for wanted in ("1 draft", "1 required", "1 action item left", "1 overdue"):
        assert wanted in told
    assert 'href="/postmortems/1"' in section(page, "postmortems", "</table>")


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("?status=draft", True),
        ("?status=published", False),
        ("?service=shop&required=yes", True),
        ("?service=other", False),
        ("?overdue=yes", True),
        ("?before=1", False),
        ("?status=nonsense&required=nonsense&before=nonsense", True),
    ],
)
def test_the_list_is_narrowed_by_the_address(over, query, there):
    client(over).post("/postmortems/1/items", data=ITEM)
    page = client(over).get(f"/postmortems{query}")
    found = section(page, "postmortems", 'id="items"')
    assert ('href="/postmortems/1"' in found) is there


def test_overdue_finds_none_whose_items_are_done(over):
    client(over).post("/postmortems/1/items", data=ITEM | {"state": "done"})
    page = client(over).get("/postmortems?overdue=yes")
    assert "No postmortem fits" in text(page)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"late", "soon"}),
        ("?items=overdue", {"late"}),
        ("?items=all", {"late", "soon", "finished"}),
        ("?owner=grace", {"soon"}),
        ("?owner=grace&items=all", {"soon", "finished"}),
    ],
)
def test_action_items_are_narrowed_overdue_first(over, query, shown):
    page = client(over)
    for words, owner, due, state in (
        ("finished", "grace", "", "done"),
        ("soon", "grace", "2027-01-01", "open"),
        ("late", "ada", "2026-01-01", "open"),
    ):
        form = {"text": words, "owner": owner, "due": due, "state": state}
        page.post("/postmortems/1/items", data=ITEM | form)
    found = section(page.get(f"/postmortems{query}"), "action-items", "</form>")
    at = {words: found.find(f'row">{words}') for words in ("late", "soon", "finished")}
    assert {words for words, place in at.items() if place >= 0} == shown
    if shown >= {"late", "soon"}:
        assert at["late"] < at["soon"]


def test_items_are_ticked_off_in_the_list_and_back(over):
    page = client(over)
    page.post("/postmortems/1/items", data=ITEM)
    listed = page.get("/postmortems?owner=&items=all")
    assert 'formaction="/postmortems/1/items/1/done" name="version" value="1"' in listed.text
    form = ADA | {"version": "1", "back": "items=all&status=draft"}
    answer = page.post("/postmortems/1/items/1/done", data=form)
    assert answer.headers["Location"] == "/postmortems?items=all&status=draft#items"
    assert [i.state for i in items(over)] == ["done"]
    page.post("/postmortems/1/items/1/open", data=form | {"version": "2"})
    assert [i.state for i in items(over)] == ["open"]


@pytest.mark.parametrize("back", ["//evil.example", "x\r\nSet-Cookie: a=b", "https://evil.example"])
def test_ticking_leads_nowhere_but_to_the_list(over, back):
    page = client(over)
    page.post("/postmortems/1/items", data=ITEM)
    answer = page.post("/postmortems/1/items/1/done", data=ADA | {"version": "1", "back": back})
    assert answer.headers["Location"][:13] in {"/postmortems?", "/postmortems#"}
    assert "Set-Cookie" not in answer.headers


def test_an_item_that_somebody_changed_meanwhile_is_not_ticked_off(over):
    page = client(over)
    page.post("/postmortems/1/items", data=ITEM)
    answer = page.post("/postmortems/1/items/1/done", data=ADA | {"version": "7"})
    assert "somebody changed it meanwhile" in text(answer, 400)
    assert [i.state for i in items(over)] == ["open"]


def test_an_item_is_only_found_under_its_own_postmortem(over):
    page = client(over)
    page.post("/postmortems/1/items", data=ITEM)
    form = ADA | {"version": "1", "state": "done"}
    assert page.post("/postmortems/2/items/1/done", data=form).status_code == 404
    assert page.post("/postmortems/2/items/1", data=form).status_code == 404


def test_older_postmortems_are_a_page_further(over, monkeypatch):
    monkeypatch.setattr(postmortem_pages, "PAGE_SIZE", 1)
    add_another(over)
    first = client(over).get("/postmortems")
    assert 'row"><a href="/postmortems/2"' in first.text
    assert 'row"><a href="/postmortems/1"' not in first.text
    assert '<a href="?before=2" rel="next"' in first.text
    assert 'row"><a href="/postmortems/1"' in client(over).get("/postmortems?before=2").text


def test_an_empty_list_says_what_would_show_up(engine):
    found = text(make_client(engine).get("/postmortems"))
    assert "When an incident resolves" in found
    assert "Action items of all postmortems show here" in found


# ---- One postmortem ----


def test_a_postmortem_is_read_with_its_chart_and_its_items(over):
    client(over).post("/postmortems/1/items", data=ITEM)
    page = client(over).get("/postmortems/1")
    assert '<svg xmlns="http://www.w3.org/2000/svg" class="burn-chart"' in page.text
    assert "Alert on it" in text(page)
    assert "required: shop/availability lost" in text(page)


def test_it_is_edited_reviewed_and_published(over):
    page = client(over)
    assert page.post("/postmortems/1/edit", data=TEXT).status_code == 303
    assert "<strong>It broke.</strong>" in page.get("/postmortems/1").text
    assert page.post("/postmortems/1/items", data=ITEM).status_code == 303
    for status in ("review", "published"):
        data = {"status": status, "version": 2, "who": "grace"}
        assert page.post("/postmortems/1/status", data=data).status_code == 303
    found = page.get("/postmortems/1")
    assert "reviewed by grace" in text(found)
    assert "/postmortems/1/edit" not in found.text


def test_a_step_that_is_not_allowed_is_told(over):
    data = ADA | {"status": "review"}
    client(over).post("/postmortems/1/status", data=data)
    answer = client(over).post("/postmortems/1/status", data=data | {"status": "published"})
    assert "at least one action item of priority P0" in text(answer, 400)


def test_an_item_is_changed_in_all_its_fields(over):
    page = client(over)
    page.post("/postmortems/1/items", data=ITEM)
    form = {
        "text": "Limit retries",
        "kind": "mitigate",
        "owner": "grace",
        "priority": "P1",
        "due": "2027-02-01",
        "state": "in progress",
        "version": "1",
        **ADA,
    }
    assert page.post("/postmortems/1/items/1", data=form).status_code == 303
    (item,) = items(over)
    assert {name: str(getattr(item, name)) for name in form if name not in ADA} == {
        name: value for name, value in form.items() if name not in {*ADA, "version"}
    } | {"version": "2"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"text": ""}, "text: is empty"),
        ({"due": "tomorrow"}, "due: 'tomorrow' is not a date"),
        ({"kind": "x"}, "kind: 'x' is unknown"),
        ({"priority": "P9"}, "priority: 'P9' is unknown"),
        ({"who": ""}, "who: is empty"),
        ({"owner": "a\nb"}, "owner: must be one line"),
    ],
)
def test_a_refused_item_is_told_and_what_was_typed_is_kept(over, change, told):
    form = ITEM | {"owner": "grace hopper"} | change
    answer = client(over).post("/postmortems/1/items", data=form)
    assert told in text(answer, 400)
    if form["text"]:
        assert 'value="Alert on it"' in answer.text
    if "owner" not in change:
        assert 'value="grace hopper"' in answer.text
    assert items(over) == []


def test_a_refused_change_keeps_what_was_typed_over_the_item(over):
    page = client(over)
    page.post("/postmortems/1/items", data=ITEM)
    form = ADA | {"text": "Something new", "due": "never", "version": "1"}
    answer = page.post("/postmortems/1/items/1", data=form)
    assert "due: 'never' is not a date" in text(answer, 400)
    assert 'id="item-1" open' in answer.text
    assert 'value="Something new"' in answer.text


def test_who_may_only_read_gets_no_forms(over):
    client(over).post("/postmortems/1/items", data=ITEM)
    for path in ("/postmortems/1", "/postmortems"):
        found = section(client(over, VIEWER).get(path), "main", "</main>")
        assert 'method="post"' not in found


@pytest.mark.parametrize("path", ["status", "items", "items/1", "items/1/done", "items/1/open"])
def test_reloading_the_answer_to_a_form_shows_the_postmortem(over, path):
    assert client(over).get(f"/postmortems/1/{path}").headers["Location"] == "/postmortems/1"


@pytest.mark.parametrize(
    "path",
    [
        "/postmortems/99",
        "/postmortems/9223372036854775808",
        "/postmortems/99/edit",
        "/postmortems/99/versions",
        "/postmortems/1/versions?from=1&to=7",
        "/postmortems/1/edit?version=7",
    ],
)
def test_what_there_is_not_is_told(over, path):
    assert "No such postmortem" in text(client(over).get(path), 404)


# ---- The editor ----


def test_without_scripts_a_button_previews_and_keeps_what_was_typed(over):
    page = client(over).post("/postmortems/1/edit", data=TEXT | {"preview": "1"})
    assert "<strong>It broke.</strong>" in page.text
    assert "**It broke.**</textarea>" in page.text
    assert 'value="What happened"' in page.text
    assert 'value="ada"' in page.text
    assert len(saved(over)) == 1


def test_the_live_preview_is_the_text_as_it_will_be_saved(over):
    page = client(over)
    body = "**bold**\n\n[chart]\n\n| a |\n|---|\n| 1 |"
    preview = page.post("/postmortems/1/preview", data=TEXT | {"body": body}).text
    page.post("/postmortems/1/edit", data=TEXT | {"body": body})
    assert "<strong>bold</strong>" in preview
    assert "<svg" in preview
    assert preview.strip() in page.get("/postmortems/1").text
    assert "<html" not in preview


def test_the_preview_refuses_a_text_that_is_too_long(over):
    answer = client(over).post("/postmortems/1/preview", data={"body": "x" * (LONGEST_BODY + 1)})
    assert (answer.status_code, "200,000" in answer.text) == (400, True)


@pytest.mark.parametrize("nasty", NASTY)
def test_hostile_texts_neither_run_nor_load(over, nasty):
    page = client(over)
    preview = page.post("/postmortems/1/preview", data={"body": nasty})
    assert not RUNS.search(preview.text)
    assert "default-src 'self'" in preview.headers["Content-Security-Policy"]
    page.post("/postmortems/1/edit", data=TEXT | {"body": nasty})
    shown = section(page.get("/postmortems/1"), "main", "</article>")
    assert not RUNS.search(shown[shown.index("<article") :].replace(' class="burn', ""))


def test_a_picture_of_another_host_is_a_link(over):
    body = "![the graph](https://evil.example/pixel.png)"
    shown = client(over).post("/postmortems/1/preview", data={"body": body}).text
    assert '<a href="https://evil.example/pixel.png" rel="noopener noreferrer nofollow">' in shown
    assert "<img" not in shown


@pytest.mark.parametrize("title", ["a\r\nSet-Cookie: x=1", "a\nb", "\u2028"])
def test_a_title_of_several_lines_is_refused_and_kept(over, title):
    answer = client(over).post("/postmortems/1/edit", data=TEXT | {"title": title})
    assert "title: " in text(answer, 400)
    assert "**It broke.**</textarea>" in answer.text
    assert "Set-Cookie" not in answer.headers


def test_downloads_have_plain_names_whatever_the_title_says(over):
    page = client(over)
    page.post("/postmortems/1/edit", data=TEXT | {"title": 'x"; filename="evil.exe'})
    for ending in ("md", "html"):
        answer = page.get(f"/api/v1/postmortems/1.{ending}")
        assert answer.headers["Content-Disposition"] == f'inline; filename="postmortem-1.{ending}"'


def test_the_longest_text_is_saved_and_shown(over):
    body = "é" * (LONGEST_BODY - 2) + "\n|"
    assert client(over).post("/postmortems/1/edit", data=TEXT | {"body": body}).status_code == 303
    assert body.rstrip() in client(over).get("/postmortems/1/edit").text


def test_two_editors_lose_nothing_and_see_what_differs(over):
    page = client(over)
    one = {"title": "One", "body": "same\nfirst text", "version": 1, "who": "ada"}
    other = {"title": "Two", "body": "same\nsecond text", "version": 1, "who": "grace"}
    assert page.post("/postmortems/1/edit", data=one).status_code == 303
    answer = page.post("/postmortems/1/edit", data=other)
    assert "ada saved version 2 meanwhile" in text(answer, 409)
    assert "</span>first text\n</del>" in answer.text
    assert "</span>second text\n</ins>" in answer.text
    assert "second text</textarea>" in answer.text
    assert "data-unsaved" in answer.text
    assert page.post("/postmortems/1/edit", data=other | {"version": 2}).status_code == 303
    assert [v.body for v in saved(over)][1:] == ["same\nfirst text", "same\nsecond text"]


def test_a_published_text_is_not_edited(over):
    page = client(over)
    page.post("/postmortems/1/items", data=ITEM)
    for status in ("review", "published"):
        page.post("/postmortems/1/status", data=ADA | {"status": status})
    assert "Set it back to draft" in text(page.get("/postmortems/1/edit"))
    answer = page.post("/postmortems/1/edit", data=TEXT)
    assert "is published" in text(answer, 400)
    assert "**It broke.**</textarea>" in answer.text


# ---- Versions ----


def test_versions_are_listed_and_any_two_compared(over):
    page = client(over)
    for version, body in enumerate(("one\ntwo", "one\nthree", "one\nfour"), 1):
        page.post("/postmortems/1/edit", data=TEXT | {"body": body, "version": version})
    last = page.get("/postmortems/1/versions")
    assert "three\n</del>" in last.text
    assert "four\n</ins>" in last.text
    wide = page.get("/postmortems/1/versions?from=2&to=4")
    assert "two\n</del>" in wide.text
    assert "four\n</ins>" in wide.text
    assert "three" not in section(wide, "diff-h")
    same = page.get("/postmortems/1/versions?from=2&to=2")
    assert "one\ntwo</pre>" in same.text


def test_an_older_version_is_gone_on_from_and_nothing_is_lost(over):
    page = client(over)
    for version, body in enumerate(("good", "worse"), 1):
        page.post("/postmortems/1/edit", data=TEXT | {"body": body, "version": version})
    editor = page.get("/postmortems/1/edit?version=2")
    assert "good</textarea>" in editor.text
    assert "text of version 2" in text(editor)
    assert 'name="version" value="3"' in editor.text
    page.post("/postmortems/1/edit", data=TEXT | {"body": "good", "version": 3})
    assert [v.body for v in saved(over)][1:] == ["good", "worse", "good"]


def test_hostile_versions_stay_text(over):
    page = client(over)
    page.post("/postmortems/1/edit", data=TEXT | {"body": HOSTILE, "who": "<b>"})
    answer = page.get("/postmortems/1/versions")
    assert "<script>alert" not in answer.text
    assert HOSTILE in text(answer)

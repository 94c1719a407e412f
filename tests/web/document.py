"""A page as a test reads it: its texts, its elements, its links to SLOs."""

from __future__ import annotations

import re
from html.parser import HTMLParser

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
VOID = {"meta", "link", "input", "br", "img", "path", "line", "rect"}


class Document(HTMLParser):
    """Texts, elements and ids of a page; refuses tags that do not close."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.words = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []
        self.text = re.sub(r"\s+", " ", " ".join(self.words)).replace("\u202f", " ")

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def page(client, path, status=200):
    response = client.get(path)
    assert response.status_code == status, response.text[:500]
    assert response.content_type == "text/html; charset=utf-8"
    return Document(response.text)


def rows(document):
    return [
        attrs["href"].removeprefix("/slo/")
        for attrs in document.all("a")
        if attrs.get("href", "").startswith("/slo/")
    ]


def table(client, path):
    """The SLOs of the table, without the cards above it."""
    html = client.get(path).text
    return rows(Document("<div>" + html[html.index("<tbody>") : html.index("</table>")] + "</div>"))

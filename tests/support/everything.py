"""The site over a store with something of everything, as one who may do everything sees it.

Much of it is in trouble: pages are seldom looked at while all is well.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from tests.support import logins, rich, trouble
from tests.support.routes import pages_of, values_of


@dataclass(frozen=True)
class Everything:
    """Only to be read."""

    made: trouble.Troubled
    session: str
    """The id of an admin's session."""

    def app(self):
        return self.made.app()

    @cached_property
    def client(self):
        found = self.app().test_client()
        found.set_cookie("session", self.session)
        return found

    @cached_property
    def pages(self):
        """The paths of all pages; those that a time changes also at a time of their own."""
        at = self.made.feed.at
        own_time = f"?from={at - 7200}&to={at - 600}"
        return [
            *pages_of(self.app(), values_of(self.made)),
            *(f"/slo/mill/{name}" for name in ("frozen", "silent", "gone")),
            "/service/mill",
            *(f"{path}{own_time}" for path in ("/alerts", "/slo/fraud-model/availability")),
        ]

    @cached_property
    def html_pages(self):
        """Those that a person reads: the others are downloads, pictures, and for machines."""
        answers = ((path, self.client.get(path)) for path in self.pages)
        found = [p for p, a in answers if a.status_code == 200 and a.mimetype == "text/html"]
        assert {"/", "/alerts", "/incidents", "/postmortems"} <= set(found)
        return found


@contextmanager
def everything(folder):
    """Its store lies in the folder."""
    made = trouble.add(rich.make(folder / "slo.db"))
    logins.add_user(made.feed.engine, "ada", now=int(made.now))
    logins.add_user(made.feed.engine, "joe", "viewer", now=int(made.now))
    logins.add_token(made.feed.engine, "gate", now=int(made.now))
    yield Everything(made, logins.begin(made.feed.engine, "ada", made.now))
    made.feed.engine.dispose()

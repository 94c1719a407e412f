"""The demo as a user starts it: `slo demo`, with the real `slo serve`."""

from __future__ import annotations

import html
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from slo.demo.processes import free_port
from slo.demo.runner import switch_faults
from tests.support.browser import (
    faults_of,
    keyboard_faults,
    launched,
    looks,
    opened,
)
from tests.support.prometheus_server import TOOLS

ROOT = Path(__file__).parents[2]
LINK = re.compile(r'<a [^>]*href="([^"#]*)')
KIND = re.compile(r"^/(?:(slo)/[^/]+|(service|incidents|postmortems|reports))/[^/]+")
PATIENCE = 90
"""Seconds; on an idle machine a third of it is enough."""


@dataclass(frozen=True)
class Story:
    """What happened to a running demo: its site, and what the sink was told."""

    url: str
    slos: dict
    incident: str
    draft: str
    pages: tuple[str, ...]


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A demo that has had an incident: one day of history, errors on, paged, off, resolved."""
    tmp = tmp_path_factory.mktemp("demo")
    port = free_port(22_000)
    names = ("port", "prometheus-port", "model-port", "sink-port")
    ports = [f"--{name}={port + number}" for number, name in enumerate(names)]
    folder, said = tmp / "demo", tmp / "out.txt"
    options = [f"--folder={folder}", "--days=1", "--fault=errors", *ports]
    with said.open("w+") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "slo.cli", "demo", *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=os.environ | {"PATH": f"{os.environ['PATH']}:{TOOLS / 'usr' / 'bin'}"},
        )
        try:
            yield live_through(process, said)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(timeout=60)
    assert process.returncode == 0
    assert not (folder / "children.json").exists()


def live_through(process, said):
    """Waits until the errors have opened an incident, ends them, and waits for its end."""
    url = wait_for(process, lambda: url_in(said, "SLO Ledger"))

    def filled_and_burning():
        slos = slos_at(url)
        if len(slos) < 6 or not all(slo["events"]["total"] for slo in slos.values()):
            return None
        availability = slos["availability"]
        # A day is about three million requests; the healthy history burns at 0.2.
        full = availability["events"]["total"] > 2_500_000
        return slos if full and (availability["burn_rates"]["5m"] or 0) > 2 else None

    slos = wait_for(process, filled_and_burning)
    incident = wait_for(process, lambda: url_in(said, "PAGE   incident opened"), patience=120)
    switch_faults(url_in(said, "the model").removesuffix("/metrics"), frozenset())
    # The alert's short window must run out, and stay calm for its own length.
    draft = wait_for(process, lambda: url_in(said, "PAGE   incident resolved"), patience=300)
    lines = said.read_text().splitlines()
    told = tuple(line for line in lines if line[9:].startswith("PAGE"))
    return Story(url, slos, incident, draft, told)


def wait_for(process, ask, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not (answer := ask()):
        assert process.poll() is None, "the demo has ended"
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.25)
    return answer


def url_in(out, start):
    """The last word of the line that begins so, or that tells so of a page."""
    lines = [
        line
        for line in out.read_text().splitlines()
        if line.startswith(start) or line[9:].startswith(start)
    ]
    return lines[0].split()[-1] if lines else None


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def slos_at(url):
    return {slo["name"]: slo for slo in json.loads(get(f"{url}/api/v1/slos"))["slos"]}


def test_a_fault_burns_pages_resolves_and_leaves_a_postmortem(story):
    availability = story.slos["availability"]["events"]
    assert story.slos["latency"]["state"] == "healthy"
    assert availability["bad"] > availability["total"] * 0.0001
    assert "fraud-model" in get(story.url)
    assert story.incident.startswith(f"{story.url}/incidents/")
    assert "fraud-model/availability burns" in get(story.incident)
    assert story.draft.startswith(f"{story.url}/postmortems/")
    assert "fraud-model/availability" in get(story.draft)
    assert len(story.pages) == 2


@pytest.fixture(scope="module")
def paths(story):
    """One page of each kind, as links lead to them from the overview."""
    return crawl(story.url)


@pytest.fixture(scope="module")
def browser():
    with launched() as found:
        yield found


def test_the_running_site_is_clean_and_without_barriers_in_every_look(story, paths, browser):
    faults = {}
    with opened(browser, story.url) as page:
        for path in paths:
            page.goto(story.url + path)
            for size, scheme in looks(page):
                if found := faults_of(page, size):
                    faults[path, size[0], scheme] = found
    assert faults == {}


def test_the_running_site_is_walked_by_keyboard(story, paths, browser):
    faults = {}
    with opened(browser, story.url) as page:
        for path in paths:
            page.goto(story.url + path)
            if found := keyboard_faults(page):
                faults[path] = found
    assert faults == {}


def test_the_running_site_reads_without_scripts(story, paths, browser):
    with opened(browser, story.url, java_script_enabled=False) as page:
        for path in paths:
            page.goto(story.url + path)
            assert page.locator("h1").is_visible(), path


def crawl(url):
    """The paths that links lead to, one for each kind: numbers and names make no other kind."""
    kinds, waiting = {}, ["/"]
    while waiting:
        path = waiting.pop(0)
        kind = KIND.sub(r"/\1\2/*", path.partition("?")[0])
        if kind in kinds:
            continue
        with urllib.request.urlopen(url + path, timeout=10) as answer:
            if answer.headers.get_content_type() != "text/html":
                continue
            text = answer.read().decode()
        kinds[kind] = path
        links = (html.unescape(link) for link in LINK.findall(text))
        waiting += [link for link in links if link.startswith("/")]
    return tuple(kinds.values())

"""The pictures of the README, taken of a running demo in which something burns:

make demo DEMO_FLAGS="--fault errors"
python -m tests.support.pictures http://127.0.0.1:8000 docs/pictures
"""

from __future__ import annotations

import json
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from tests.support.browser import launched, opened

SIZE = (1440, 900)


def paths(url):
    """The name of each picture, and the page that it shows."""
    with urllib.request.urlopen(f"{url}/api/v1/incidents", timeout=10) as answer:
        newest = json.load(answer)["incidents"][0]
    return {
        "overview": "/",
        "slo": f"/slo/{newest['slos'][0]['slo']}",
        "incident": f"/incidents/{newest['id']}",
        "report": f"/reports/{datetime.now(UTC):%Y-%m}",
    }


def take(url, folder):
    folder.mkdir(parents=True, exist_ok=True)
    with launched() as browser:
        for name, path in paths(url).items():
            with opened(browser, url + path, SIZE) as page:
                page.screenshot(path=folder / f"{name}.png")


if __name__ == "__main__":
    take(sys.argv[1], Path(sys.argv[2]))

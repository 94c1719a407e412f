"""Certificates for servers of tests, made by the openssl of this machine."""

from __future__ import annotations

import subprocess


def openssl(folder, *words):
    """Runs openssl in a folder."""
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=30)

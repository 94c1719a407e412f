"""Prometheus and promtool: found on the PATH, or unpacked from Debian's package.

Run as `python -m slo.demo.binaries FOLDER`, it prints the folder that holds both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "prometheus"
"""Debian's package of both programs."""

REMEDY = (
    "Install Prometheus 2.40 or newer (prometheus and promtool) so that both are on the PATH: "
    "`apt-get install prometheus` on Debian and Ubuntu, or the release of prometheus.io."
)


class BinariesError(RuntimeError):
    """There is no Prometheus and none could be unpacked; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """Paths of the two programs."""

    prometheus: Path
    promtool: Path


def ensure_prometheus(folder: Path) -> Binaries:
    """Both programs: from the PATH, else from `folder`, else unpacked into `folder` by apt.

    Needs no root, installs nothing, and starts no service.
    """
    found = find_prometheus(folder)
    if found:
        return found
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise BinariesError(f"There is no Prometheus on the PATH, and no {tool}. {REMEDY}")
    _unpack(folder)
    found = find_prometheus(folder)
    if found is None:
        raise BinariesError(f"The package {PACKAGE} held no prometheus and promtool. {REMEDY}")
    return found


def find_prometheus(folder: Path) -> Binaries | None:
    """Both programs on the PATH or unpacked in `folder`; None when either is missing."""
    for path in (None, str(folder.resolve() / "usr" / "bin")):
        prometheus = shutil.which("prometheus", path=path)
        promtool = shutil.which("promtool", path=path)
        if prometheus and promtool:
            return Binaries(Path(prometheus), Path(promtool))
    return None


def _unpack(folder: Path) -> None:
    """Download the package into `folder` and unpack it there."""
    downloads = folder.resolve() / "download"
    downloads.mkdir(parents=True, exist_ok=True)
    # As root, apt would hand the download to a user that may not write to this folder.
    options = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
    done = _apt(options, "download", PACKAGE, cwd=downloads)
    if done.returncode != 0:
        # A fresh machine has no package lists, and only root may fetch them to their place.
        options += _private_state(downloads)
        update = _apt(options, "update", cwd=downloads)
        done = _apt(options, "download", PACKAGE, cwd=downloads)
        if done.returncode != 0:
            said = (done.stderr.strip() or update.stderr.strip()).splitlines()
            last = said[-1] if said else "no reason given"
            raise BinariesError(f"apt-get could not download {PACKAGE}: {last}. {REMEDY}")
    packages = sorted(downloads.glob(f"{PACKAGE}_*.deb"), key=lambda p: p.stat().st_mtime)
    if not packages:
        raise BinariesError(f"apt-get download left no package in {downloads}. {REMEDY}")
    unpacked = downloads / "unpacked"
    done = subprocess.run(  # noqa: S603 -- fixed program, our own paths
        ["dpkg-deb", "-x", str(packages[-1]), str(unpacked)],  # noqa: S607 -- from the PATH, like every tool here
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BinariesError(f"dpkg-deb could not unpack {packages[-1]}: {done.stderr.strip()}")
    # Moved when whole: half a program must not be found by the next start.
    shutil.rmtree(folder / "usr", ignore_errors=True)
    (unpacked / "usr").rename(folder / "usr")
    shutil.rmtree(downloads)


def _private_state(folder: Path) -> list[str]:
    """Options for package lists and caches of our own, with the machine's sources and keys."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    return [
        *("-o", f"Dir::State={folder / 'state'}"),
        *("-o", f"Dir::Cache={folder / 'cache'}"),
        *("-o", "Dir::State::status=/var/lib/dpkg/status"),
    ]


def _apt(options: list[str], *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- fixed program and options
        ["apt-get", "-q", *options, *command],  # noqa: S607 -- from the PATH, like every tool here
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def main(arguments: list[str]) -> int:
    """Ensure both programs, unpacking into the folder named; print the folder that holds them."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m slo.demo.binaries FOLDER\n")
        return 2
    try:
        binaries = ensure_prometheus(Path(arguments[0]))
    except BinariesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{binaries.prometheus.parent}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

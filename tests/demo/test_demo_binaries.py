from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from slo.demo import binaries
from slo.demo.binaries import BinariesError, ensure_prometheus

# Stand-ins, since the real apt needs a network. Each writes down how it was called.
APT = """#!/bin/sh
echo "apt-get $*" >> {calls}
case " $* " in
  *" update "*) exit 0 ;;
  *" download "*)
    {download}
    : > prometheus_1.0_all.deb ;;
esac
"""
DPKG = """#!/bin/sh
echo "dpkg-deb $*" >> {calls}
/bin/mkdir -p "$3/usr/bin"
for name in {programs}; do
  echo '#!/bin/sh' > "$3/usr/bin/$name"
  /bin/chmod +x "$3/usr/bin/$name"
done
"""
FAIL = "echo 'E: Unable to locate package prometheus' >&2; exit 100"
FAIL_WITHOUT_OWN_LISTS = f'case "$*" in *Dir::State=*) ;; *) {FAIL} ;; esac'


class Machine:
    """A PATH with stand-ins only."""

    def __init__(self, folder):
        self.path = folder / "path"
        self.path.mkdir()
        self.calls = folder / "calls"

    def program(self, name, text="#!/bin/sh\n"):
        file = self.path / name
        file.write_text(text)
        file.chmod(0o755)
        return file

    def apt(self, download=":", programs="prometheus promtool"):
        self.program("apt-get", APT.format(calls=self.calls, download=download))
        self.program("dpkg-deb", DPKG.format(calls=self.calls, programs=programs))

    def called(self):
        return self.calls.read_text() if self.calls.exists() else ""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(made.path))
    return made


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "demo folder"


def test_programs_on_the_path_are_used(machine, folder):
    machine.apt()
    prometheus, promtool = machine.program("prometheus"), machine.program("promtool")
    found = ensure_prometheus(folder)
    assert (found.prometheus, found.promtool) == (prometheus, promtool)
    assert not machine.called()
    assert not folder.exists()


def test_without_them_the_package_is_unpacked_into_the_folder(machine, folder):
    machine.apt()
    found = ensure_prometheus(folder)
    assert found.prometheus == folder / "usr" / "bin" / "prometheus"
    assert found.promtool == folder / "usr" / "bin" / "promtool"
    assert "download prometheus" in machine.called()
    assert "install" not in machine.called()
    assert [p.name for p in folder.iterdir()] == ["usr"]


def test_one_program_of_two_on_the_path_is_not_enough(machine, folder):
    machine.apt()
    machine.program("prometheus")
    assert ensure_prometheus(folder).prometheus.is_relative_to(folder)


def test_a_second_time_nothing_is_downloaded(machine, folder):
    machine.apt()
    ensure_prometheus(folder)
    before = machine.called()
    ensure_prometheus(folder)
    assert machine.called() == before


def test_without_package_lists_they_are_fetched_into_the_folder(machine, folder):
    machine.apt(download=FAIL_WITHOUT_OWN_LISTS)
    assert ensure_prometheus(folder).promtool.exists()
    calls = machine.called().splitlines()
    assert "Dir::State=" not in calls[0]
    assert f"Dir::State={folder}" in calls[1]
    assert calls[1].endswith("update")
    assert calls[2].endswith("download prometheus")


def test_a_failed_download_says_why_and_what_to_install(machine, folder):
    machine.apt(download=FAIL)
    with pytest.raises(BinariesError) as failed:
        ensure_prometheus(folder)
    assert "Unable to locate package" in str(failed.value)
    assert "apt-get install prometheus" in str(failed.value)
    assert "\n" not in str(failed.value)


@pytest.mark.usefixtures("machine")
def test_without_apt_one_sentence_says_what_to_install(folder):
    with pytest.raises(BinariesError, match=r"no apt-get\. Install Prometheus .* on the PATH"):
        ensure_prometheus(folder)


def test_a_package_without_promtool_is_told(machine, folder):
    machine.apt(programs="prometheus")
    with pytest.raises(BinariesError, match="held no prometheus and promtool"):
        ensure_prometheus(folder)


def test_the_entry_prints_the_folder_of_both(machine, folder, capsys):
    machine.apt()
    assert binaries.main([str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}/usr/bin\n"


@pytest.mark.usefixtures("machine")
def test_the_entry_fails_with_the_sentence_alone(folder, capsys):
    assert binaries.main([str(folder)]) == 1
    assert capsys.readouterr().err.startswith("There is no Prometheus on the PATH")
    assert binaries.main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_the_module_runs_as_a_program(machine, folder):
    machine.apt()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "slo.demo.binaries", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{folder}/usr/bin\n", "")

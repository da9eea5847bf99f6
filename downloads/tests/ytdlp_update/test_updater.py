"""Updates with real pip and wheels in a folder; the variants that take long are for `make soak`."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from downloads.tests.support.processes import command_line, descendants, still_running
from downloads.tests.support.waiting import wait_until
from downloads.tests.support.ytdlp_wheels import (
    BUNDLED_VERSION,
    EJS_VERSION,
    NEWER,
    NEWEST,
    appended,
    make_ejs_wheel,
    make_wheel,
    make_ytdlp_wheel,
    pip_environment,
    replaced,
)
from downloads.ytdlp_update import package_index, selection, status, updater
from downloads.ytdlp_update.installation import Installation, folder_digest
from downloads.ytdlp_update.package_index import NotInIndex
from downloads.ytdlp_update.status import State
from downloads.ytdlp_update.wheels import Wheel

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]
UPDATED = f"yt-dlp was updated from {BUNDLED_VERSION} to {NEWER}; the next download uses it."


# Helpers -------------------------------------------------------------------------------------------


def unpack(folder: Path, changes: dict[str, bytes]) -> Path:
    """Write a newer version to a folder, as an update unpacks it."""
    ytdlp, ejs = make_ytdlp_wheel(folder / "wheels", NEWER, changes), make_ejs_wheel(folder / "wheels")
    for path, package in ((ytdlp, "yt_dlp"), (ejs, "yt_dlp_ejs")):
        Wheel.open(path, package).unpack(folder / "packages")
    return folder / "packages"


def edit_list(archive, **fields):
    listed = [{**archive.listed()[0], **fields}]
    (archive.root / "installed.json").write_text(json.dumps(listed))


def command_lines(pid: int) -> list[str]:
    return [line for child in descendants(pid) if (line := command_line(child))]


# Refusals ------------------------------------------------------------------------------------------


def broken(name: str, old: str, new: str) -> dict[str, bytes]:
    return replaced(f"yt_dlp/{name}", old, new)


BROKEN = {
    "an import error": (lambda: appended("yt_dlp/__init__.py", "import no_such_module"), "no_such_module"),
    "an exit": (lambda: appended("yt_dlp/__init__.py", "import os; os._exit(0)"), "its test ended with 0"),
    "another exit": (lambda: appended("yt_dlp/__init__.py", "raise SystemExit(0)"), "SystemExit"),
    "a method that is gone": (
        lambda: broken("YoutubeDL.py", "def _write_thumbnails(", "def _write_pictures("),
        "_write_thumbnails",
    ),
    "a method that is not called": (
        lambda: broken("YoutubeDL.py", "self._write_subtitles(", "(lambda *args: [])("),
        "no subtitles",
    ),
    "a way past the proxy": (
        lambda: broken(
            "YoutubeDL.py", "def urlopen(self, req):", "def urlopen(self, req):\n        self.params['proxy'] = ''"
        ),
        "forbidden address",
    ),
}
LONG_FAULTS = ("an import error", "an exit", "another exit", "a method that is gone", "a method that is not called")


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=[pytest.mark.soak] if fault in LONG_FAULTS else []) for fault in BROKEN]
)
def test_the_self_test_finds_a_version_that_does_not_work(tmp_path, fault):
    make_changes, reason = BROKEN[fault]

    assert reason in updater.run_self_test(unpack(tmp_path, make_changes()))


def test_it_refuses_a_version_that_does_not_work(archive, in_process, tmp_path):
    make_changes, reason = BROKEN["an import error"]
    make_ytdlp_wheel(tmp_path / "wheels", NEWER, make_changes())
    make_ejs_wheel(tmp_path / "wheels")

    line = in_process(tmp_path / "wheels")

    assert f"yt-dlp {NEWER} was not installed, because" in line
    assert reason in line
    assert archive.folders() == set()
    assert selection.select_version().version == BUNDLED_VERSION
    assert status.read_status().state == State.FAILED
    assert reason in status.read_status().text


def test_it_ends_a_version_that_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr(updater, "SELF_TEST_TIMEOUT_SECONDS", 3)
    packages = unpack(tmp_path, appended("yt_dlp/__init__.py", "import time; time.sleep(3600)"))

    assert updater.run_self_test(packages) == "it did not pass its test within 3 s"


def test_it_installs_no_other_package(archive, in_process, tmp_path):
    make_ytdlp_wheel(tmp_path / "wheels", NEWER, {"evil.pth": b"raise SystemExit"})

    assert "has a file that does not belong there: evil.pth" in in_process(tmp_path / "wheels")
    assert archive.folders() == set()


def test_it_does_not_download_what_pips_variables_add(wheels, tmp_path, monkeypatch):
    (tmp_path / "more.txt").write_text("django\n")
    for name, value in (pip_environment(wheels) | {"PIP_REQUIREMENT": str(tmp_path / "more.txt")}).items():
        monkeypatch.setenv(name, value)

    assert package_index.download_wheel("yt-dlp", tmp_path / "out").name == f"yt_dlp-{NEWER}-py3-none-any.whl"


def test_it_says_that_there_is_no_version(in_process, tmp_path):
    assert in_process(tmp_path / "none") == (
        f"The Python package index has no yt-dlp for Python {sys.version.split()[0]}. "
        f"yt-dlp {BUNDLED_VERSION} stays in use."
    )


def test_it_says_that_the_network_is_away(archive, tmp_path):
    env = {"PIP_NO_INDEX": "", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}

    exit_status, line, _ = archive.update(tmp_path / "none", **env)

    assert exit_status == 1
    assert "The Python package index cannot be reached" in line


def test_it_says_that_pip_is_missing(in_process, tmp_path, monkeypatch):
    (tmp_path / "pip.py").write_text("import sys; sys.exit(f'{sys.executable}: No module named pip')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    line = in_process(tmp_path / "none")

    assert "pip is not installed" in line
    assert "-m ensurepip" in line


@pytest.mark.soak
def test_it_says_that_the_disk_is_full(archive, wheels):
    archive.data.mkdir()
    mount_and_update = f'mount -t tmpfs -o size=2m none {archive.data} || exit 99; exec "$0" manage.py update-ytdlp'
    process = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", mount_and_update, sys.executable],
        env=archive.environment(wheels), cwd=settings.BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if process.returncode == 99:
        pytest.skip(f"no small disk can be mounted here: {process.stderr}")

    assert process.returncode == 1
    assert "The disk is full: make room, then try again." in process.stderr.strip().splitlines()[-1]


def test_it_needs_the_scripts_that_a_version_wants(wheels, tmp_path, monkeypatch):
    for name, value in pip_environment(wheels).items():
        monkeypatch.setenv(name, value)

    with pytest.raises(NotInIndex, match=r"has no yt-dlp-ejs==77\.0\.0"):
        updater._download_ejs("77.0.0", tmp_path)


@pytest.mark.parametrize("wanted_version", ["", EJS_VERSION, f"{EJS_VERSION.rpartition('.')[0]}.99"])
def test_the_bundled_scripts_do_for_a_version_that_takes_them(tmp_path, monkeypatch, wanted_version):
    for name, value in pip_environment(tmp_path / "none").items():
        monkeypatch.setenv(name, value)

    assert updater._download_ejs(wanted_version, tmp_path) is None


def test_an_odd_wheel_is_refused(in_process, tmp_path):
    make_wheel(tmp_path / "wheels", "yt_dlp", "9999.99.99", {"yt_dlp/__init__.py": b""})

    assert "The package index sent version 9999.99.99, which is no date." in in_process(tmp_path / "wheels")


# Updates -------------------------------------------------------------------------------------------


def test_it_installs_the_newest(installed_archive, installed, wheels):
    assert installed[1][:2] == (0, UPDATED)

    version, path = installed_archive.version()
    assert (version, path.startswith(str(installed_archive.root / NEWER))) == (NEWER, True)
    assert {path.name for path in (installed_archive.root / NEWER).iterdir()} == {"yt_dlp", "yt_dlp_ejs"}
    assert installed_archive.listed()[0]["ejs_version"] == EJS_VERSION
    assert installed_archive.update(wheels)[:2] == (0, f"yt-dlp {NEWER} is already the newest version.")


@pytest.mark.soak
def test_it_keeps_the_version_before_and_mends_a_damaged_one(installed_archive, tmp_path):
    archive = installed_archive
    make_ytdlp_wheel(tmp_path / "wheels", NEWEST, with_all_sites=True)
    make_ejs_wheel(tmp_path / "wheels")
    assert archive.update(tmp_path / "wheels")[0] == 0
    assert archive.version()[0] == NEWEST
    assert archive.folders() == {NEWER, NEWEST}

    (archive.root / NEWEST / "yt_dlp" / "utils" / "_utils.py").write_text("")
    assert archive.version()[0] == NEWER
    assert f"yt-dlp {NEWEST} is not used, because its files are damaged; version {NEWER} is." in archive.log

    assert archive.update(tmp_path / "wheels")[0] == 0
    assert archive.version()[0] == NEWEST
    assert len(archive.folders()) == 2


def test_it_falls_back_to_the_version_before(installed_archive):
    before = Installation(**installed_archive.listed()[0])
    newest = installed_archive.root / NEWEST
    shutil.copytree(before.path, newest)
    listed = {**vars(before), "folder": NEWEST, "version": NEWEST, "digest": folder_digest(newest)}
    (installed_archive.root / "installed.json").write_text(json.dumps([listed, vars(before)]))
    assert selection.select_version().version == NEWEST

    (newest / "yt_dlp" / "utils" / "_utils.py").write_text("")

    selected = selection.select_version()
    assert selected.version == NEWER
    assert f"yt-dlp {NEWEST} is not used, because its files are damaged; version {NEWER} is." in selected.problem


def test_it_is_not_newer_than_the_bundled_version(archive, in_process, tmp_path):
    make_wheel(tmp_path / "wheels", "yt_dlp", "2020.1.2", {"yt_dlp/__init__.py": b""})

    line = in_process(tmp_path / "wheels")

    assert line == (
        f"yt-dlp {BUNDLED_VERSION} is already newer than the newest version in the package index, 2020.1.2."
    )
    assert archive.folders() == set()


@pytest.mark.parametrize("spoil", [
    lambda archive: shutil.rmtree(archive.root / NEWER / "yt_dlp_ejs"),
    lambda archive: shutil.rmtree(archive.root / NEWER),
    lambda archive: (archive.root / NEWER / "json.py").write_text("raise SystemExit"),
    lambda archive: (archive.root / "installed.json").write_text("[{"),
    lambda archive: (archive.root / "installed.json").write_text('[{"folder": "../../evil"}]'),
    lambda archive: edit_list(archive, python="3.10"),
    lambda archive: edit_list(archive, tested_with="other code"),
    lambda archive: edit_list(archive, version=BUNDLED_VERSION),
])  # fmt: skip
def test_it_falls_back_to_the_bundled_version(installed_archive, spoil):
    assert selection.select_version().version == NEWER
    spoil(installed_archive)

    assert (selection.select_version().version, selection.select_version().folder) == (BUNDLED_VERSION, None)


def test_it_remembers_a_version_that_no_longer_loads(installed_archive):
    for compiled in (installed_archive.root / NEWER / "yt_dlp" / "__pycache__").glob("YoutubeDL.*"):
        content = compiled.read_bytes()
        compiled.write_bytes(content[:16] + b"\0" * (len(content) - 16))

    assert installed_archive.version()[0] == BUNDLED_VERSION
    assert "cannot be loaded" in installed_archive.log
    assert "it cannot be loaded" in installed_archive.listed()[0]["problem"]
    assert selection.select_version().version == BUNDLED_VERSION


@pytest.mark.soak
def test_it_tests_an_installed_version_again_after_an_upgrade(installed_archive):
    edit_list(installed_archive, tested_with="the code before")
    assert selection.select_version().version == BUNDLED_VERSION
    assert updater.needs_retest()

    updater.retest_installed()

    assert selection.select_version().version == NEWER


def test_a_version_that_was_tested_with_other_code_waits_for_its_test(installed_archive):
    assert not updater.needs_retest()
    edit_list(installed_archive, tested_with="the code before")

    assert updater.needs_retest()
    assert selection.select_version().version == BUNDLED_VERSION


# Interruptions -------------------------------------------------------------------------------------


def wait_for_self_test(process):
    wait_until(lambda: any("ytdlp_self_test" in line for line in command_lines(process.pid)), "its test runs")


def test_a_kill_leaves_the_version_in_use(archive, wheels, in_process, tmp_path):
    process = archive.start("update-ytdlp", wheels=wheels)
    wait_for_self_test(process)
    children = descendants(process.pid)
    process.kill()
    process.communicate()

    wait_until(lambda: not still_running(children), "its children have ended")
    assert selection.select_version().version == BUNDLED_VERSION
    assert status.read_status().state == State.INTERRUPTED
    # The next update, here one that fails, is not held up, and removes what this one has left.
    assert archive.folders() != set()
    assert "has no yt-dlp" in in_process(tmp_path / "none")
    assert archive.folders() == set()


@pytest.mark.soak
def test_an_update_after_a_kill_installs_the_newest(archive, wheels):
    process = archive.start("update-ytdlp", wheels=wheels)
    wait_for_self_test(process)
    process.kill()
    process.communicate()

    assert archive.update(wheels)[:2] == (0, UPDATED)
    assert archive.folders() == {NEWER}


def test_an_update_waits_for_another(archive, in_process, tmp_path):
    with status.update_lock(None):
        process = archive.start("update-ytdlp", wheels=tmp_path / "none")
        assert process.stdout.readline() == "Another update is running. Waiting until it has ended…\n"
    _, errors = process.communicate(timeout=60)

    assert "has no yt-dlp" in errors


@pytest.mark.soak
def test_two_updates_at_once_install_it_once(archive, wheels):
    first, second = (archive.start("update-ytdlp", wheels=wheels) for _ in range(2))
    outputs = [process.communicate(timeout=110)[0] for process in (first, second)]

    assert (first.returncode, second.returncode) == (0, 0)
    assert sorted(output.splitlines()[-1] for output in outputs) == [
        f"yt-dlp {NEWER} is already the newest version.",
        UPDATED,
    ]
    assert sum("Another update is running. Waiting" in output for output in outputs) == 1


@pytest.mark.soak
def test_ctrl_c_leaves_nothing_behind(archive, wheels):
    process = archive.start("update-ytdlp", wheels=wheels)
    wait_for_self_test(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert process.returncode != 0
    assert archive.folders() == set()
    assert archive.version()[0] == BUNDLED_VERSION

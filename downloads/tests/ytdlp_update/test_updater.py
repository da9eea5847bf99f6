"""Updates as a person runs them: the real command, real pip, wheels in a folder."""

import json
import os
import shutil
import signal
import subprocess
import sys

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
    replaced,
)

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]
UPDATED = f"yt-dlp was updated from {BUNDLED_VERSION} to {NEWER}; the next download uses it."


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


@pytest.mark.parametrize("fault", BROKEN)
def test_it_refuses_a_version_that_does_not_work(archive, tmp_path, fault):
    make_changes, reason = BROKEN[fault]
    make_ytdlp_wheel(tmp_path / "wheels", NEWER, make_changes())
    make_ejs_wheel(tmp_path / "wheels")

    status, line, errors = archive.update(tmp_path / "wheels")

    assert status == 1
    assert f"yt-dlp {NEWER} was not installed, because" in line, errors
    assert reason in line
    assert archive.folders() == set()
    assert archive.version()[0] == BUNDLED_VERSION


def test_it_ends_a_version_that_hangs(archive, tmp_path, monkeypatch):
    make_ytdlp_wheel(tmp_path / "wheels", NEWER, appended("yt_dlp/__init__.py", "import time; time.sleep(3600)"))
    make_ejs_wheel(tmp_path / "wheels")
    program = (
        "import sys, django; django.setup(); from downloads.ytdlp_update import updater; "
        "updater.SELF_TEST_TIMEOUT_SECONDS = 3\n"
        "try: updater.update_ytdlp(print)\nexcept updater.UpdateFailed as error: print(error)"
    )

    output = subprocess.run(
        [sys.executable, "-c", program],
        env={**archive.environment(tmp_path / "wheels"), "DJANGO_SETTINGS_MODULE": "ytarchive.settings"},
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    assert "was not installed, because it did not pass its test within 3 s." in output
    assert archive.version()[0] == BUNDLED_VERSION


@pytest.mark.parametrize("extra", ["requests/__init__.py", "sitecustomize.py", "evil.pth", "yt_dlp_plugins/x.py"])
def test_it_installs_no_other_package(archive, tmp_path, extra):
    make_ytdlp_wheel(tmp_path / "wheels", NEWER, {extra: b"raise SystemExit"})
    make_ejs_wheel(tmp_path / "wheels")

    status, line, _ = archive.update(tmp_path / "wheels")

    assert (status, archive.folders()) == (1, set())
    assert f"has a file that does not belong there: {extra}" in line


def test_it_does_not_install_what_pips_variables_add(archive, wheels, tmp_path):
    (tmp_path / "more.txt").write_text("django\n")

    status, line, _ = archive.update(wheels, PIP_REQUIREMENT=str(tmp_path / "more.txt"))

    assert (status, line) == (0, UPDATED)
    assert {path.name for path in (archive.root / NEWER).iterdir()} == {"yt_dlp", "yt_dlp_ejs"}


def test_it_says_that_there_is_no_version(archive, tmp_path):
    assert archive.update(tmp_path / "none")[:2] == (
        1,
        f"ytarchive: The Python package index has no yt-dlp for Python {sys.version.split()[0]}. "
        f"yt-dlp {BUNDLED_VERSION} stays in use.",
    )


def test_it_says_that_the_network_is_away(archive, tmp_path):
    env = {"PIP_NO_INDEX": "", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}

    status, line, _ = archive.update(tmp_path / "none", **env)

    assert status == 1
    assert "The Python package index cannot be reached" in line


def test_it_says_that_pip_is_missing(archive, tmp_path):
    (tmp_path / "pip.py").write_text("import sys; sys.exit(f'{sys.executable}: No module named pip')")

    status, line, _ = archive.update(tmp_path / "none", PYTHONPATH=str(tmp_path))

    assert status == 1
    assert "pip is not installed" in line
    assert "-m ensurepip" in line


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


def test_it_needs_the_scripts_that_a_version_wants(archive, tmp_path):
    make_ytdlp_wheel(tmp_path / "wheels", NEWER, ejs_version="77.0.0")
    make_ejs_wheel(tmp_path / "wheels")

    status, line, _ = archive.update(tmp_path / "wheels")

    assert status == 1
    assert "has no yt-dlp-ejs==77.0.0" in line


# Updates -------------------------------------------------------------------------------------------


def test_it_installs_the_newest(archive, wheels):
    assert archive.update(wheels)[:2] == (0, UPDATED)

    version, path = archive.version()
    assert (version, path.startswith(str(archive.root / NEWER))) == (NEWER, True)
    assert {path.name for path in (archive.root / NEWER).iterdir()} == {"yt_dlp", "yt_dlp_ejs"}
    assert archive.listed()[0]["ejs_version"] == EJS_VERSION
    assert archive.update(wheels)[:2] == (0, f"yt-dlp {NEWER} is already the newest version.")


def test_it_keeps_the_version_before_and_mends_a_damaged_one(archive, installed_data, tmp_path):
    shutil.copytree(installed_data, archive.data)
    make_ytdlp_wheel(tmp_path / "wheels", NEWEST)
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


def test_it_is_not_newer_than_the_bundled_version(archive, tmp_path):
    make_ytdlp_wheel(tmp_path / "wheels", "2020.1.2")

    status, line, _ = archive.update(tmp_path / "wheels")

    assert (status, archive.folders()) == (0, set())
    assert line == (
        f"yt-dlp {BUNDLED_VERSION} is already newer than the newest version in the package index, 2020.1.2."
    )


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
def test_it_falls_back_to_the_bundled_version(archive, installed_data, spoil):
    shutil.copytree(installed_data, archive.data, symlinks=True)
    spoil(archive)

    assert archive.version()[0] == BUNDLED_VERSION


def edit_list(archive, **fields):
    listed = [{**archive.listed()[0], **fields}]
    (archive.root / "installed.json").write_text(json.dumps(listed))


@pytest.fixture(scope="module")
def installed_data(wheels, tmp_path_factory):
    """A data folder with a newer version."""
    data = tmp_path_factory.mktemp("installed") / "data"
    env = {**os.environ, "YTARCHIVE_DATA": str(data), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    subprocess.run([sys.executable, "manage.py", "update-ytdlp"], env=env, cwd=settings.BASE_DIR, check=True)
    return data


def test_it_remembers_a_version_that_no_longer_loads(archive, installed_data):
    shutil.copytree(installed_data, archive.data)
    for compiled in (archive.root / NEWER / "yt_dlp" / "__pycache__").glob("YoutubeDL.*"):
        content = compiled.read_bytes()
        compiled.write_bytes(content[:16] + b"\0" * (len(content) - 16))

    assert archive.version()[0] == BUNDLED_VERSION
    assert "cannot be loaded" in archive.log
    assert "it cannot be loaded" in archive.listed()[0]["problem"]
    assert archive.version()[0] == BUNDLED_VERSION


def test_it_tests_an_installed_version_again_after_an_upgrade(archive, installed_data):
    shutil.copytree(installed_data, archive.data)
    edit_list(archive, tested_with="the code before")
    assert archive.version()[0] == BUNDLED_VERSION

    assert archive.start("ytdlp_self_test", wheels=archive.data).wait(100) == 0

    assert archive.version()[0] == NEWER


# Interruptions -------------------------------------------------------------------------------------


def test_a_kill_leaves_the_version_in_use(archive, wheels):
    process = archive.start("update-ytdlp", wheels=wheels)
    wait_until(lambda: any("ytdlp_self_test" in line for line in command_lines(process.pid)), 60, "its test runs")
    children = descendants(process.pid)
    process.kill()
    process.communicate()

    wait_until(lambda: not still_running(children), 5, "its children have ended")
    assert archive.version()[0] == BUNDLED_VERSION
    assert archive.update(wheels)[:2] == (0, UPDATED)
    assert archive.folders() == {NEWER}


def command_lines(pid: int) -> list[str]:
    lines = []
    for child in descendants(pid):
        try:
            lines.append(command_line(child))
        except OSError:
            continue
    return lines


def test_two_updates_at_once_install_it_once(archive, wheels):
    first, second = (archive.start("update-ytdlp", wheels=wheels) for _ in range(2))
    outputs = [process.communicate(timeout=110)[0] for process in (first, second)]

    assert (first.returncode, second.returncode) == (0, 0)
    assert sorted(output.splitlines()[-1] for output in outputs) == [
        f"yt-dlp {NEWER} is already the newest version.",
        UPDATED,
    ]
    assert sum("Another update is running. Waiting" in output for output in outputs) == 1


def test_ctrl_c_leaves_nothing_behind(archive, wheels):
    process = archive.start("update-ytdlp", wheels=wheels)
    wait_until(lambda: any("ytdlp_self_test" in line for line in command_lines(process.pid)), 60, "its test runs")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert process.returncode != 0
    assert archive.folders() == set()
    assert archive.version()[0] == BUNDLED_VERSION


def test_an_odd_wheel_is_refused(archive, tmp_path):
    make_wheel(tmp_path / "wheels", "yt_dlp", "9999.99.99", {"yt_dlp/__init__.py": b""})

    status, line, _ = archive.update(tmp_path / "wheels")

    assert status == 1
    assert "The package index sent version 9999.99.99, which is no date." in line

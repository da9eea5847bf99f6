"""Wheels of newer versions, and a data folder to install them into."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from downloads.tests.support import ytdlp_wheels
from downloads.ytdlp_update import updater


@pytest.fixture(scope="session")
def wheels(tmp_path_factory) -> Path:
    """A folder with the wheels of one newer version."""
    folder = tmp_path_factory.mktemp("wheels")
    ytdlp_wheels.make_ytdlp_wheel(folder)
    ytdlp_wheels.make_ejs_wheel(folder)
    return folder


class Archive:
    """An archive on a data folder of its own, whose pip finds the wheels of one folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.root = data / "yt-dlp"

    def environment(self, wheels: Path) -> dict[str, str]:
        return {**os.environ, **ytdlp_wheels.pip_environment(wheels), "YTARCHIVE_DATA": str(self.data)}

    def start(self, *args: str, wheels: Path, **env: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(django_settings.BASE_DIR / "manage.py"), *args],
            env=self.environment(wheels) | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def update(self, wheels: Path, **env: str) -> tuple[int, str, str]:
        """Run the command; return its exit status, its last line and what it wrote to standard error."""
        process = self.start("update-ytdlp", wheels=wheels, **env)
        output, errors = process.communicate(timeout=110)
        lines = output.strip().splitlines() if process.returncode == 0 else errors.strip().splitlines()
        return process.returncode, lines[-1] if lines else "", errors

    def version(self) -> tuple[str, str]:
        """Return the version that a download loads, and the folder it comes from; logs go to standard error."""
        program = (
            "import django; django.setup(); from downloads.ytdlp import selected_ytdlp; import yt_dlp; "
            "print(selected_ytdlp.VERSION, yt_dlp.__file__)"
        )
        process = subprocess.run(
            [sys.executable, "-c", program],
            env={**self.environment(self.data), "DJANGO_SETTINGS_MODULE": "ytarchive.settings"},
            cwd=django_settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
        )
        self.log = process.stderr
        version, path = process.stdout.split()
        return version, path

    def listed(self) -> list[dict]:
        return json.loads((self.root / "installed.json").read_text())

    def folders(self) -> set[str]:
        return {path.name for path in self.root.iterdir() if path.is_dir()}


@pytest.fixture
def archive(tmp_path) -> Archive:
    return Archive(tmp_path / "data")


@pytest.fixture
def in_process(archive, settings, monkeypatch):
    """Run updates of the archive in this process, without the start of Django: `in_process(wheels)`."""
    archive.root.mkdir(parents=True)
    settings.YTDLP_ROOT = archive.root

    def update(wheels):
        for name, value in ytdlp_wheels.pip_environment(wheels).items():
            monkeypatch.setenv(name, value)
        lines = []
        try:
            lines.append(updater.update_ytdlp(lines.append))
        except updater.UpdateFailed as error:
            lines.append(str(error))
        return lines[-1]

    return update


@pytest.fixture(scope="session")
def installed(wheels, tmp_path_factory):
    """An archive with a newer version, and what the command printed."""
    archive = Archive(tmp_path_factory.mktemp("installed") / "data")
    return archive, archive.update(wheels)


@pytest.fixture
def installed_archive(archive, installed, settings):
    """A copy of the archive with a newer version."""
    shutil.copytree(installed[0].data, archive.data)
    settings.YTDLP_ROOT = archive.root
    return archive

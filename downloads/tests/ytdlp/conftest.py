"""Fixtures for tests of yt-dlp."""

import pytest

from downloads.files import ffmpeg
from downloads.ytdlp import options


@pytest.fixture
def ytdlp_environment(settings, monkeypatch):
    """Access to private hosts, ffmpeg on PATH, and retries of yt-dlp without a delay."""
    settings.ALLOW_PRIVATE_HOSTS = True
    monkeypatch.setenv("PATH", ffmpeg.build_search_path())
    monkeypatch.setattr(options, "_retry_delay", lambda n: 0.0)

"""Preloading of what most downloads use, before processes are forked for them."""

from importlib import import_module

from downloads.ytdlp.selected_ytdlp import VERSION, YoutubeDL
from downloads.ytdlp_update import selection

# An address that belongs to no site, so that each extractor is asked.
ANY_URL = "http://example.invalid/video"
MODULES = ("yt_dlp.extractor.generic", "yt_dlp.downloader.http", "yt_dlp.downloader.hls", "yt_dlp.postprocessor")


def preload() -> None:
    """Compile the URL patterns of all extractors, which each download tries in turn, and import usual modules."""
    for name in MODULES:
        import_module(name)
    with YoutubeDL({"quiet": True, "no_warnings": True, "cachedir": False}):
        pass
    # Not imported above: `selected_ytdlp` has to select the version first.
    for extractor in import_module("yt_dlp.extractor").gen_extractor_classes():
        extractor.suitable(ANY_URL)


def is_still_selected() -> bool:
    """Tell whether the yt-dlp of this process is what a new one would load: its files may be damaged since.

    It imports more of its modules later. Reads all files of an installed version (60 ms).
    """
    return selection.select_version().version == VERSION

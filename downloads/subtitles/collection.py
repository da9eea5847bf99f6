"""Subtitle files of a video: their collection, validation, and the labels of their languages."""

import logging
import re
from pathlib import Path
from typing import Any

from django.utils.translation import get_language_info

from downloads.files import media_folder

logger = logging.getLogger(__name__)

# Wider than the languages that a form accepts: sites name subtitles "en-orig", "es-419", "en-eEY6OEpapPo".
LANGUAGE_CODE_PATTERN = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9_]{1,16}){0,3}")
WEBVTT_HEADER_PATTERN = re.compile(r"WEBVTT(?=\s|\Z)")
MAX_SUBTITLE_BYTES = 20_000_000  # ten hours of speech have about two million
MAX_SUBTITLE_FILES = 50  # of one video


def collect_subtitles(candidates: list[Path], folder: Path, stem: str) -> dict[str, str]:
    """Move WebVTT files such as "media.en.vtt" to `folder`; return their new names by language, sorted by language.

    Skip and log invalid files, and those beyond `MAX_SUBTITLE_FILES`.
    """
    names_by_language: dict[str, str] = {}
    for path in sorted(candidates, key=language_from_name):
        language = language_from_name(path)
        has_capacity = len(names_by_language) < MAX_SUBTITLE_FILES
        if has_capacity and LANGUAGE_CODE_PATTERN.fullmatch(language) and is_webvtt(path):
            names_by_language[language] = path.rename(folder / f"{stem}.{language}.vtt").name
        else:
            logger.info("Skipped an invalid or surplus subtitle file: %r", path.name)
    return names_by_language


def file_names_by_language(subtitle_files: Any) -> dict[str, str]:
    """Return the file names in a video's `subtitle_files` column by language, skipping malformed entries."""
    names_by_language: dict[str, str] = {}
    for entry in subtitle_files if isinstance(subtitle_files, list) else ():
        language, file = (entry.get("language"), entry.get("file")) if isinstance(entry, dict) else ("", "")
        if isinstance(file, str) and isinstance(language, str) and LANGUAGE_CODE_PATTERN.fullmatch(language):
            names_by_language.setdefault(language, file)
    return names_by_language


def existing_files_by_language(subtitle_files: Any) -> dict[str, Path]:
    """Return the paths of a video's subtitle files by language; only files that exist in the media folder."""
    paths = {
        language: media_folder.find_file(file) for language, file in file_names_by_language(subtitle_files).items()
    }
    return {language: path for language, path in paths.items() if path}


def language_from_name(path: Path) -> str:
    """Return the language code in a file name, such as "en" of "media.en.vtt"."""
    return path.stem.partition(".")[2]


def is_webvtt(path: Path) -> bool:
    """Return whether a file is WebVTT that browsers can read: header, UTF-8, up to `MAX_SUBTITLE_BYTES`."""
    if path.stat().st_size > MAX_SUBTITLE_BYTES:
        return False
    try:
        return WEBVTT_HEADER_PATTERN.match(path.read_text("utf-8-sig")) is not None
    except UnicodeDecodeError:
        return False


def language_label(language: str) -> str:
    """Return the language's own name, such as "Deutsch"; a variant has its code added, an unknown one only that."""
    try:
        info = get_language_info(language.lower())
    except KeyError:
        return language
    local_name = str(info["name_local"])
    local_name = local_name[:1].upper() + local_name[1:]
    return local_name if info["code"] == language.lower() else f"{local_name} ({language})"

"""Subtitles: which files are kept as the tracks of a video, and what their languages are called."""

import logging
import re
from pathlib import Path
from typing import Any

from django.utils.translation import get_language_info

from downloads.files import media_folder

logger = logging.getLogger(__name__)

# Wider than what a person may ask for: sites name tracks "en-orig", "es-419", "en-eEY6OEpapPo".
LANGUAGE_CODE_PATTERN = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9_]{1,16}){0,3}")
WEBVTT_HEADER_PATTERN = re.compile(r"WEBVTT(?=\s|\Z)")
MAX_SUBTITLE_BYTES = 5_000_000  # bytes: ten hours of speech have about two million
MAX_SUBTITLE_FILES = 50  # of one video


def collect_subtitles(candidates: list[Path], folder: Path, stem: str) -> dict[str, str]:
    """Move the WebVTT files "….en.vtt" into `folder`; return their file names there by language, in order."""
    kept: dict[str, str] = {}
    for path in sorted(candidates, key=language_from_name):
        language = language_from_name(path)
        if len(kept) < MAX_SUBTITLE_FILES and LANGUAGE_CODE_PATTERN.fullmatch(language) and is_webvtt(path):
            kept[language] = path.rename(folder / f"{stem}.{language}.vtt").name
        else:
            logger.info("Not kept as subtitles: %r", path.name)
    return kept


def file_names_by_language(subtitle_files: Any) -> dict[str, str]:
    """Return the files of a video's tracks by language, as its row names them, without what is no track."""
    found: dict[str, str] = {}
    for row in subtitle_files if isinstance(subtitle_files, list) else ():
        language, file = (row.get("language"), row.get("file")) if isinstance(row, dict) else ("", "")
        if isinstance(file, str) and isinstance(language, str) and LANGUAGE_CODE_PATTERN.fullmatch(language):
            found.setdefault(language, file)
    return found


def existing_files_by_language(subtitle_files: Any) -> dict[str, Path]:
    """Return the tracks that are in the media folder, by language; nothing else is ever opened."""
    located = {
        language: media_folder.find_file(file) for language, file in file_names_by_language(subtitle_files).items()
    }
    return {language: path for language, path in located.items() if path}


def language_from_name(path: Path) -> str:
    """Return the language that a file's name ends with, as "en" of "media.en.vtt"."""
    return path.stem.partition(".")[2]


def is_webvtt(path: Path) -> bool:
    """Tell whether browsers can read it: it says what it is, in UTF-8, and is no monster."""
    if path.stat().st_size > MAX_SUBTITLE_BYTES:
        return False
    try:
        return WEBVTT_HEADER_PATTERN.match(path.read_text("utf-8-sig")) is not None
    except UnicodeDecodeError:
        return False


def language_label(language: str) -> str:
    """Return the language's own name, as "Deutsch"; with its code where there may be several of it."""
    try:
        known = get_language_info(language.lower())
    except KeyError:
        return language
    own = str(known["name_local"])
    own = own[:1].upper() + own[1:]
    return own if known["code"] == language.lower() else f"{own} ({language})"

"""Safe file names."""

import re
import unicodedata

RESERVED_NAME_PATTERN = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)
MAX_NAME_BYTES = 150  # bytes: with the longest ending still below the 255 of a file system


def safe_name(title: str) -> str:
    """Return a file name for a title, without an ending: one plain name on any system, never empty."""
    text = unicodedata.normalize("NFC", title)
    # Control, format (text that runs backwards), surrogate and private characters; then what systems reserve.
    text = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    text = re.sub(r'[\\/:*?"<>|]', "_", text)
    text = " ".join(text.split()).lstrip(".-~ ")
    text = text.encode()[:MAX_NAME_BYTES].decode("utf-8", "ignore").rstrip(". ")
    return f"_{text}" if RESERVED_NAME_PATTERN.fullmatch(text) else text or "video"

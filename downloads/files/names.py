"""Safe file names."""

import re
import unicodedata

RESERVED_NAME_PATTERN = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)
MAX_NAME_BYTES = 150  # with the longest extension still below the 255 bytes of a file system


def safe_name(title: str) -> str:
    """Return a file name for a title, without an extension: valid on every operating system, never empty."""
    text = unicodedata.normalize("NFC", title)
    # Control, format (right-to-left overrides), surrogate and private-use characters; then reserved ones.
    text = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    text = re.sub(r'[\\/:*?"<>|]', "_", text)
    text = " ".join(text.split()).lstrip(".-~ ")
    text = text.encode()[:MAX_NAME_BYTES].decode("utf-8", "ignore").rstrip(". ")
    return f"_{text}" if RESERVED_NAME_PATTERN.fullmatch(text) else text or "video"

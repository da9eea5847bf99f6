"""Removal of what yt-dlp needs for its own requests from what people and the log may see.

Extractors pass data to each other in the fragment of a URL (`smuggle_url` of yt-dlp): a referrer, a token, a title.
"""

import re
from typing import Any

SMUGGLED_PATTERN = re.compile(r"#__youtubedl_smuggle=?[^\s\"'<>]*", re.I)
SECRET_FIELDS = frozenset(("cookies", "__x_forwarded_for_ip"))
SECRET_HEADERS = frozenset(("cookie", "authorization", "proxy-authorization", "x-forwarded-for"))


def remove_smuggled(text: str) -> str:
    """Return a text without the data that extractors have added to URLs in it."""
    return SMUGGLED_PATTERN.sub("", text)


def remove_secrets(value: Any) -> Any:
    """Return a value of JSON without cookies, headers of accounts, and data in URLs."""
    if isinstance(value, str):
        # JSON of a site may hold a lone surrogate, which a file in UTF-8 cannot.
        return remove_smuggled(value).encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {
            key: remove_secrets(item)
            for key, item in value.items()
            if key not in SECRET_FIELDS and str(key).lower() not in SECRET_HEADERS
        }
    return [remove_secrets(item) for item in value] if isinstance(value, list) else value

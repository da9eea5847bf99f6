"""Words of a video's history: events are stored with the names of their steps, those of older versions among them."""

import re

WORDS = {
    "Found": "Details found",
    "Fetched": "Downloaded",
    "Filed": "Saved",
    "Not tried again": "Retry undone",
    "Retried with all others": "Retried (all failed)",
    "The worker stopped answering": "The download was interrupted",
    "The lease could not be renewed": "The download was interrupted",
}
PATTERNS = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r"\ANot tried again, says (.+)\Z", r"Retry undone by \1"),
        (r"\ARetried with all others by (.+)\Z", r"Retried by \1 (all failed)"),
        (r"\ACancelled with all others by (.+)\Z", r"Cancelled by \1 (all)"),
        (r"\AA list: ", "Playlist: "),
        (r"\b(\d+) videos? here already\b", r"\1 already here"),
        (r"\b1 video at an address that is not taken\b", "1 link skipped"),
        (r"\b(\d+) videos at an address that is not taken\b", r"\1 links skipped"),
        (r"\bIt has more: only the first ([\d,]+) are taken\.", r"It has more; the first \1 were added."),
    )
]


def history_words(reason: str) -> str:
    """Describe the event in words for people."""
    if reason in WORDS:
        return WORDS[reason]
    for pattern, words in PATTERNS:
        reason = pattern.sub(words, reason)
    return reason

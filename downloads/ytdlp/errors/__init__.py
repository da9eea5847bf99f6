"""Errors of yt-dlp, as a `DownloadError` with words for people: messages, bugs, and videos that are not up yet."""

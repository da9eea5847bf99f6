"""Submission of pasted lines: each is queued as a video, or rejected with a reason."""

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from downloads.database import let_other_writers_in
from downloads.intake.pasted_text import extract_urls, remove_invisible
from downloads.intake.rejections import ALREADY_PRESENT, REPEATED, Rejection
from downloads.intake.urls import SCHEME_PORTS, InvalidUrl, ParsedUrl, parse_url, suggest_url, unreachable_message
from downloads.models import Quality, SubscriptionItem, Video
from downloads.network import address_policy

MAX_SUBMITTED_LINES = 5_000
# Videos per transaction: on SQLite all other writers, the workers' among them, wait for it.
INGEST_CHUNK_SIZE = 250
DNS_TIMEOUT_SECONDS = 2.0  # for all host names of one submission together: a page waits for them
MAX_DNS_THREADS = 16


@dataclass(frozen=True)
class SubmittedUrl:
    """A URL that may be queued, and the line that it was pasted in."""

    line: str
    url: ParsedUrl


def submit(
    lines: Iterable[str],
    *,
    added_by: Any = None,
    quality: str = Quality.BEST,
    subtitles: str = "",
    list_limit: int | None = None,
) -> tuple[list[Video], list[Rejection]]:
    """Queue the URLs in these lines; return the new videos, and a rejection for each other line, in their order.

    Of a playlist, `list_limit` videos are added; None is YTARCHIVE_PLAYLIST_LIMIT.
    """
    options = {"added_by": added_by, "quality": quality, "subtitle_languages": subtitles, "list_limit": list_limit}
    entries = _reject_forbidden_hosts([*_parse_lines(lines)])
    positions = [position for position, entry in enumerate(entries) if isinstance(entry, SubmittedUrl)]
    new_videos: list[Video] = []
    for start in range(0, len(positions), INGEST_CHUNK_SIZE):
        if start:
            let_other_writers_in()
        chunk = positions[start : start + INGEST_CHUNK_SIZE]
        urls = [(entries[position].url.line, entries[position].url.canonical_url) for position in chunk]
        outcomes = Video.objects.ingest_many(urls, **options)
        new_videos += [video for video, is_new in outcomes if is_new]
        SubscriptionItem.objects.pick([video.pk for video, is_new in outcomes if not is_new])
        for position, (video, is_new) in zip(chunk, outcomes, strict=True):
            if not is_new:
                entries[position] = Rejection(entries[position].line, "", video)
    return new_videos, _explain_duplicates(entries, {video.pk for video in new_videos})


def _parse_lines(lines: Iterable[str]) -> Iterator[SubmittedUrl | Rejection]:
    """Yield a URL or a rejection for each link; for each line without one, unless it is blank, a rejection."""
    count = 0
    for line in map(str.strip, lines):
        urls = extract_urls(line) if remove_invisible(line).strip() else []
        for url in urls:
            count += 1
            # A line with several is told apart by its URLs.
            yield _parse_submitted_url(line if len(urls) == 1 else url, url, is_left_over=count > MAX_SUBMITTED_LINES)


def _parse_submitted_url(line: str, url: str, *, is_left_over: bool) -> SubmittedUrl | Rejection:
    if is_left_over:
        reason = f"{MAX_SUBMITTED_LINES:,} links at a time. Add the rest next."
        return Rejection(line, reason, is_left_over=True)
    try:
        return SubmittedUrl(line, parse_url(url))
    except InvalidUrl as error:
        return Rejection(line, str(error), suggestion=suggest_url(url))


def _explain_duplicates(entries: list[Any], new_pks: set[int]) -> list[Rejection]:
    """Return the rejections, those with a video completed with the reason."""
    rejections = [entry for entry in entries if isinstance(entry, Rejection)]
    return [
        Rejection(one.line, REPEATED if one.video.pk in new_pks else ALREADY_PRESENT, one.video) if one.video else one
        for one in rejections
    ]


# Host names ----------------------------------------------------------------------------------


def _reject_forbidden_hosts(entries: list[Any]) -> list[Any]:
    """Replace the URLs whose host downloads may not reach by rejections."""
    hosts = {entry.url.host for entry in entries if isinstance(entry, SubmittedUrl)}
    reasons = find_forbidden_hosts(hosts)
    return [
        Rejection(entry.line, unreachable_message(entry.url.host, reasons[entry.url.host]))
        if isinstance(entry, SubmittedUrl) and entry.url.host in reasons
        else entry
        for entry in entries
    ]


def find_forbidden_hosts(hosts: set[str]) -> dict[str, str]:
    """Return the hosts that downloads may not reach, with the reasons; unknown and slow names are left out.

    This only tells the user at once: the egress proxy checks again when it connects.
    """
    pending_hosts: queue.SimpleQueue[str] = queue.SimpleQueue()
    results: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    deadline = time.monotonic() + DNS_TIMEOUT_SECONDS
    for host in hosts:
        pending_hosts.put(host)
    for _ in range(min(MAX_DNS_THREADS, len(hosts))):
        # Daemon threads, so that a hanging look-up blocks neither the page nor the end of the process.
        arguments = (pending_hosts, results, deadline)
        threading.Thread(target=_resolve_hosts, args=arguments, name="look-up", daemon=True).start()
    forbidden_reasons: dict[str, str] = {}
    for _ in hosts:
        try:
            host, reason = results.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if reason:
            forbidden_reasons[host] = reason
    return forbidden_reasons


def _resolve_hosts(
    pending_hosts: "queue.SimpleQueue[str]", results: "queue.SimpleQueue[tuple[str, str]]", deadline: float
) -> None:
    # Nobody waits for the names that are left after the deadline.
    while time.monotonic() < deadline:
        try:
            host = pending_hosts.get_nowait()
        except queue.Empty:
            return
        results.put((host, _forbidden_host_reason(host)))


def _forbidden_host_reason(host: str) -> str:
    try:
        addresses = address_policy.resolve_host(host, SCHEME_PORTS["http"])
    except address_policy.HostUnreachable:
        return ""
    return next(filter(None, map(address_policy.forbidden_reason, addresses)), "")

"""Submission of pasted lines: each is queued as a video, or rejected with a reason."""

import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from downloads.intake.urls import SCHEME_PORTS, InvalidUrl, ParsedUrl, parse_url, unreachable_message
from downloads.models import Video
from downloads.network import address_policy

MAX_SUBMITTED_LINES = 200
DNS_TIMEOUT_SECONDS = 2.0  # for all host names of one submission together: a page waits for them
MAX_DNS_THREADS = 16


@dataclass(frozen=True)
class Rejection:
    """A line that was not queued, the reason in a sentence, and the video that already has this URL, if any."""

    line: str
    reason: str
    video: Video | None = None


def submit(
    lines: Iterable[str], *, added_by: Any = None, quality: str = "best", subtitles: str = ""
) -> tuple[list[Video], list[Rejection]]:
    """Queue the valid lines; return the new videos, and a rejection for each other line that is not blank."""
    parsed_urls, rejections = _parse_lines([line for line in map(str.strip, lines) if line])
    forbidden_reasons = _find_forbidden_hosts({url.host for url in parsed_urls})
    new_videos: list[Video] = []
    for url in parsed_urls:
        if forbidden_reason := forbidden_reasons.get(url.host):
            rejections.append(Rejection(url.line, unreachable_message(url.host, forbidden_reason)))
            continue
        video, is_new = Video.objects.ingest(
            url.line, url.canonical_url, added_by=added_by, quality=quality, subtitle_languages=subtitles
        )
        if is_new:
            new_videos.append(video)
        else:
            is_repeated = video in new_videos
            reason = "This address is here twice." if is_repeated else "This video is already in the archive."
            rejections.append(Rejection(url.line, reason, video))
    return new_videos, rejections


def _parse_lines(lines: list[str]) -> tuple[list[ParsedUrl], list[Rejection]]:
    parsed_urls: list[ParsedUrl] = []
    rejections = [
        Rejection(line, f"Only {MAX_SUBMITTED_LINES} lines are taken at once: paste the rest afterwards.")
        for line in lines[MAX_SUBMITTED_LINES:]
    ]
    for line in lines[:MAX_SUBMITTED_LINES]:
        try:
            parsed_urls.append(parse_url(line))
        except InvalidUrl as error:
            rejections.append(Rejection(line, str(error)))
    return parsed_urls, rejections


# Host names ----------------------------------------------------------------------------------


def _find_forbidden_hosts(hosts: set[str]) -> dict[str, str]:
    """Return the hosts that downloads may not reach, with the reasons; unknown and slow names are left out.

    This only tells the user at once: the egress proxy checks again when it connects.
    """
    pending_hosts: queue.SimpleQueue[str] = queue.SimpleQueue()
    results: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    for host in hosts:
        pending_hosts.put(host)
    for _ in range(min(MAX_DNS_THREADS, len(hosts))):
        # Daemon threads, so that a hanging look-up blocks neither the page nor the end of the process.
        threading.Thread(target=_resolve_hosts, args=(pending_hosts, results), name="look-up", daemon=True).start()
    forbidden_reasons: dict[str, str] = {}
    deadline = time.monotonic() + DNS_TIMEOUT_SECONDS
    for _ in hosts:
        try:
            host, reason = results.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if reason:
            forbidden_reasons[host] = reason
    return forbidden_reasons


def _resolve_hosts(pending_hosts: "queue.SimpleQueue[str]", results: "queue.SimpleQueue[tuple[str, str]]") -> None:
    while True:
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

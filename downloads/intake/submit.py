"""What a person may paste: which lines are addresses of videos, and why the others are not."""

import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from downloads.intake.urls import SCHEME_PORTS, ParsedUrl, _InvalidUrl, _unreachable_message, parse_url
from downloads.models import Video
from downloads.network import address_policy

MAX_SUBMITTED_LINES = 200
DNS_TIMEOUT_SECONDS = 2.0  # seconds for all names of a paste together: nobody waits longer for a page
MAX_DNS_THREADS = 16


@dataclass(frozen=True)
class Rejection:
    """A line that was not taken, why in a person's words, and the video that has it already."""

    line: str
    reason: str
    video: Video | None = None


def submit(
    lines: Iterable[str], *, added_by: Any = None, quality: str = "best", subtitles: str = ""
) -> tuple[list[Video], list[Rejection]]:
    """Take the good lines into the queue; return the new videos, and the lines refused with their reasons."""
    sources, refusals = _parse_lines([line for line in map(str.strip, lines) if line])
    forbidden = _find_forbidden_hosts({source.host for source in sources})
    taken: list[Video] = []
    for source in sources:
        if why := forbidden.get(source.host):
            refusals.append(Rejection(source.line, _unreachable_message(source.host, why)))
            continue
        video, is_new = Video.objects.ingest(
            source.line, source.canonical_url, added_by=added_by, quality=quality, subtitles=subtitles
        )
        if is_new:
            taken.append(video)
        else:
            words = "This address is here twice." if video in taken else "This video is already in the archive."
            refusals.append(Rejection(source.line, words, video))
    return taken, refusals


def _parse_lines(lines: list[str]) -> tuple[list[ParsedUrl], list[Rejection]]:
    sources: list[ParsedUrl] = []
    refusals = [
        Rejection(line, f"Only {MAX_SUBMITTED_LINES} lines are taken at once: paste the rest afterwards.")
        for line in lines[MAX_SUBMITTED_LINES:]
    ]
    for line in lines[:MAX_SUBMITTED_LINES]:
        try:
            sources.append(parse_url(line))
        except _InvalidUrl as bad:
            refusals.append(Rejection(line, str(bad)))
    return sources, refusals


# Names -----------------------------------------------------------------------------------------


def _find_forbidden_hosts(hosts: set[str]) -> dict[str, str]:
    """Return why each host that must not be reached must not; a name unknown or slow today is not among them.

    The proxy judges again when it connects: this is for telling a person at once.
    """
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    answers: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    for host in hosts:
        waiting.put(host)
    for _ in range(min(MAX_DNS_THREADS, len(hosts))):
        # Daemons: a look-up that hangs keeps neither the page nor the process.
        threading.Thread(target=_resolve_hosts, args=(waiting, answers), name="look-up", daemon=True).start()
    found: dict[str, str] = {}
    deadline = time.monotonic() + DNS_TIMEOUT_SECONDS
    for _ in hosts:
        try:
            host, why = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if why:
            found[host] = why
    return found


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

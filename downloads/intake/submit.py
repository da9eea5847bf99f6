"""What a person may paste: which lines are addresses of videos, and why the others are not."""

import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from downloads.intake.urls import PORTS, Source, _Bad, _unreachable, read
from downloads.models import Video
from downloads.network import address_policy

MOST_LINES = 200
LOOK_UP_TIME = 2.0  # seconds for all names of a paste together: nobody waits longer for a page
LOOK_UPS_AT_ONCE = 16


@dataclass(frozen=True)
class Refusal:
    """A line that was not taken, why in a person's words, and the video that has it already."""

    line: str
    reason: str
    video: Video | None = None


def take(
    lines: Iterable[str], *, by: Any = None, quality: str = "best", subtitles: str = ""
) -> tuple[list[Video], list[Refusal]]:
    """Take the good lines into the queue; return the new videos, and the lines refused with their reasons."""
    sources, refusals = _read([line for line in map(str.strip, lines) if line])
    forbidden = _forbidden({source.host for source in sources})
    taken: list[Video] = []
    for source in sources:
        if why := forbidden.get(source.host):
            refusals.append(Refusal(source.line, _unreachable(source.host, why)))
            continue
        video, is_new = Video.objects.ingest(source.line, source.url, added_by=by, quality=quality, subtitles=subtitles)
        if is_new:
            taken.append(video)
        else:
            words = "This address is here twice." if video in taken else "This video is already in the archive."
            refusals.append(Refusal(source.line, words, video))
    return taken, refusals


def _read(lines: list[str]) -> tuple[list[Source], list[Refusal]]:
    sources: list[Source] = []
    refusals = [
        Refusal(line, f"Only {MOST_LINES} lines are taken at once: paste the rest afterwards.")
        for line in lines[MOST_LINES:]
    ]
    for line in lines[:MOST_LINES]:
        try:
            sources.append(read(line))
        except _Bad as bad:
            refusals.append(Refusal(line, str(bad)))
    return sources, refusals


# Names -----------------------------------------------------------------------------------------


def _forbidden(hosts: set[str]) -> dict[str, str]:
    """Return why each host that must not be reached must not; a name unknown or slow today is not among them.

    The proxy judges again when it connects: this is for telling a person at once.
    """
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    answers: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    for host in hosts:
        waiting.put(host)
    for _ in range(min(LOOK_UPS_AT_ONCE, len(hosts))):
        # Daemons: a look-up that hangs keeps neither the page nor the process.
        threading.Thread(target=_look_up, args=(waiting, answers), name="look-up", daemon=True).start()
    found: dict[str, str] = {}
    deadline = time.monotonic() + LOOK_UP_TIME
    for _ in hosts:
        try:
            host, why = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if why:
            found[host] = why
    return found


def _look_up(waiting: "queue.SimpleQueue[str]", answers: "queue.SimpleQueue[tuple[str, str]]") -> None:
    while True:
        try:
            host = waiting.get_nowait()
        except queue.Empty:
            return
        answers.put((host, _why_forbidden(host)))


def _why_forbidden(host: str) -> str:
    try:
        addresses = address_policy.resolve_host(host, PORTS["http"])
    except address_policy.HostUnreachable:
        return ""
    return next(filter(None, map(address_policy.forbidden_reason, addresses)), "")

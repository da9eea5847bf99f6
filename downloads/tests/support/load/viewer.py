"""One viewer of the load: a WebSocket that keeps the client rules of the protocol, as cheaply as Python can."""

import dataclasses
import json
import socket
from collections.abc import Iterator
from typing import Any

from downloads.progress.message import TERMINAL_STATUSES

SILENCE_SECONDS = 6.0
RESYNC_SECONDS = 3.0
RESYNC_RETRY_SECONDS = 6.0
FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS = 0.5, 4.0
RESYNC_REQUEST = b'{"type":"resync"}'

# By video id: percent and bytes of what is active.
States = dict[str, tuple[float | None, int | None]]


@dataclasses.dataclass(frozen=True, slots=True)
class ParsedFrame:
    """A frame as all viewers share it, since most of them receive the same one."""

    kind: str
    epoch: str
    first_seq: int
    seq: int
    states: States
    ended_ids: tuple[str, ...]
    stamps: tuple[int, ...]  # publish times (µs, monotonic) of its progress, oldest first


def parse_frame(payload: bytes) -> ParsedFrame:
    """Parse a snapshot or a batch; the `downloaded_bytes` of a progress are its publish time."""
    frame = json.loads(payload)
    messages = frame["videos"] if frame["type"] == "snapshot" else frame["messages"]
    states: States = {}
    ended_ids: list[str] = []
    for message in messages:
        video_id = message["video_id"]
        if message.get("status") in TERMINAL_STATUSES:
            states.pop(video_id, None)
            ended_ids.append(video_id)
        elif message["type"] == "progress":
            states[video_id] = (message["percent"], message["downloaded_bytes"])
    stamps = sorted(stamp for _, stamp in states.values() if stamp)
    return ParsedFrame(
        frame["type"],
        frame["epoch"],
        frame.get("from", frame["seq"]),
        frame["seq"],
        states,
        tuple(ended_ids),
        tuple(stamps),
    )


class Viewer:
    """The state of one viewer; the sockets are driven by `Crowd`."""

    __slots__ = (
        *("buffer", "epoch", "failures", "is_live", "is_open", "number", "received_at", "resync_at", "seq", "socket"),
        *("source", "states", "was_gap"),
    )

    def __init__(self, number: int, source: str) -> None:
        self.number = number
        self.source = source  # the address that it connects from
        self.socket: socket.socket | None = None
        self.states: States = {}
        self.failures = 0
        self.reset()

    def reset(self) -> None:
        """Begin a new connection: nothing is believed before its snapshot."""
        self.buffer = b""
        self.epoch, self.seq = "", -1
        self.is_open = self.is_live = self.was_gap = False
        self.received_at = self.resync_at = 0.0

    def apply(self, frame: ParsedFrame, now: float) -> bool:
        """Apply a frame; return True if a snapshot must be asked for, as after a gap."""
        self.received_at = now
        if frame.kind == "snapshot":
            self.states = dict(frame.states)
            self.epoch, self.seq = frame.epoch, frame.seq
            self.is_live, self.was_gap, self.resync_at, self.failures = True, False, 0.0, 0
            return False
        if self.was_gap or frame.epoch != self.epoch or frame.first_seq > self.seq + 1:
            is_new = not self.was_gap
            self.was_gap = True
            if is_new or now - self.resync_at >= RESYNC_RETRY_SECONDS:
                self.resync_at = now
                return True
            return False
        if frame.seq > self.seq:
            self.states.update(frame.states)
            for video_id in frame.ended_ids:
                self.states.pop(video_id, None)
            self.seq = frame.seq
        return False

    def backoff_limit(self) -> float:
        """Return the longest wait before the next connection; the actual one is random (full jitter)."""
        return min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(self.failures, 10))


def source_addresses(count: int, per_address: int) -> Iterator[str]:
    """Yield an address of loopback for each viewer, so many viewers from each."""
    for number in range(count):
        host = number // per_address
        yield f"127.1.{host // 250}.{host % 250 + 1}"


def differences(states: States, truth: dict[str, list[Any]]) -> list[str]:
    """Return what a viewer believes otherwise than the truth."""
    expected = {video_id: tuple(values) for video_id, values in truth.items()}
    return [
        f"{video_id}: {states.get(video_id)}, and is {expected.get(video_id)}"
        for video_id in expected.keys() | states.keys()
        if states.get(video_id) != expected.get(video_id)
    ]

"""Publisher process: the progress of many videos, evenly spread over time.

`python -m downloads.tests.support.load.publisher <redis socket> <rate>` reads {id: attempt} from stdin, publishes
`rate` updates of each video per second until stdin has another line, then one last update of each, and prints
{"sent": number, "final": {id: [percent, downloaded_bytes]}}.
"""

import json
import select
import socket
import sys
import time
from typing import Any

TOTAL_BYTES = 1 << 52


def publish_command(video_id: str, attempt: int, percent: float, stamp: int) -> bytes:
    """Return a PUBLISH command with an update as a worker sends it; `downloaded_bytes` is the publish time (µs)."""
    fields = {"percent": percent, "downloaded_bytes": stamp, "total_bytes": TOTAL_BYTES, "attempt": attempt}
    text = json.dumps({**fields, "speed": 5e6, "eta": 100 - percent, "phase": "video"}).encode()
    channel = b"progress:" + video_id.encode()
    return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(channel), channel, len(text), text)


class Publisher:
    """Publishes one update after another, each video in turn."""

    def __init__(self, redis: socket.socket, attempts: dict[str, int], rate: float) -> None:
        self.redis = redis
        self.attempts = list(attempts.items())
        self.interval = 1 / (rate * len(attempts))
        self.sent = 0

    def run(self) -> None:
        """Publish until stdin has a line."""
        began = time.monotonic()
        while not select.select([sys.stdin], [], [], 0)[0]:
            due = int((time.monotonic() - began) / self.interval) + 1
            self.redis.sendall(b"".join(self._next_command() for _ in range(due - self.sent)))
            self._discard_replies()
            time.sleep(max(0.0005, began + due * self.interval - time.monotonic()))

    def _next_command(self) -> bytes:
        video_id, attempt = self.attempts[self.sent % len(self.attempts)]
        self.sent += 1
        percent = self.sent // len(self.attempts) % 1000 / 10
        return publish_command(video_id, attempt, percent, time.monotonic_ns() // 1000)

    def _discard_replies(self) -> None:
        try:
            while self.redis.recv(65536, socket.MSG_DONTWAIT):
                pass
        except BlockingIOError:
            return
        raise ConnectionError("Redis closed the publisher's connection")

    def finish(self) -> dict[str, list[Any]]:
        """Publish one last update of each video, and return them."""
        final = {}
        for number, (video_id, attempt) in enumerate(self.attempts):
            final[video_id] = [round(10 + number / 2, 1), time.monotonic_ns() // 1000]
            self.redis.sendall(publish_command(video_id, attempt, *final[video_id]))
        return final


def main() -> None:
    with socket.socket(socket.AF_UNIX) as redis:
        redis.connect(sys.argv[1])
        publisher = Publisher(redis, json.loads(sys.stdin.readline()), float(sys.argv[2]))
        publisher.run()
        print(json.dumps({"final": publisher.finish(), "sent": publisher.sent}), flush=True)  # noqa: T201
        time.sleep(1)  # the replies of the last updates are not read: Redis must not see a reset before it took them


if __name__ == "__main__":
    main()

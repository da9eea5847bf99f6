"""Publisher process: progress updates of many videos, evenly spread over time.

`python -m benchmarks.pipeline.publisher <redis socket>` reads lines of JSON {"videos", "rate", "until"} from stdin. For
each, it publishes `rate` updates per second and video until `until` (µs, monotonic), and then prints one JSON line
{"sent": [µs, …]}.
"""

import json
import socket
import sys
import time


def monotonic_microseconds() -> int:
    """Return the monotonic clock in µs; all processes of the machine share it."""
    return time.monotonic_ns() // 1000


def publish_command(video: int, stamp: int) -> bytes:
    """Return a PUBLISH command with an update as a worker sends it; `downloaded_bytes` is the publish time (µs)."""
    text = b'{"percent":%.1f,"downloaded_bytes":%d,"total_bytes":%d}' % (stamp % 1000 / 10, stamp, 1 << 52)
    channel = b"progress:bench-%d" % video
    return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(channel), channel, len(text), text)


def publish_updates(redis: socket.socket, videos: int, rate: float, until: int) -> list[int]:
    """Publish until `until` (µs), and return the publish times."""
    sent: list[int] = []
    started_at = monotonic_microseconds()
    interval = 1e6 / (videos * rate)
    while (now := monotonic_microseconds()) < until:
        due_count = int((now - started_at) / interval) + 1
        commands = []
        while len(sent) < due_count:
            stamp = monotonic_microseconds()
            commands.append(publish_command(len(sent) % videos, stamp))
            sent.append(stamp)
        redis.sendall(b"".join(commands))
        _discard_replies(redis)
        time.sleep(max(0.0005, (started_at + due_count * interval - monotonic_microseconds()) / 1e6))
    return sent


def _discard_replies(redis: socket.socket) -> None:
    try:
        while redis.recv(65536, socket.MSG_DONTWAIT):
            pass
    except BlockingIOError:
        return
    raise ConnectionError("Redis closed the publisher's connection")


def main() -> None:
    """Publish as each line of stdin asks for."""
    with socket.socket(socket.AF_UNIX) as redis:
        redis.connect(sys.argv[1])
        for line in sys.stdin:
            request = json.loads(line)
            sent = publish_updates(redis, request["videos"], request["rate"], request["until"])
            print(json.dumps({"sent": sent}), flush=True)


if __name__ == "__main__":
    main()

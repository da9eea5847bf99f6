"""The publisher, a process of its own: V videos at R updates a second each, evenly spread.

`python -m benchmarks.publisher <redis socket>`; one JSON line {"videos", "rate", "until"} on stdin for each
time that it shall publish, until `until` (µs, monotonic); one JSON line {"sent": [µs, …]} in return.
"""

import json
import socket
import sys
import time


def microseconds() -> int:
    """Return the clock that all processes of the machine share."""
    return time.monotonic_ns() // 1000


def command(video: int, stamp: int) -> bytes:
    """Return PUBLISH with an update as a worker sends it, the time of sending as its bytes."""
    text = b'{"percent":%.1f,"downloaded_bytes":%d,"total_bytes":%d}' % (stamp % 1000 / 10, stamp, 1 << 52)
    channel = b"progress:bench-%d" % video
    return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(channel), channel, len(text), text)


def publish(redis: socket.socket, videos: int, rate: float, until: int) -> list[int]:
    """Publish until then; return the times of sending."""
    sent: list[int] = []
    began = microseconds()
    gap = 1e6 / (videos * rate)
    while (now := microseconds()) < until:
        due = int((now - began) / gap) + 1
        commands = []
        while len(sent) < due:
            stamp = microseconds()
            commands.append(command(len(sent) % videos, stamp))
            sent.append(stamp)
        redis.sendall(b"".join(commands))
        _drain(redis)
        time.sleep(max(0.0005, (began + due * gap - microseconds()) / 1e6))
    return sent


def _drain(redis: socket.socket) -> None:
    try:
        while redis.recv(65536, socket.MSG_DONTWAIT):
            pass
    except BlockingIOError:
        return
    raise ConnectionError("Redis closed the publisher's connection")


def main() -> None:
    """Publish whenever a line says so."""
    with socket.socket(socket.AF_UNIX) as redis:
        redis.connect(sys.argv[1])
        for line in sys.stdin:
            order = json.loads(line)
            sent = publish(redis, order["videos"], order["rate"], order["until"])
            print(json.dumps({"sent": sent}), flush=True)


if __name__ == "__main__":
    main()

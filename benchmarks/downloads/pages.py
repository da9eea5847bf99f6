"""Many open library pages: their sockets and requests, by the rules that a page follows.

`python -m benchmarks.downloads.pages PORT COUNT push|fetch` prints "ready", then, once every page shows a
video as complete, one line of JSON: when the last did (UNIX seconds) and how many cards were fetched.
"""

import asyncio
import json
import random
import sys
import time

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

PUSH_TIMEOUT_SECONDS = 0.5
MAX_JITTER_SECONDS = 1.0
CONNECTING_AT_ONCE = 50
HELLO = json.dumps({"type": "cards", "can": "watch change delete"})
COMPLETE = 'data-status="complete"'


class OpenPage:
    """One open page: the cards that it lacks, and a timer for when it fetches them."""

    fetch_count = 0

    def __init__(self, port: int, *, is_pushed: bool) -> None:
        self._port = port
        self._is_pushed = is_pushed
        self._wanted_ids: set[str] = set()
        self._rev = 0
        self._fetch_task: asyncio.Task[None] | None = None
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.is_open, self.is_right = asyncio.Event(), asyncio.Event()

    async def run(self, turns: asyncio.Semaphore) -> None:
        """Listen until cancelled."""
        url = f"ws://127.0.0.1:{self._port}/ws/progress"
        async with turns:
            socket = await connect(
                url, subprotocols=[Subprotocol("ytarchive.progress.v2")], compression=None, max_size=None
            )
        async with socket:
            if self._is_pushed:
                await socket.send(HELLO)
            async for text in socket:
                self.is_open.set()
                self._receive(json.loads(text))

    def _receive(self, frame: dict) -> None:
        if frame["type"] == "cards":
            if frame["rev"] >= self._rev and self._wanted_ids.intersection(frame["ids"]):
                self._wanted_ids.difference_update(frame["ids"])
                self._show(frame["html"])
            return
        for message in frame.get("messages", ()):
            if message["type"] != "progress":
                self._rev = max(self._rev, message.get("rev", 0))
                self._wanted_ids.add(message["video_id"])
        if self._wanted_ids and self._fetch_task is None:
            self._fetch_task = asyncio.create_task(self._fetch_later())

    async def _fetch_later(self) -> None:
        delay = PUSH_TIMEOUT_SECONDS * self._is_pushed + random.random() * MAX_JITTER_SECONDS
        await asyncio.sleep(delay)
        ids, self._wanted_ids = self._wanted_ids, set()
        if ids:
            OpenPage.fetch_count += 1
            self._show(await self._fetch(f"/videos/cards?as=card&&id={'&id='.join(ids)}"))
        self._fetch_task = asyncio.create_task(self._fetch_later()) if self._wanted_ids else None

    async def _fetch(self, path: str) -> str:
        if self._stream is None:
            self._stream = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._stream
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.partition("content-length:")[2].split()[0])
        return (await reader.readexactly(size)).decode()

    def _show(self, html: str) -> None:
        if COMPLETE in html:
            self.is_right.set()


async def main(port: int, count: int, *, is_pushed: bool) -> None:
    """Open all pages, and wait until each shows what has come."""
    turns = asyncio.Semaphore(CONNECTING_AT_ONCE)
    pages = [OpenPage(port, is_pushed=is_pushed) for _ in range(count)]
    tasks = [asyncio.create_task(page.run(turns)) for page in pages]
    await asyncio.gather(*(page.is_open.wait() for page in pages))
    print("ready", flush=True)
    await asyncio.gather(*(page.is_right.wait() for page in pages))
    print(json.dumps({"right_at": time.time(), "fetched": OpenPage.fetch_count}), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), is_pushed=sys.argv[3] == "push"))

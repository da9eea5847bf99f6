"""A TCP proxy that drops a connection silently, as a middlebox does."""

import asyncio
import contextlib

from downloads.tests.support.redis_server import RedisServer


class HalfOpenProxy:
    """Forwards connections to Redis, and drops the open ones on request, as a firewall does."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.dropped = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        self.listener = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        host, port = self.listener.sockets[0].getsockname()
        return f"redis://{host}:{port}"

    def drop_silently(self) -> None:
        """Discard all data on the open connections; new ones work."""
        self.dropped.set()
        self.dropped = asyncio.Event()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        redis_reader, redis_writer = await asyncio.open_unix_connection(self.server.socket)
        dropped = self.dropped
        for source, target in ((reader, redis_writer), (redis_reader, writer)):
            task = asyncio.create_task(self.pipe(source, target, dropped))
            self.tasks.add(task)

    async def pipe(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, dropped: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if not dropped.is_set():
                    target.write(data)
                    await target.drain()
        target.close()

    async def stop(self) -> None:
        self.listener.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

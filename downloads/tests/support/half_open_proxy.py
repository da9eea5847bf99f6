"""A TCP proxy that drops a connection silently, as a middlebox does."""

import asyncio
import contextlib

from downloads.tests.support.redis_server import RedisServer


class HalfOpenProxy:
    """Carries connections to Redis, and forgets those it has when told to, as a firewall does."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.deaf = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        self.listener = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        host, port = self.listener.sockets[0].getsockname()
        return f"redis://{host}:{port}"

    def drop_silently(self) -> None:
        """Swallow everything on the connections that there are; new ones work."""
        self.deaf.set()
        self.deaf = asyncio.Event()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self.server.socket)
        deaf = self.deaf
        for source, target in ((reader, back), (there, writer)):
            task = asyncio.create_task(self.pipe(source, target, deaf))
            self.tasks.add(task)

    async def pipe(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if not deaf.is_set():
                    target.write(data)
                    await target.drain()
        target.close()

    async def stop(self) -> None:
        self.listener.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

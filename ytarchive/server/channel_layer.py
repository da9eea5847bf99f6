"""Channel layer: channels_redis' pub/sub layer without its leaks, with bounded queues and a fan-out.

Differences from channels_redis 4.3.0, and the reasons:
- A consumer that ends in any way leaves its groups. The stock layer keeps the membership of a consumer that was
  cancelled or raised, and delivers to it for ever.
- Queues are bounded; a full one drops its oldest message.
- While Redis is unreachable, members come and go; their subscriptions are made when it returns.
- A connection on which nothing arrives, not even a heartbeat, is replaced: it may be half-open, dead without being
  closed.
- `subscribe_handler` passes a group's events to one function per process, decoded once, instead of waking one task
  per consumer.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer, RedisSingleShardConnection
from channels_redis.utils import _wrap_close, create_pool, decode_hosts
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from downloads.outage_log import OutageLog
from ytarchive.server.message_queue import MessageQueue

logger = logging.getLogger(__name__)

Event = dict[str, Any]
EventHandler = Callable[[Event], None]

MAX_QUEUED_MESSAGES = 100  # per consumer
SILENCE_TIMEOUT_SECONDS = 5.0  # the bridge's heartbeat comes at least every 2 seconds
RECONNECT_DELAY_SECONDS = 0.5
CONNECTION_ERRORS = (RedisError, OSError)
# redis-py raises AttributeError where one task writes to a connection that another has just closed.
WRITE_ERRORS = (*CONNECTION_ERRORS, AttributeError)


class ShardConnection(RedisSingleShardConnection):
    """One Redis connection for all subscriptions of a process, and one to publish.

    The receive task alone opens and closes the connection of the subscriptions; other tasks only write to it while
    it is open. Redis-py allows no more: what a second task writes or reads during the handshake of a connection ends
    the handshake, and its PubSub opens a closed connection in whichever task meets it first.
    """

    def __init__(self, host: dict[str, Any], channel_layer: "LoopLayer") -> None:
        super().__init__(host, channel_layer)
        self._outage_log = OutageLog(
            logger,
            "Live updates wait for Redis: %s",
            "Redis can be used again, live updates continue",
        )
        self._connection: AbstractConnection | None = None
        self._channels: set[str] = set()  # to be subscribed to
        self._changed: set[str] = set()  # those that came or went since Redis was last told
        self._channels_wanted = asyncio.Event()
        self._connection_tried = asyncio.Event()  # set: there is one, or Redis is known to be away
        self._last_immediate_retry_at = float("-inf")
        # Not the lock of the base class: who has that may wait for Redis, or for the end of the receive task.
        self._write_lock = asyncio.Lock()
        self._next_send: asyncio.Task[None] | None = None  # has yet to read what changed
        self._last_error_logged_at = float("-inf")

    async def subscribe(self, channel: str) -> None:
        """Subscribe now, or as soon as Redis is reachable again."""
        if channel not in self._channels:
            self._channels.add(channel)
            self._changed.add(channel)
        self._channels_wanted.set()
        self._ensure_receiver()
        while (connection := self._connection) and connection.is_connected:
            await self._send_changes_together()
            if connection.is_connected:
                return
        if connection:  # closed, and the receive task has yet to see it
            self._connection_tried.clear()
        await self._connection_tried.wait()

    async def unsubscribe(self, channel: str) -> None:
        """Unsubscribe; if Redis is unreachable, the subscription ends with the connection."""
        if channel in self._channels:
            self._channels.remove(channel)
            self._changed.add(channel)
        if not self._channels:
            self._channels_wanted.clear()
        if self._connection:
            await self._send_changes_together()

    async def flush(self) -> None:
        """End the receive task and close both connections."""
        self._channels.clear()
        self._channels_wanted.clear()
        try:
            await super().flush()
        finally:
            await self._disconnect()
            # Whoever waits for a connection goes on.
            self._connection_tried.set()
            self._connection_tried.clear()
            if self._channels:  # of those who came meanwhile
                self._ensure_receiver()

    async def _send_changes_together(self) -> None:
        """Send what has changed, by one write for all tasks that ask while another write is under way.

        If each waited for a write of its own, one of thousands that join at once would wait for all before it. The
        write goes on if this task is cancelled: redis-py closes a connection, which is everybody's, at that.
        """
        if self._next_send is None or self._next_send.done():
            self._next_send = asyncio.create_task(self._send_changes())
        await asyncio.shield(self._next_send)

    async def _send_changes(self) -> None:
        """Tell Redis which channels were added and removed since it was last told."""
        try:
            async with self._write_lock:
                self._next_send = None
                changed, self._changed = self._changed, set()
                if (connection := self._connection) is None:  # the next one is told of all channels
                    return
                await self._send_change("SUBSCRIBE", changed & self._channels, connection)
                await self._send_change("UNSUBSCRIBE", changed - self._channels, connection)
        except WRITE_ERRORS as error:
            logger.debug("The subscriptions change with the next connection: %s", error)

    async def _send_change(self, command: str, channels: set[str], connection: AbstractConnection) -> None:
        # A closed connection is left to the receive task: `send_command` would open it.
        if channels and connection.is_connected:
            # Without redis-py's health check, which would read the answer to a ping.
            await connection.send_command(command, *sorted(channels), check_health=False)

    async def _do_receiving(self) -> None:
        while True:
            try:
                await self._receive_once()
            except Exception as error:  # whatever it is, live updates must go on
                if not isinstance(error, CONNECTION_ERRORS):
                    self._log_error("receiving failed, and begins anew")
                await self._disconnect()
                await self._pause_after(error)
            # Before Python 3.12, asyncio.wait_for, which redis-py calls, may swallow a cancellation (CPython #86296).
            task = asyncio.current_task()
            if task and task.cancelling():
                raise asyncio.CancelledError

    async def _receive_once(self) -> None:
        if self._connection is None:
            if not self._channels:
                self._connection_tried.clear()
                await self._channels_wanted.wait()
            await self._connect()
            return
        if not self._connection.is_connected:  # closed by a write that failed; `read_response` would open it
            raise ConnectionError("The connection was closed.")
        message = await self._connection.read_response(
            timeout=SILENCE_TIMEOUT_SECONDS, disconnect_on_error=False, push_request=True
        )
        self._outage_log.recovered()
        if message is None:  # it may be half-open, or have been closed by a timeout of the system's
            logger.debug("Replacing the connection to Redis: nothing arrived for %s s", SILENCE_TIMEOUT_SECONDS)
            await self._disconnect()
        elif message[0] == b"message":
            self._receive_message_safely(message[1], message[2])

    async def _pause_after(self, error: Exception) -> None:
        """Log an outage; wait before the next attempt, except once in a while for the first one."""
        is_first_failure = not self._outage_log.is_down
        self._outage_log.failed(error)
        now = time.monotonic()
        if is_first_failure and now - self._last_immediate_retry_at >= RECONNECT_DELAY_SECONDS:
            self._last_immediate_retry_at = now
            return
        if not is_first_failure:
            self._connection_tried.set()
        await asyncio.sleep(RECONNECT_DELAY_SECONDS)

    async def _connect(self) -> None:
        """Open a connection and subscribe to all channels on it."""
        connection = create_pool(self.host).make_connection()
        await connection.connect()
        self._connection, self._changed = connection, set(self._channels)
        await self._send_changes()
        if connection.is_connected:
            self._connection_tried.set()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._changed.clear()
        self._connection_tried.clear()
        if connection:
            await connection.disconnect(nowait=True)

    def _receive_message_safely(self, channel: bytes, data: bytes) -> None:
        """Dispatch a message; one that raises is logged, and receiving goes on."""
        try:
            self._receive_message(channel.decode(), data)
        except Exception:
            self._log_error("a message on %r cannot be used", channel[:100])

    def _log_error(self, message: str, *args: Any) -> None:
        """Log the current exception, at most once a second."""
        now = time.monotonic()
        if now - self._last_error_logged_at >= 1.0:
            self._last_error_logged_at = now
            logger.exception(message, *args)

    def _receive_message(self, name: str, data: bytes) -> None:
        members = self.channel_layer.groups.get(name)
        if members is None:
            if name in self.channel_layer.channels:
                self.channel_layer.channels[name].put_nowait(data)
            return
        handlers = self.channel_layer.event_handlers.get(name)
        if handlers:
            event = self.channel_layer.channel_layer.deserialize(data)
            handler = handlers.get(event["type"])
            if handler:
                handler(event)
                return
        for member in members:
            if member in self.channel_layer.channels:
                self.channel_layer.channels[member].put_nowait(data)


class LoopLayer(RedisPubSubLoopLayer):
    """The layer of one event loop."""

    def __init__(self, hosts: Any = None, **kwargs: Any) -> None:
        super().__init__(hosts=hosts, **kwargs)
        self._shards = [ShardConnection(host, self) for host in decode_hosts(hosts)]
        self.event_handlers: dict[str, dict[str, EventHandler]] = {}

    def subscribe_handler(self, group: str, event_type: str, handler: EventHandler) -> None:
        """Pass `group`'s events of type `event_type` to `handler`, once per process, instead of to each member."""
        self.event_handlers.setdefault(self._get_group_channel_name(group), {})[event_type] = handler

    async def _subscribe_to_channel(self, channel: str) -> None:
        self.channels[channel] = MessageQueue(MAX_QUEUED_MESSAGES)
        try:
            await self._get_shard(channel).subscribe(channel)
        except BaseException:  # cancelled: nothing will receive from the queue
            self.channels.pop(channel, None)
            await self._get_shard(channel).unsubscribe(channel)
            raise

    async def receive(self, channel: str) -> Event:
        """Wait for the channel's next message; if the wait is cancelled, remove the channel from all groups."""
        try:
            event: Event = await super().receive(channel)
        except (asyncio.CancelledError, GeneratorExit):
            await self._leave_groups(channel)
            raise
        return event

    async def _leave_groups(self, channel: str) -> None:
        emptied = [name for name, members in self.groups.items() if members == {channel}]
        for members in self.groups.values():
            members.discard(channel)
        for name in emptied:
            del self.groups[name]
        for name in emptied:
            await self._get_shard(name).unsubscribe(name)


class ProgressChannelLayer(RedisPubSubChannelLayer):
    """The layer of one process, with a LoopLayer per event loop."""

    def _get_layer(self) -> LoopLayer:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            self._layers[loop] = LoopLayer(*self._args, **self._kwargs, channel_layer=self)
            _wrap_close(self, loop)
        layer: LoopLayer = self._layers[loop]
        return layer

"""Channel layer: channels_redis' pub/sub layer without its leaks, with bounded queues and a fan-out.

Differences from channels_redis 4.3.0, and the reasons:
- A consumer that ends in any way leaves its groups. The stock layer keeps the membership of a consumer that was
  cancelled or raised, and delivers to it for ever.
- Queues are bounded; a full one drops its oldest message.
- While Redis is unreachable, nothing raises or blocks; pending subscriptions are made when it returns.
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
from channels_redis.utils import _wrap_close, decode_hosts
from redis.exceptions import RedisError

from downloads.outage_log import OutageLog
from ytarchive.server.message_queue import MessageQueue

logger = logging.getLogger(__name__)

Event = dict[str, Any]
EventHandler = Callable[[Event], None]

MAX_QUEUED_MESSAGES = 100  # per consumer
SILENCE_TIMEOUT_SECONDS = 5.0  # the bridge's heartbeat comes at least every 2 seconds
# redis-py raises AttributeError where one task writes to a connection that another has just closed.
CONNECTION_ERRORS = (RedisError, OSError, asyncio.TimeoutError, AttributeError)


class ShardConnection(RedisSingleShardConnection):
    """One Redis connection for all subscriptions of a process, and one to publish."""

    def __init__(self, host: dict[str, Any], channel_layer: "LoopLayer") -> None:
        super().__init__(host, channel_layer)
        self._outage_log = OutageLog(
            logger,
            "Live updates wait for Redis: %s",
            "Redis can be used again, live updates continue",
        )
        self._pending_subscriptions: set[str] = set()
        self._last_error_logged_at = float("-inf")

    async def subscribe(self, channel: str) -> None:
        """Subscribe now, or as soon as Redis is reachable again."""
        if self._outage_log.is_down:
            self._pending_subscriptions.add(channel)
            return
        try:
            await super().subscribe(channel)
        except CONNECTION_ERRORS as error:
            self._pending_subscriptions.add(channel)
            self._ensure_receiver()
            logger.debug("Cannot subscribe to %s yet: %s", channel, error)
        task = asyncio.current_task()
        if task and task.cancelling():
            # Before Python 3.12, asyncio.wait_for, which redis-py calls, may swallow a cancellation (CPython #86296).
            raise asyncio.CancelledError

    async def unsubscribe(self, channel: str) -> None:
        """Unsubscribe; if Redis is unreachable, the subscription ends with the connection."""
        self._pending_subscriptions.discard(channel)
        try:
            await super().unsubscribe(channel)
        except CONNECTION_ERRORS as error:
            self._subscribed_to.discard(channel)
            logger.debug("Cannot unsubscribe from %s: %s", channel, error)

    async def _do_receiving(self) -> None:
        while True:
            try:
                await self._receive_once()
            except CONNECTION_ERRORS as error:
                self._outage_log.failed(error)
                await asyncio.sleep(0.5)

    async def _receive_once(self) -> None:
        if self._pending_subscriptions:
            self._ensure_redis()
            channels = sorted(self._pending_subscriptions)
            await self._pubsub.subscribe(*channels)
            self._subscribed_to.update(channels)
            self._pending_subscriptions.difference_update(channels)
        if not self._pubsub.subscribed:
            await asyncio.sleep(0.05)
            return
        # Without ignore_subscribe_messages, for which get_message returns None, as it does after a timeout.
        message = await self._pubsub.get_message(timeout=SILENCE_TIMEOUT_SECONDS)
        self._outage_log.recovered()
        if message is None:
            await self._replace_silent_connection()
        elif message["type"] == "message":
            self._receive_message_safely(message)

    async def _replace_silent_connection(self) -> None:
        """Close a silent connection; the next read opens a new one and subscribes again."""
        if self.channel_layer.groups and self._pubsub.connection is not None:
            logger.debug("Replacing the connection to Redis: nothing arrived for %s s", SILENCE_TIMEOUT_SECONDS)
            await self._pubsub.connection.disconnect()

    def _receive_message_safely(self, message: dict[str, Any]) -> None:
        """Dispatch a message; one that raises is logged, at most once a second, and receiving goes on."""
        try:
            self._receive_message(message)
        except Exception:
            now = time.monotonic()
            if now - self._last_error_logged_at >= 1.0:
                self._last_error_logged_at = now
                logger.exception("a message on %r cannot be used", message["channel"][:100])

    def _receive_message(self, message: dict[str, Any]) -> None:
        name = message["channel"].decode()
        members = self.channel_layer.groups.get(name)
        if members is None:
            if name in self.channel_layer.channels:
                self.channel_layer.channels[name].put_nowait(message["data"])
            return
        handlers = self.channel_layer.event_handlers.get(name)
        if handlers:
            event = self.channel_layer.channel_layer.deserialize(message["data"])
            handler = handlers.get(event["type"])
            if handler:
                handler(event)
                return
        for member in members:
            if member in self.channel_layer.channels:
                self.channel_layer.channels[member].put_nowait(message["data"])


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
            del self.channels[channel]
            raise

    async def receive(self, channel: str) -> Event:
        """Wait for the channel's next message; if the wait is cancelled, remove the channel from all groups."""
        try:
            event: Event = await super().receive(channel)
        except (asyncio.CancelledError, GeneratorExit):
            for group in [name for name, members in self.groups.items() if channel in members]:
                await self._leave_group(group, channel)
            raise
        return event

    async def _leave_group(self, group_channel: str, channel: str) -> None:
        members = self.groups[group_channel]
        members.discard(channel)
        if not members:
            del self.groups[group_channel]
            await self._get_shard(group_channel).unsubscribe(group_channel)


class ProgressChannelLayer(RedisPubSubChannelLayer):
    """The layer of one process, with a LoopLayer per event loop."""

    def _get_layer(self) -> LoopLayer:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            self._layers[loop] = LoopLayer(*self._args, **self._kwargs, channel_layer=self)
            _wrap_close(self, loop)
        layer: LoopLayer = self._layers[loop]
        return layer

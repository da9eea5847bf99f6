"""`manage.py bridge_progress`: runs the bridge alone."""

import asyncio
import signal
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings

from downloads.bridge.leader import Bridge
from downloads.database.command import DatabaseCommand
from downloads.liveness.heartbeat import process_heartbeat
from downloads.progress.redis_clients import create_async_redis_client


class Command(DatabaseCommand):
    """Forward Redis' `progress:*` to the channel layer."""

    requires_system_checks = ()  # for a fast start; `manage.py check` runs them
    help = "Carries progress from Redis to every page; several may run, one leads."

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(run_bridge())


async def run_bridge() -> None:
    """Run a bridge until SIGTERM or Ctrl-C."""
    # The client does not retry: after an error the bridge reconnects and starts over.
    client = create_async_redis_client(connect_timeout=0.5, response_timeout=1.0)
    bridge = Bridge(client, get_channel_layer(), settings.TICK_MS / 1000)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, bridge.stop)
    process_heartbeat.start(settings.HEARTBEAT_FD, settings.WATCHDOG_SECONDS)
    beating = asyncio.create_task(process_heartbeat.beat_forever())
    async with client:
        await bridge.run()
    beating.cancel()

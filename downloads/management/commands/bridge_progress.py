"""`manage.py bridge_progress`: the bridge alone."""

import asyncio
import signal
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings
from django.core.management.base import BaseCommand

from downloads.bridge.leader import Bridge
from downloads.progress.redis_clients import create_async_redis_client


class Command(BaseCommand):
    """Carry Redis' `progress:*` into the channel layer."""

    requires_system_checks = ()  # start soon: `check` has its own command
    help = "Carries progress from Redis to every page; several may run, one leads."

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(run_bridge())


async def run_bridge() -> None:
    """Run a bridge until SIGTERM or Ctrl-C."""
    # No retries inside: the bridge tries again itself, from the start.
    client = create_async_redis_client(connect_timeout=0.5, response_timeout=1.0)
    found = Bridge(client, get_channel_layer(), settings.TICK_MS / 1000)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, found.stop)
    async with client:
        await found.run()

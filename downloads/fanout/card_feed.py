"""Card feed: what pages would fetch after a change, rendered once per role and pushed to all of them."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping

from downloads.fanout.client import Client, in_chunks
from downloads.fanout.frames import Frames
from downloads.progress.batch import KIND_PROGRESS, BatchMessage

logger = logging.getLogger(__name__)

MIN_INTERVAL_SECONDS = 0.2  # between two renderings; the first change after a pause is rendered at once
MAX_IDS = 20  # of one rendering; pages fetch what belongs to greater changes, each at a random time

# What cards depend on besides their video; rendering returns a frame for each.
Role = Hashable
CardRenderer = Callable[[frozenset[Role], list[str]], Awaitable[Mapping[Role, str]]]


class CardFeed:
    """The clients of one event loop that want cards, each with the role that its page was rendered for."""

    def __init__(self, render: CardRenderer, catch_up: Callable[[Client, float], None]) -> None:
        self._render = render
        self._catch_up = catch_up
        self._roles: dict[Client, Role] = {}
        self._changed_ids: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None
        self._rendered_at = float("-inf")

    def add_client(self, client: Client, role: Role) -> None:
        """Push cards to a client from now on."""
        self._roles[client] = role

    def remove_client(self, client: Client) -> None:
        """Push no more to a client; one that wanted none is ignored."""
        self._roles.pop(client, None)

    def note_changes(self, messages: Iterable[BatchMessage]) -> None:
        """Push what these messages change, all but progress, soon."""
        changed_ids = [video_id for video_id, kind, _ in messages if kind != KIND_PROGRESS]
        if not self._roles or not changed_ids:
            return
        self._changed_ids |= dict.fromkeys(changed_ids)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._push_changes())

    async def _push_changes(self) -> None:
        while self._changed_ids and self._roles:
            await asyncio.sleep(max(0.0, self._rendered_at + MIN_INTERVAL_SECONDS - time.monotonic()))
            ids, self._changed_ids = [*self._changed_ids], {}
            self._rendered_at = time.monotonic()
            if len(ids) > MAX_IDS:
                continue
            try:
                texts = await self._render(frozenset(self._roles.values()), ids)
            except Exception:
                # Each page fetches what it was not sent.
                logger.exception("Cards could not be pushed; pages fetch them")
                continue
            await self._send({role: Frames([text]) for role, text in texts.items()})

    async def _send(self, frames_by_role: Mapping[Role, Frames]) -> None:
        async for clients in in_chunks(self._roles):
            now = time.monotonic()
            for client in clients:
                # What the cards answer comes first.
                self._catch_up(client, now)
                cards = frames_by_role.get(self._roles.get(client))
                if cards and client.ready and not client.is_behind(now):
                    client.send_frames(cards)

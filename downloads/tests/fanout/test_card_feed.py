"""The card feed: one rendering per role, pushed after the batch that it answers, to those who want it."""

import asyncio
import itertools
import json

import pytest

from downloads.fanout import card_feed
from downloads.fanout.frames import V1, V2
from downloads.tests.support.batches import batch_event, batch_message
from downloads.tests.support.hubs import FakeTransport, HubWithSnapshot, run_pending_tasks


class Renderer:
    """Renders nothing, and records for whom and what."""

    def __init__(self) -> None:
        self.calls: list[tuple[frozenset, list[str]]] = []
        self.error: Exception | None = None
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self, roles, ids):
        self.calls.append((roles, ids))
        await self.may_end.wait()
        if self.error:
            raise self.error
        return {role: json.dumps({"type": "cards", "role": role, "ids": ids}) for role in roles}


@pytest.fixture
async def hub(monkeypatch):
    monkeypatch.setattr(card_feed, "MIN_INTERVAL_SECONDS", 0.0)
    return HubWithSnapshot()


@pytest.fixture
async def render():
    return Renderer()


@pytest.fixture
def join(hub, render):
    async def join_as(role, protocol=V2) -> FakeTransport:
        transport = FakeTransport()
        client = hub.add_client(transport, protocol=protocol)
        transport.client = client
        if role:
            hub.subscribe_to_cards(client, role, render)
        await run_pending_tasks()
        transport.sent.clear()
        return transport

    return join_as


@pytest.fixture
def change(hub):
    numbers = itertools.count(1)

    async def send(*ids, kind="status") -> None:
        hub.receive_batch(batch_event(next(numbers), *(batch_message(kind, video_id) for video_id in ids)))
        await run_pending_tasks()
        await run_pending_tasks()

    return send


def kinds(transport) -> list[str]:
    return [frame["type"] for frame in transport.objects]


async def test_it_renders_once_for_all_of_a_role(join, change, render):
    viewers = [await join("viewer") for _ in range(300)]
    editor, neither = await join("editor"), await join("")
    await change("a", "b")
    assert render.calls == [(frozenset({"viewer", "editor"}), ["a", "b"])]
    assert {tuple(kinds(viewer)) for viewer in viewers} == {("batch", "cards")}
    assert {id(viewer.sent[-1]) for viewer in viewers} == {id(viewers[0].sent[-1])}
    assert editor.objects[-1] == {"type": "cards", "role": "editor", "ids": ["a", "b"]}
    assert kinds(neither) == ["batch"]


async def test_it_pushes_after_changes_only(join, change, render):
    viewer = await join("viewer")
    await change("a", kind="progress")
    assert kinds(viewer) == ["batch"]
    await change("a", kind="changed")
    assert kinds(viewer) == ["batch", "batch", "cards"]
    assert len(render.calls) == 1


async def test_it_gathers_what_changes_meanwhile(join, change, render):
    viewer = await join("viewer")
    render.may_end.clear()
    await change("a")
    await change("b")
    await change("b", "c")
    render.may_end.set()
    await run_pending_tasks()
    await run_pending_tasks()
    assert [ids for _, ids in render.calls] == [["a"], ["b", "c"]]
    assert kinds(viewer) == ["batch"] * 3 + ["cards"] * 2


async def test_pages_fetch_what_is_too_much(join, change, render):
    viewer = await join("viewer")
    await change(*map(str, range(card_feed.MAX_IDS + 1)))
    assert (kinds(viewer), render.calls) == (["batch"], [])
    await change("a")
    assert kinds(viewer) == ["batch", "batch", "cards"]


async def test_it_says_so_when_it_cannot_render_and_goes_on(join, change, render, caplog):
    viewer = await join("viewer")
    render.error = ValueError("no template")
    await change("a")
    assert kinds(viewer) == ["batch"]
    assert "Cards could not be pushed; pages fetch them" in caplog.text
    render.error = None
    await change("b")
    assert kinds(viewer)[-1] == "cards"


async def test_it_sends_no_cards_to_those_who_lag_or_are_gone(hub, join, change, render):
    slow, gone, steady = await join("viewer"), await join("viewer"), await join("viewer")
    slow.unsent_bytes = 10
    render.may_end.clear()
    await change("a")
    hub.remove_client(gone.client)
    render.may_end.set()
    await run_pending_tasks()
    await run_pending_tasks()
    assert ([*kinds(slow)], kinds(gone), kinds(steady)) == ([], ["batch"], ["batch", "cards"])


async def test_without_takers_nothing_is_rendered(hub, join, change, render):
    old_client = await join("viewer", protocol=V1)
    viewer = await join("viewer")
    hub.remove_client(viewer.client)
    await change("a")
    assert render.calls == []
    assert "cards" not in kinds(old_client)

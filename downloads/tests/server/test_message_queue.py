"""The queue of a WebSocket's messages."""

import asyncio

from ytarchive.server.message_queue import MessageQueue


def test_it_gives_messages_in_order_and_waits_for_the_next() -> None:
    async def run() -> list[int]:
        queue = MessageQueue()
        queue.put_nowait(1)
        queue.put_nowait(2)
        received = [await queue.get(), await queue.get()]
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        assert not waiting.done()
        queue.put_nowait(3)
        queue.put_nowait(4)
        return [*received, await waiting, await queue.get()]

    assert asyncio.run(run()) == [1, 2, 3, 4]


def test_a_full_one_drops_the_oldest() -> None:
    queue = MessageQueue(2)

    for number in range(5):
        queue.put_nowait(number)

    assert list(queue.messages) == [3, 4]


def test_a_wait_that_is_cancelled_takes_no_message() -> None:
    async def run() -> int:
        queue = MessageQueue()
        cancelled = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.put_nowait(1)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        assert cancelled.cancelled()
        number: int = await queue.get()
        return number

    assert asyncio.run(run()) == 1

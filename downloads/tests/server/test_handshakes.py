"""Turns of WebSocket handshakes."""

import asyncio

from ytarchive.server.limits.handshakes import HANDSHAKES_PER_TURN, HandshakeQueue


async def next_turn() -> None:
    await asyncio.sleep(0)


async def test_a_storm_leaves_turns_for_others():
    queue, begun = HandshakeQueue(), []
    for number in range(10 * HANDSHAKES_PER_TURN):
        queue.add(lambda number=number: begun.append(number))
    begun_by_turn = []
    while len(begun) < 10 * HANDSHAKES_PER_TURN:
        await next_turn()
        begun_by_turn.append(len(begun))
    steps = [after - before for before, after in zip([0, *begun_by_turn], begun_by_turn, strict=False)]
    assert max(steps) == HANDSHAKES_PER_TURN
    assert begun == sorted(begun)


async def test_one_that_fails_does_not_stop_the_others(monkeypatch):
    monkeypatch.setattr(asyncio.get_running_loop(), "call_exception_handler", lambda context: None)
    queue, begun = HandshakeQueue(), []
    queue.add(lambda: 1 / 0)
    queue.add(lambda: begun.append("second"))
    for _ in range(4):
        await next_turn()
    assert begun == ["second"]
    queue.add(lambda: begun.append("later"))
    for _ in range(4):
        await next_turn()
    assert begun == ["second", "later"]

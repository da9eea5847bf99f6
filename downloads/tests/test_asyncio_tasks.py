"""mark_exception_retrieved: asyncio logs no error of a task that nobody awaits."""

import asyncio
import gc

import pytest

from downloads.asyncio_tasks import mark_exception_retrieved


async def fail() -> None:
    raise ValueError("nobody awaits this")


async def run_and_forget(*, with_callback: bool) -> None:
    task = asyncio.create_task(fail())
    if with_callback:
        task.add_done_callback(mark_exception_retrieved)
    await asyncio.sleep(0.01)
    del task
    gc.collect()


@pytest.mark.parametrize(("with_callback", "is_logged"), [(True, False), (False, True)])
def test_it_keeps_asyncio_from_logging_the_error(with_callback, is_logged, caplog):
    asyncio.run(run_and_forget(with_callback=with_callback))
    assert ("never retrieved" in caplog.text) is is_logged


def test_it_accepts_a_cancelled_task():
    async def cancel() -> None:
        task = asyncio.create_task(asyncio.sleep(10))
        task.add_done_callback(mark_exception_retrieved)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(cancel())

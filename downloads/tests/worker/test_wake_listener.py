"""The listener that wakes a worker when videos were added."""

import select
import socket

import pytest

from downloads.models import Queue
from downloads.progress import publisher
from downloads.progress.message import Progress
from downloads.progress.redis_clients import get_redis_client
from downloads.tests.support.factories import waiting
from downloads.tests.support.waiting import wait_until
from downloads.worker.wake_listener import WakeListener

pytestmark = pytest.mark.usefixtures("redis_server")


@pytest.fixture
def listener():
    listener = WakeListener()
    listener.start()
    assert is_readable(listener), "it has subscribed"
    assert not listener.drain(), "nobody has sent a message"
    yield listener
    listener.stop()


def is_readable(listener, timeout=5.0):
    return bool(select.select([listener], [], [], timeout)[0])


def test_many_messages_wake_once(listener):
    assert publisher.publish_many({f"a{number}": Progress(status="queued") for number in range(100)})
    assert publisher.publish_progress("b", Progress(status="queued"))
    assert is_readable(listener)
    wait_until(lambda: listener._reader.recv(9, socket.MSG_PEEK) == b"!!", "both messages have arrived")
    assert listener.drain()
    assert not is_readable(listener, 0.0)


def test_progress_wakes_nobody(listener):
    assert publisher.publish_many({"a": Progress(percent=1.0), "b": Progress(status="downloading")})
    assert publisher.publish_progress("c", Progress(status="queued"))
    assert is_readable(listener)
    listener.drain()
    assert publisher.publish_progress("a", Progress(percent=2.0))
    assert not is_readable(listener, 0.2)


@pytest.mark.django_db(transaction=True)
def test_an_addition_a_retry_and_a_resumed_queue_wake(listener):
    video = waiting("a")
    assert video.cancel()
    listener.drain()
    for change in (video.retry, Queue.pause, Queue.resume):
        change()
        assert is_readable(listener), change
        listener.drain()


def test_it_listens_again_after_an_outage(listener, redis_server):
    get_redis_client().client_kill_filter(_type="pubsub")
    assert is_readable(listener), "it has subscribed again"
    listener.drain()
    assert publisher.publish_progress("a", Progress(status="queued"))
    assert is_readable(listener)

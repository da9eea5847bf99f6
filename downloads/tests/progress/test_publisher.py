"""The publisher of progress messages."""

import time

import pytest

from downloads.progress import keys, publisher
from downloads.progress.message import Progress


def test_it_publishes_on_the_channel_of_the_video(redis_server):
    with redis_server.client().pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.psubscribe("progress:*")
        pubsub.get_message(timeout=5)
        assert publisher.publish_progress("demo:1", Progress(percent=42))
        message = pubsub.get_message(timeout=5)
    assert (message["channel"], message["data"]) == (b"progress:demo:1", b'{"percent":42}')


@pytest.mark.alone
def test_it_never_waits_long_for_a_frozen_redis(redis_server, usual_redis_timeout, caplog):
    assert publisher.publish_progress("a", Progress(percent=1))
    redis_server.freeze()
    try:
        began = time.monotonic()
        assert not any(publisher.publish_progress("a", Progress(percent=1)) for _ in range(100))
        assert time.monotonic() - began < 0.5
    finally:
        redis_server.resume()
    assert caplog.text.count("Progress is not published: Redis does not answer.") == 1
    publisher._backoff_until = 0.001  # the backoff is over
    assert publisher.publish_progress("a", Progress(percent=1))


def test_it_wakes_workers_and_raises_nothing_without_redis(redis_server, monkeypatch):
    with redis_server.client() as client, client.pubsub() as pubsub:
        pubsub.subscribe(keys.WAKE_CHANNEL)
        assert pubsub.get_message(timeout=5)["type"] == "subscribe"
        publisher.wake_workers()
        assert pubsub.get_message(timeout=5)["type"] == "message"
    redis_server.kill()
    publisher.wake_workers()

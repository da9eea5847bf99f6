"""Listener for additions: wakes the supervisor at once, which otherwise sees them at its next poll."""

import contextlib
import logging
import socket
import threading

import redis
from django.conf import settings

from downloads.outage_log import OutageLog
from downloads.progress.keys import WAKE_CHANNEL
from downloads.progress.redis_clients import REDIS_TIMEOUT_SECONDS
from downloads.progress.redis_errors import describe_with_error

logger = logging.getLogger(__name__)

RECEIVE_TIMEOUT_SECONDS = 1.0  # between looks at whether to stop
HEALTH_CHECK_SECONDS = 15  # a connection that is lost without a word is noticed
RETRY_DELAY_SECONDS = 1.0
MESSAGE_SIGN, SUBSCRIPTION_SIGN = b"!", b"."


class WakeListener:
    """A thread that makes `fileno()` readable for each message; `drain` makes it unreadable again."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._stopping = threading.Event()
        self._outage_log = OutageLog(
            logger,
            "Additions are noticed by polling only: %s",
            "Redis can be used again, additions are noticed at once",
        )

    def start(self) -> None:
        """Start to listen."""
        threading.Thread(target=self._run, name="wake-listener", daemon=True).start()

    def stop(self) -> None:
        """Stop to listen, without waiting for the thread."""
        self._stopping.set()

    def fileno(self) -> int:
        """Return the file descriptor for a selector."""
        return self._reader.fileno()

    def drain(self) -> bool:
        """Forget the messages so far; return whether there was one, and not only a new subscription."""
        signs = b""
        with contextlib.suppress(BlockingIOError):
            while received := self._reader.recv(4096):
                signs += received
        return MESSAGE_SIGN in signs

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (redis.RedisError, OSError) as error:
                self._outage_log.failed(describe_with_error(error))
                self._stopping.wait(RETRY_DELAY_SECONDS)

    def _listen(self) -> None:
        client = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            health_check_interval=HEALTH_CHECK_SECONDS,
            retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
        )
        with client, client.pubsub() as subscription:
            subscription.subscribe(WAKE_CHANNEL)
            while not self._stopping.is_set():
                message = subscription.get_message(timeout=RECEIVE_TIMEOUT_SECONDS)
                self._outage_log.recovered()
                if message is not None:  # the confirmation of the subscription too: videos may have been added before
                    self._wake(MESSAGE_SIGN if message["type"] == "message" else SUBSCRIPTION_SIGN)

    def _wake(self, sign: bytes) -> None:
        with contextlib.suppress(BlockingIOError):  # it is readable already
            self._writer.send(sign)

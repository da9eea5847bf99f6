"""The spare file descriptor, with which connections are refused when none is left."""

import contextlib
import errno
import os
import resource
import socket
from collections.abc import Iterator

import pytest

from ytarchive.server.limits import descriptors


@pytest.fixture
def listener() -> Iterator[descriptors.SparingListener]:
    with descriptors.SparingListener() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process open nothing: the limit is the lowest number that is free."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def refused_connection(listener: descriptors.SparingListener) -> bytes:
    """Return what a client is answered while no descriptor is left."""
    with socket.create_connection(listener.getsockname(), 10) as client:
        with no_descriptor_left(), pytest.raises(BlockingIOError):
            listener.accept()
        return client.recv(1000)


def test_what_cannot_be_kept_is_answered_503(listener):
    for _ in range(2):
        assert refused_connection(listener).startswith(b"HTTP/1.1 503 ")


def test_it_has_a_spare_one_again_after_another_thread_took_it(listener, monkeypatch):
    def fail(*args: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with socket.create_connection(listener.getsockname(), 10), no_descriptor_left(), monkeypatch.context() as patch:
        patch.setattr(descriptors.os, "open", fail)
        with pytest.raises(BlockingIOError):
            listener.accept()
    with socket.create_connection(listener.getsockname(), 10):
        listener.accept()[0].close()
    assert refused_connection(listener).startswith(b"HTTP/1.1 503 ")

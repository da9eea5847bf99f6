"""Media through the real server: large files and slow clients."""

import re
import socket
from pathlib import Path

import pytest
from django.conf import settings

from downloads.models import StoredFiles, Video
from downloads.tests.support.waiting import wait_until

pytestmark = pytest.mark.processes
FILM_BYTES = 200 * 1024 * 1024


@pytest.fixture
def large_video(transactional_db) -> Video:
    path = settings.MEDIA_ROOT / "large.mp4"
    with path.open("wb") as file:
        file.truncate(FILM_BYTES)
    Video.objects.ingest("http://example.org/large", "http://example.org/large")
    video = Video.objects.claim("w")
    assert video
    assert video.finish(StoredFiles(path.name, FILM_BYTES), lambda: None)
    yield video
    path.unlink()


@pytest.fixture
def web_process(run_manage, static_files):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = run_manage("web", "--port", str(port))
    wait_until(lambda: _connects(port), 20, "the web server listens")
    process.port = port
    return process


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def request_video(web, video: Video) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", web.port), 10)
    client.sendall(f"GET /media/{video.video_id}/video HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\n\r\n".encode())
    return client


def peak_memory_mb(web) -> float:
    match = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{web.pid}/status").read_text())
    return int(match.group(1)) / 1024


def test_it_holds_little_of_a_large_file_for_a_slow_client(web_process, large_video):
    with request_video(web_process, large_video) as first_client:
        assert b"200 OK" in first_client.recv(100)
    before = peak_memory_mb(web_process)
    with request_video(web_process, large_video) as slow_client:
        assert b"200 OK" in slow_client.recv(100)
        # Another client receives the whole file meanwhile.
        with request_video(web_process, large_video) as fast_client:
            received_bytes = 0
            while received_bytes < FILM_BYTES:
                received_bytes += len(fast_client.recv(1 << 20))
    assert peak_memory_mb(web_process) - before < 40

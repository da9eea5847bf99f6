"""Media through the real server: large files, and clients that are slow, stop reading, resume or leave."""

import contextlib
import filecmp
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from downloads.files import ffmpeg
from downloads.models import StoredFiles, Video
from downloads.tests.support import clips, nginx, required_programs
from downloads.tests.support.ports import free_port
from downloads.tests.support.processes import manage_processes
from downloads.tests.support.waiting import wait_until

pytestmark = pytest.mark.processes
FILM_BYTES = 300 * 1024 * 1024
CLIP_FRAMES = 1500
SHORT_STALL_PROGRAM = """
from django.core.management import execute_from_command_line
from ytarchive.server.http import response_stream
response_stream.STALLED_RESPONSE_TIMEOUT_SECONDS = 4.0
execute_from_command_line(["manage.py", "web", "--port", "{port}"])
"""


def store_video(path: Path) -> Video:
    url = f"http://example.org/{path.name}"
    Video.objects.ingest(url, url)
    video = Video.objects.claim("w")
    assert video
    assert video.finish(StoredFiles(path.name, path.stat().st_size), lambda: None)
    return video


@pytest.fixture
def large_file() -> Iterator[Path]:
    path = settings.MEDIA_ROOT / "large.mp4"
    with path.open("wb") as file:
        file.truncate(FILM_BYTES)
    yield path
    path.unlink()


@pytest.fixture
def large_video(transactional_db, large_file) -> Video:
    return store_video(large_file)


@pytest.fixture
def clip() -> Path:
    """A clip of 1,500 frames, larger than what a player gets at once."""
    path = settings.MEDIA_ROOT / "frames.mp4"
    if not path.exists():
        codec_options = clips.H264 if clips.has_h264() else clips.MPEG4
        clips.run_ffmpeg(*clips.VIDEO_SOURCE, *clips.AUDIO_SOURCE, "-t", "60", *codec_options, *clips.AAC, path)
    assert path.stat().st_size > 5_000_000
    return path


class WebProcess:
    """A web process, and what it holds."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        wait_until(self._connects, "the web server listens")

    def _connects(self) -> bool:
        assert self.process.poll() is None, f"ended early:\n{self.log}"
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    @property
    def log(self) -> str:
        return self.process.log.read_text()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def peak_memory_mb(self) -> float:
        match = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        return int(match.group(1)) / 1024

    def open_count(self, path: Path) -> int:
        """Return how often the process has a file open, under its name or deleted."""
        links = []
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                links.append(str(descriptor.readlink()).removesuffix(" (deleted)"))
        return links.count(str(path))

    def request(self, video: Video, *headers: str, receive_buffer_bytes: int = 0) -> socket.socket:
        """Request a video's file and return the socket, with nothing read."""
        client = socket.socket()
        if receive_buffer_bytes:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        client.settimeout(30)
        client.connect(("127.0.0.1", self.port))
        lines = [f"GET /media/{video.video_id}/video HTTP/1.1", f"Host: 127.0.0.1:{self.port}", *headers, "", ""]
        client.sendall("\r\n".join(lines).encode())
        return client


@pytest.fixture
def web_process(run_manage, static_files) -> WebProcess:
    """A web process whose memory the test measures, or that it stops."""
    port = free_port()
    return WebProcess(run_manage("web", "--port", str(port)), port)


@pytest.fixture(scope="module")
def running_web_process(static_files, tmp_path_factory) -> Iterator[WebProcess]:
    """One web process for the tests that leave it running."""
    for manage in manage_processes(tmp_path_factory.mktemp("web")):
        port = free_port()
        yield WebProcess(manage("web", "--port", str(port)), port)


@pytest.fixture(scope="module")
def addresses(running_web_process, tmp_path_factory) -> Iterator[dict[str, str]]:
    """The addresses of a web process, and of nginx in front of it."""
    with nginx.run_deployed_nginx(running_web_process.url, tmp_path_factory.mktemp("nginx")) as nginx_url:
        yield {"direct": running_web_process.url, "nginx": nginx_url}


@pytest.fixture(params=["direct", "nginx"])
def address(request, addresses) -> str:
    """The address of the web process, or of nginx in front of it."""
    return addresses[request.param]


def read_all(client: socket.socket) -> bytes:
    """Read until the server closes."""
    parts = []
    while part := client.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


def read_head(client: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    return head


# Programs that read to the end ----------------------------------------------------------------------


@pytest.mark.parametrize("address", ["direct", pytest.param("nginx", marks=pytest.mark.soak)], indirect=True)
def test_ffmpeg_decodes_every_frame(transactional_db, clip, address):
    url = f"{address}media/{store_video(clip).video_id}/video"
    command = [ffmpeg.find_ffmpeg(), "-v", "error", "-stats", "-i", url, "-map", "0:v", "-f", "null", "-"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert f"frame= {CLIP_FRAMES}" in result.stderr


@pytest.mark.parametrize(
    ("program", "options"), [("curl", ["-s", "-S", "-f", "-C", "-", "-o"]), ("wget", ["-q", "-c", "-O"])]
)
def test_programs_resume_to_a_whole_file(transactional_db, clip, address, tmp_path, program, options):
    url = f"{address}media/{store_video(clip).video_id}/video"
    partial = tmp_path / "partial.mp4"
    partial.write_bytes(clip.read_bytes()[:300_000])
    path = required_programs.require_program(program)
    subprocess.run([path, *options, partial, url], check=True, timeout=60)
    assert filecmp.cmp(partial, clip, shallow=False)


# Clients that do not read -----------------------------------------------------------------------------


def test_it_holds_little_of_a_large_file_for_clients_that_stop_reading(web_process, large_video, large_file):
    with web_process.request(large_video) as first_client:
        assert b"200 OK" in first_client.recv(100)
    before = web_process.peak_memory_mb()
    with contextlib.ExitStack() as clients:
        for number in range(20):
            headers = ["Range: bytes=1-"] if number % 2 else []
            stalled_client = clients.enter_context(web_process.request(large_video, *headers))
            assert b"HTTP/1.1 20" in stalled_client.recv(20)
        # Another client receives the whole file meanwhile.
        with web_process.request(large_video, "Connection: close") as fast_client:
            assert len(read_all(fast_client)) > FILM_BYTES
        assert web_process.open_count(large_file) == 20
    assert web_process.peak_memory_mb() - before < 30
    wait_until(lambda: web_process.open_count(large_file) == 0, "the files are closed")
    assert "Traceback" not in web_process.log


@pytest.fixture(scope="module")
def impatient_web_process(static_files, tmp_path_factory, session_redis_server) -> Iterator[WebProcess]:
    """A web process that lets a client go after 4 s in which it took nothing."""
    port = free_port()
    log = tmp_path_factory.mktemp("impatient") / "web.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", SHORT_STALL_PROGRAM.format(port=port)],
            cwd=settings.BASE_DIR,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "YTARCHIVE_DATA": str(settings.DATA)},
        )
    process.log = log
    yield WebProcess(process, port)
    process.terminate()
    process.wait(15)


def test_it_lets_a_client_go_that_takes_nothing(impatient_web_process, large_video, large_file):
    with impatient_web_process.request(large_video) as stalled_client:
        assert b"200 OK" in stalled_client.recv(20)
        wait_until(lambda: "took nothing of /media/" in impatient_web_process.log, "it is let go")
        wait_until(lambda: impatient_web_process.open_count(large_file) == 0, "the file is closed")
        with pytest.raises(ConnectionResetError):
            read_all(stalled_client)
    assert "Traceback" not in impatient_web_process.log


def test_it_keeps_a_slow_client_that_takes_a_little(impatient_web_process, large_video, large_file):
    said_before = impatient_web_process.log
    with impatient_web_process.request(large_video, receive_buffer_bytes=8192) as slow_client:
        stop = threading.Event()
        for _ in range(24):  # 12 s, three times the limit
            assert slow_client.recv(4096)
            stop.wait(0.5)
        assert impatient_web_process.open_count(large_file) == 1
    assert "took nothing" not in impatient_web_process.log.removeprefix(said_before)


# Files that change while they are sent ----------------------------------------------------------------


def test_it_sends_the_old_file_to_its_end_when_it_is_replaced(running_web_process, transactional_db):
    path = settings.MEDIA_ROOT / "replaced.mp4"
    path.write_bytes(b"old " * 10_000_000)
    video = store_video(path)
    with running_web_process.request(video, "Connection: close") as client:
        read_head(client)
        newer = path.with_name("newer.mp4")
        newer.write_bytes(b"new!" * 10_000_000)
        newer.replace(path)
        assert read_all(client) == b"old " * 10_000_000
    path.unlink()


def test_it_cuts_the_connection_when_a_file_becomes_shorter(running_web_process, transactional_db):
    path = settings.MEDIA_ROOT / "shortened.mp4"
    path.write_bytes(bytes(40_000_000))
    connection = http.client.HTTPConnection("127.0.0.1", running_web_process.port, timeout=30)
    connection.request("GET", f"/media/{store_video(path).video_id}/video")
    response = connection.getresponse()
    response.read(1000)
    with path.open("r+b") as file:
        file.truncate(20_000_000)
    # Kept open, the connection would have the client wait for ever.
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        response.read()
    assert "became shorter while it was sent" in running_web_process.log
    assert "Traceback" not in running_web_process.log
    path.unlink()


# Stopping ---------------------------------------------------------------------------------------------


def test_it_stops_while_clients_do_not_read(web_process, large_video):
    with contextlib.ExitStack() as clients:
        for _ in range(3):
            client = clients.enter_context(web_process.request(large_video))
            assert b"200 OK" in client.recv(20)
        web_process.process.send_signal(signal.SIGTERM)
        assert web_process.process.wait(10) == 0
    assert "Traceback" not in web_process.log
    assert "was destroyed" not in web_process.log

"""The web server as a real process, and its frames and close codes as clients receive them."""

import asyncio
import collections
import contextlib
import http.client
import json
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from concurrent import futures
from pathlib import Path

import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from downloads.progress import publisher, redis_clients
from downloads.progress.keys import SNAPSHOT_KEY
from downloads.progress.message import Progress
from downloads.tests.support.ports import free_port
from downloads.tests.support.processes import RunManage, manage_processes, wait_until_answered
from downloads.tests.support.redis_server import RedisServer
from downloads.tests.support.waiting import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
V2 = websockets.Subprotocol("ytarchive.progress.v2")


class WebProcess:
    """A web process and a bridge."""

    def __init__(self, manage: RunManage, server: RedisServer) -> None:
        self.port = free_port()
        self.bridge = manage("bridge_progress")
        self.process = manage("web", "--port", str(self.port))
        wait_until_answered(f"http://127.0.0.1:{self.port}/healthz", self.process)
        self.wait_for_bridge(server)

    def wait_for_bridge(self, server: RedisServer) -> None:
        wait_until(lambda: server.client().hexists(SNAPSHOT_KEY, "@"), "the bridge leads")

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/progress"

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def memory(self) -> int:
        """Return the process' resident memory in bytes."""
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * 4096


@pytest.fixture(scope="module")
def running_web_process(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, session_redis_server: RedisServer
) -> Iterator[WebProcess]:
    started = manage_processes(tmp_path_factory.mktemp("web"))
    yield WebProcess(next(started), session_redis_server)
    next(started, None)


@pytest.fixture
def web_process(running_web_process: WebProcess, redis_server: RedisServer) -> WebProcess:
    """One web process and bridge, for the tests that leave them running and in peace."""
    running_web_process.wait_for_bridge(redis_server)
    return running_web_process


@pytest.fixture
def own_web_process(run_manage: RunManage, redis_server: RedisServer) -> WebProcess:
    """A web process and a bridge that the test may flood and stop."""
    return WebProcess(run_manage, redis_server)


@pytest.fixture
async def websocket(web_process: WebProcess) -> AsyncIterator[ClientConnection]:
    async with connect(web_process.url, max_queue=None) as client:  # or closing waits for a test that reads no more
        yield client


async def receive_frame(client: ClientConnection, **fields) -> dict:
    async with asyncio.timeout(15):
        while True:
            frame = json.loads(await client.recv())
            if frame.items() >= fields.items():
                return frame


async def read_until_closed(client: ClientConnection) -> None:
    """Read until the server has closed."""
    async with asyncio.timeout(15):
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                await client.recv()


@pytest.mark.alone
async def test_it_brings_a_published_message_to_a_raw_client_within_50_ms(web_process, websocket):
    await asyncio.to_thread(publisher.publish_progress, "warm", Progress(percent=1))
    await receive_frame(websocket, video_id="warm")
    times = []
    for percent in range(1, 10):
        await asyncio.sleep(0.25)  # idle: longer than a tick
        began = time.monotonic()
        await asyncio.to_thread(publisher.publish_progress, "demo:1", Progress(percent=percent))
        frame = await receive_frame(websocket, video_id="demo:1")
        times.append(time.monotonic() - began)
    assert frame.items() >= {"type": "progress", "percent": 9, "downloaded_bytes": None, "total_bytes": None}.items()
    assert sorted(times)[len(times) // 2] < 0.05


async def test_it_answers_ping_between_its_own_frames(web_process, websocket):
    received: list[str | bytes] = []
    for percent in range(10):
        await asyncio.to_thread(publisher.publish_progress, "demo", Progress(percent=percent))
        await websocket.send("ping")
    async with asyncio.timeout(15):
        while received.count("pong") < 10 or '"percent":9.0' not in str(received):
            received.append(await websocket.recv())


async def test_it_sends_a_long_frame_whole(web_process, websocket):
    for number in range(200):
        publisher.publish_progress(f"v{number}", Progress(percent=number % 100, phase="x" * 64))
    async with connect(web_process.url, subprotocols=[V2]) as client:
        snapshot = json.loads(await client.recv())
        while len(snapshot.get("videos", [])) < 200:
            await client.send('{"type":"resync"}')
            snapshot = await receive_frame(client, type="snapshot")
        assert {video["phase"] for video in snapshot["videos"]} == {"x" * 64}


@pytest.mark.parametrize(("frame", "code"), [(b"ping", 1003), ("x" * 1025, 1009)])
async def test_it_closes_with_the_code_that_says_why(websocket, frame, code):
    await websocket.send(frame)
    await read_until_closed(websocket)
    assert websocket.close_code == code


@pytest.mark.alone
async def test_it_closes_a_flood_and_serves_the_others(own_web_process):
    async with connect(own_web_process.url) as other_client, connect(own_web_process.url) as flooding_client:
        with contextlib.suppress(websockets.ConnectionClosed):
            for _ in range(10_000):
                await flooding_client.send("ping")
        await read_until_closed(flooding_client)
        assert flooding_client.close_code == 1008
        await other_client.send("ping")
        assert await other_client.recv() == "pong"


@pytest.mark.alone
async def test_it_closes_a_client_that_floods_pings(own_web_process):
    flooding_client = _stalled_client(own_web_process.port)
    memory_before = own_web_process.memory()
    with contextlib.suppress(OSError):
        for _ in range(2_000):
            await asyncio.to_thread(flooding_client.sendall, b"\x89\x84\0\0\0\0ping" * 100)
    assert _is_closed(flooding_client)
    assert own_web_process.memory() - memory_before < 8_000_000


async def test_it_refuses_foreign_origins_and_other_paths_with_403(web_process):
    for url, headers in [(web_process.url, {"Origin": "http://evil.example"}), (f"{web_process.url}/other", {})]:
        with pytest.raises(websockets.InvalidStatus) as caught:
            await connect(url, additional_headers=headers)
        assert caught.value.response.status_code == 403
    assert "Traceback" not in web_process.process.log.read_text()


async def test_it_closes_with_1012_when_it_is_stopped(own_web_process):
    clients = [await connect(own_web_process.url, subprotocols=[V2]) for _ in range(20)]
    own_web_process.process.send_signal(signal.SIGTERM)
    for client in clients:
        await read_until_closed(client)
        assert client.close_code == 1012
    wait_until(lambda: own_web_process.process.poll() is not None, "it ends")
    assert "Traceback" not in own_web_process.process.log.read_text()


@pytest.mark.alone
@pytest.mark.usefixtures("static_files")
def test_it_stops_under_constant_requests(own_web_process):
    status_counts: collections.Counter[int] = collections.Counter()

    def request_repeatedly() -> None:
        while own_web_process.process.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", own_web_process.port, timeout=10)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                while True:
                    connection.request("GET", "/accounts/login/")
                    response = connection.getresponse()
                    response.read()
                    status_counts[response.status] += 1

    with futures.ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(request_repeatedly)
        wait_until(lambda: status_counts[200] > 40, "it is busy")
        own_web_process.process.send_signal(signal.SIGTERM)
        try:
            assert own_web_process.process.wait(5) == 0
        finally:
            own_web_process.process.kill()
    assert status_counts.keys() <= {200, 503}


@pytest.mark.alone
async def test_it_drops_a_client_that_does_not_read_and_keeps_no_more_than_its_share(web_process, websocket):
    stalled_clients = [_stalled_client(web_process.port) for _ in range(5)]
    await asyncio.to_thread(publisher.publish_progress, "demo", Progress(percent=0))
    await receive_frame(websocket, video_id="demo")
    memory_before = web_process.memory()
    longest_delay = 0.0
    began = time.monotonic()
    pipe = redis_clients.get_redis_client().pipeline(transaction=False)
    while time.monotonic() - began < 14:
        for number in range(60):
            pipe.publish(f"progress:v{number}", Progress(percent=number, phase="p" * 64).to_json())
        await asyncio.to_thread(pipe.execute)
        sent_at = time.monotonic()
        await receive_frame(websocket)
        longest_delay = max(longest_delay, time.monotonic() - sent_at)
        await asyncio.sleep(0.1)  # more would be conflated: a batch is sent every 0.2 s
        for client in stalled_clients:
            with contextlib.suppress(OSError):
                client.send(b"\x81\x84\0\0\0\0ping") if time.monotonic() % 1 < 0.2 else None
    assert longest_delay < 1.0
    assert web_process.memory() - memory_before < 8_000_000
    assert all(_is_closed(client) for client in stalled_clients)


def _stalled_client(port: int) -> socket.socket:
    """Return a client that completes the handshake and then never reads, with a small receive buffer."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(
        f"GET /ws/progress HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return client


def _is_closed(client: socket.socket) -> bool:
    client.settimeout(2)
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


# The snapshot over HTTP -----------------------------------------------------------------------------


async def test_it_answers_the_snapshot_over_http_too(web_process, websocket, redis_server):
    await asyncio.to_thread(publisher.publish_progress, "demo", Progress(percent=7))
    await receive_frame(websocket, video_id="demo")
    status, body = await asyncio.to_thread(web_process.get, "/api/progress")
    snapshot = json.loads(body)
    assert (status, snapshot["type"]) == (200, "snapshot")
    assert snapshot.keys() == {"type", "epoch", "seq", "rev", "videos"}
    assert [(video["video_id"], video["percent"]) for video in snapshot["videos"]] == [("demo", 7)]
    redis_server.kill()
    status, _ = await asyncio.to_thread(web_process.get, "/api/progress")
    assert status == 503
    async with connect(web_process.url):  # accepted all the same
        pass


# The command ------------------------------------------------------------------------------------------


def test_it_says_in_one_line_that_its_port_is_taken(run_manage):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        process = run_manage("web", "--port", str(listener.getsockname()[1]))
        assert process.wait(20) == 1
    log_text = process.log.read_text()
    assert "is in use. Choose another: --port" in log_text
    assert "Traceback" not in log_text


def test_it_is_private_where_others_can_reach_it(run_manage, redis_server):
    port = free_port()
    run_manage("web", "--bind", "0.0.0.0", "--port", str(port))

    def status() -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/progress", timeout=5) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    wait_until(status, "the web server answers")
    assert status() == 403

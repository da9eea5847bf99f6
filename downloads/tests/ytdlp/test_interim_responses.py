"""Interim responses before the final one: through the proxy, and in the client where the proxy sees no responses."""

import http.client
import socket
import threading

import pytest
import yt_dlp.networking

from downloads.files import ffmpeg
from downloads.network.proxy import EgressProxy
from downloads.tests.support import odd_answers  # noqa: F401 (its routes)
from downloads.ytdlp import downloader
from downloads.ytdlp.responses import interim
from downloads.ytdlp.resuming_client import ResumingYoutubeDL


@pytest.fixture(autouse=True)
def ytdlp_environment(settings, monkeypatch):
    settings.ALLOW_PRIVATE_HOSTS = True
    monkeypatch.setenv("PATH", ffmpeg.build_search_path())


@pytest.mark.parametrize(
    "path", ["103/clip.mp4", "103/clip.mp4?times=5", "102/clip.mp4", "100/clip.mp4", "199/clip.mp4"]
)
def test_a_download_waits_for_the_final_response(tmp_path, media_server, path):
    with EgressProxy() as proxy:
        probed = downloader.probe_url(media_server.url(f"/interim/{path}"), tmp_path, proxy_url=proxy.url)
        media = downloader.download_files(probed, lambda update: None, threading.Event().set).media
    assert media.read_bytes() == media_server.clip


def test_each_fragment_may_have_them(tmp_path, media_server):
    with EgressProxy() as proxy:
        url = media_server.url("/interim/103/hls/index.m3u8")
        probed = downloader.probe_url(url, tmp_path, proxy_url=proxy.url)
        media = downloader.download_files(probed, lambda update: None, threading.Event().set).media
    assert ffmpeg.validation_error(media) == ""
    assert media_server.count_requests("/interim/103/hls/index5.ts") == 1


def test_the_proxy_closes_the_connection_after_the_final_response(settings, media_server):
    with EgressProxy() as proxy, socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2]))) as client:
        client.sendall(f"GET {media_server.url('/interim/103/thumb.jpg')} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert head.lower().count(b"connection: close") == 1
    assert body == (media_server.folder / "thumb.jpg").read_bytes()


class TestClient:
    """Without a proxy, as in a TLS tunnel, whose responses the proxy cannot read."""

    @pytest.mark.parametrize("times", [1, interim.MAX_INTERIM_RESPONSES])
    @pytest.mark.parametrize("handler", ["Urllib", "Requests"])
    def test_it_waits_for_the_final_response(self, media_server, handler, times):
        with ResumingYoutubeDL({"proxy": ""}) as ydl:
            director = ydl.build_request_director(
                [rh for rh in yt_dlp.networking.common._REQUEST_HANDLERS.values() if handler == rh.RH_KEY]
            )
            response = director.send(
                yt_dlp.networking.Request(media_server.url(f"/interim/103/thumb.jpg?times={times}"))
            )
            assert response.read() == (media_server.folder / "thumb.jpg").read_bytes()

    def test_it_does_not_wait_for_ever(self, media_server):
        connection = http.client.HTTPConnection("127.0.0.1", media_server.server_port, timeout=20)
        connection.request("GET", f"/interim/103/thumb.jpg?times={interim.MAX_INTERIM_RESPONSES + 1}")
        with pytest.raises(http.client.BadStatusLine, match="too many interim responses"):
            connection.getresponse()
        connection.close()

    def test_a_change_of_protocol_is_final(self, media_server):
        connection = http.client.HTTPConnection("127.0.0.1", media_server.server_port, timeout=20)
        connection.request("GET", "/status/101/x")
        assert connection.getresponse().status == 101
        connection.close()

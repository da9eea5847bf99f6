"""A site of the media server whose playlists need more than addresses: data between extractors, Referer, cookies.

Also a live stream that a test ends, and extractors of yt-dlp that a test adds.
"""

from typing import Any

import pytest
from yt_dlp.extractor.common import InfoExtractor

from downloads.tests.support import media_server
from downloads.ytdlp.resuming_client import ResumingYoutubeDL

COOKIE = "session=s3cret-cookie"
ITEM = (
    "<item><title>{title}</title><link>{link}</link><guid>{guid}</guid><description>About {title}</description></item>"
)


class PlaylistSite:
    """What the site has now; a test changes it."""

    def __init__(self) -> None:
        self.token = 0  # of the files of a guarded page; with `expires` only the newest is valid
        self.expires = False
        self.has_ended = False  # the live stream
        self.videos = ["one", "two"]  # on a guarded page
        self.items: list[tuple[str, str, str]] = []  # of the feed: (title, link, guid)
        self.refused: list[str] = []  # paths


SITE = PlaylistSite()


@pytest.fixture
def playlist_site(monkeypatch: pytest.MonkeyPatch) -> PlaylistSite:
    site = PlaylistSite()
    monkeypatch.setattr(f"{__name__}.SITE", site)
    return site


def serve_feed(handler: media_server.MediaHandler) -> None:
    """An RSS feed whose items have a <guid>, for which yt-dlp adds data to the address."""
    items = SITE.items or [(f"Film {n}", handler.server.url(f"/named/{n}.mp4"), f"guid-{n}") for n in range(3)]
    text = "".join(ITEM.format(title=title, link=link, guid=guid) for title, link, guid in items)
    handler.text(
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>Films</title>{text}</channel></rss>',
        "application/rss+xml",
    )


def serve_guarded_page(handler: media_server.MediaHandler) -> None:
    """A page with videos, which sets the cookie that their files need."""
    SITE.token += 1
    videos = "".join(f'<video src="/guarded/file/{name}.mp4?token={SITE.token}"></video>' for name in SITE.videos)
    data = f"<!doctype html><title>Guarded videos</title>{videos}".encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html")
    handler.send_header("Content-Length", str(len(data)))
    handler.send_header("Set-Cookie", f"{COOKIE}; Path=/guarded; HttpOnly")
    handler.end_headers()
    handler.wfile.write(data)


def serve_guarded_file(handler: media_server.MediaHandler) -> None:
    """Send a file to whoever comes from the page with its cookie; 403 to others."""
    has_referer = "/guarded/page" in handler.headers.get("Referer", "")
    has_cookie = COOKIE in handler.headers.get("Cookie", "")
    is_fresh = not SITE.expires or handler.query.get("token") == str(SITE.token)
    if has_referer and has_cookie and is_fresh:
        handler.media(handler.server.clip)
        return
    SITE.refused.append(handler.path)
    handler.send_error_status(403)


def serve_referred_file(handler: media_server.MediaHandler) -> None:
    """Send a file to whoever comes from another page of the site."""
    if handler.headers.get("Referer", "").endswith("/embedding"):
        handler.media(handler.server.clip)
        return
    handler.send_error_status(403)


def serve_live(handler: media_server.MediaHandler) -> None:
    """A live stream: a master playlist, a page with it, and a media playlist without an end until it has ended."""
    name = handler.decoded_path.rpartition("/")[2]
    if name == "master.m3u8":
        stream = "#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=320x240\n/live/index.m3u8\n"
        handler.text(f"#EXTM3U\n{stream}", "application/vnd.apple.mpegurl")
    elif name == "page":
        handler.text('<!doctype html><title>On air</title><video src="/live/index.m3u8"></video>', "text/html")
    else:
        lines = (handler.server.folder / "hls" / "index.m3u8").read_text().replace("index", "/hls/index")
        text = lines if SITE.has_ended else lines.replace("#EXT-X-ENDLIST", "")
        handler.text(text, "application/vnd.apple.mpegurl")


def serve_live_manifest(handler: media_server.MediaHandler) -> None:
    """A live stream of DASH or Smooth Streaming, and a page with the former."""
    name = handler.decoded_path.rpartition("/")[2]
    if name == "page":
        source = '<source src="/livemanifest/index.mpd" type="application/dash+xml">'
        handler.text(f"<!doctype html><title>On air</title><video>{source}</video>", "text/html")
    elif name == "index.mpd":
        representation = '<Representation id="v" bandwidth="1000"><BaseURL>v.mp4</BaseURL></Representation>'
        period = f'<Period><AdaptationSet mimeType="video/mp4">{representation}</AdaptationSet></Period>'
        handler.text(
            f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic">{period}</MPD>', "application/dash+xml"
        )
    else:
        quality = '<QualityLevel Index="0" Bitrate="1000" FourCC="H264" CodecPrivateData="00" MaxWidth="1" />'
        stream = f'<StreamIndex Type="video" Url="q({{bitrate}})/f({{start time}})">{quality}<c d="1"/></StreamIndex>'
        is_live = handler.query["is_live"]
        attributes = f'MajorVersion="2" MinorVersion="0" Duration="0" IsLive="{is_live}"'
        handler.text(f"<SmoothStreamingMedia {attributes}>{stream}</SmoothStreamingMedia>", "text/xml")


media_server.ROUTES |= {
    "/livemanifest/": serve_live_manifest,
    "/guids": serve_feed,
    "/guarded/page": serve_guarded_page,
    "/guarded/file/": serve_guarded_file,
    "/referred/": serve_referred_file,
    "/live/": serve_live,
}


def add_extractor(monkeypatch: pytest.MonkeyPatch, url_pattern: str, extract: Any, key: str = "Local") -> None:
    """Add an extractor to yt-dlp, before all others; `extract(extractor, url)` returns an info dict or raises."""
    members = {"_VALID_URL": url_pattern, "IE_NAME": key.lower(), "_real_extract": extract}
    extractor_class: Any = type(f"{key}IE", (InfoExtractor,), members)
    initialize = ResumingYoutubeDL.__init__

    def initialize_with_extractor(ydl: Any, params: dict[str, Any]) -> None:
        initialize(ydl, params)
        extractor = extractor_class(ydl)
        ydl._ies = {key: extractor, **ydl._ies}
        ydl._ies_instances[key] = extractor

    monkeypatch.setattr(ResumingYoutubeDL, "__init__", initialize_with_extractor)

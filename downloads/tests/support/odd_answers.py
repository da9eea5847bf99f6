"""Unusual answers of the media server: interim responses, any status, and pages that break an extractor."""

from downloads.tests.support import media_server


def send_interim_responses(handler: media_server.MediaHandler) -> None:
    """Send `/interim/<status>/…` as often as `times` says before the clip, or before the HLS playlist and segments."""
    status, _, path = handler.decoded_path.split("/", 2)[2].partition("/")
    head = f"HTTP/1.1 {status} Early Hints\r\nLink: </thumb.jpg>; rel=preload\r\n\r\n".encode()
    handler.wfile.write(head * int(handler.query.get("times", "1")))
    handler.decoded_path = f"/{path}"
    handler.file()


def send_status(handler: media_server.MediaHandler) -> None:
    """Answer `/status/<code>/…` with that status."""
    status = int(handler.decoded_path.split("/")[2])
    handler.send_response(status, "Odd")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def redirect_in_circles(handler: media_server.MediaHandler) -> None:
    handler.query["to"] = handler.path
    handler.redirect()


def send_bad_manifest(handler: media_server.MediaHandler) -> None:
    """A DASH manifest without what the standard demands of it, on which yt-dlp raises KeyError."""
    representation = '<Representation id="0" bandwidth="1"><BaseURL>a.mp4</BaseURL></Representation>'
    adaptation_set = f"<AdaptationSet>{representation}</AdaptationSet>"
    handler.text(
        f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>{adaptation_set}</Period></MPD>', "application/dash+xml"
    )


def send_bad_playlist(handler: media_server.MediaHandler) -> None:
    """An HLS playlist with a duration that is no number, on which yt-dlp raises ValueError."""
    handler.text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:two seconds,\n/hls/index0.ts\n#EXT-X-ENDLIST\n",
        "application/vnd.apple.mpegurl",
    )


media_server.ROUTES |= {
    "/interim/": send_interim_responses,
    "/status/": send_status,
    "/circle/": redirect_in_circles,
    "/badmanifest": send_bad_manifest,
    "/badplaylist": send_bad_playlist,
}

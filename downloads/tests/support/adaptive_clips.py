"""Clips for adaptive streaming whose segments are byte ranges of one file, and servers that answer ranges badly."""

import re
from pathlib import Path

from Cryptodome.Cipher import AES
from Cryptodome.Util.Padding import pad

from downloads.tests.support import clips, media_server

SECONDS = 12
SEGMENT_SECONDS = 2
FRAMES = 25 * SECONDS
KEY = bytes(range(16))
# A quarter of the pixels of other clips: its pictures are decoded for each test.
VIDEO_SOURCE = ["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25"]
SEGMENT_LIST_PATTERN = re.compile(r"<SegmentList.*?</SegmentList>", re.S)
HLS = ["-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_playlist_type", "vod", "-hls_flags", "single_file"]
DASH = ["-f", "dash", "-seg_duration", str(SEGMENT_SECONDS)]
FOLDERS = ("files", "ts", "fmp4", "encrypted", "dash", "dash_files", "ism")
SMOOTH_STREAMING = ["-f", "smoothstreaming", "-min_frag_duration", "2000000"]


def make_clips(folder: Path) -> Path:
    """Make a clip of 12 seconds in 6 segments: HLS as TS, as fMP4 and encrypted; DASH as single files and as many."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    clip = folder / "clip.mp4"
    video = clips.H264 if clips.has_h264() else clips.MPEG4
    clips.run_ffmpeg(*VIDEO_SOURCE, *clips.AUDIO_SOURCE, "-t", str(SECONDS), *video, "-bf", "0", *clips.AAC, clip)
    copy = ["-i", clip, "-c", "copy"]
    clips.run_ffmpeg(*copy, *HLS, folder / "ts" / "index.m3u8")
    clips.run_ffmpeg(*copy, *HLS[:-2], folder / "files" / "index.m3u8")
    clips.run_ffmpeg(*copy, *HLS, "-hls_segment_type", "fmp4", folder / "fmp4" / "index.m3u8")
    (folder / "encrypted" / "key").write_bytes(KEY)
    (folder / "key_info").write_text(f"key\n{folder / 'encrypted' / 'key'}\n")
    clips.run_ffmpeg(*copy, *HLS, "-hls_key_info_file", folder / "key_info", folder / "encrypted" / "index.m3u8")
    clips.run_ffmpeg("-i", clip, "-map", "0", "-c", "copy", *DASH, "-single_file", "1", folder / "dash" / "index.mpd")
    clips.run_ffmpeg("-i", clip, "-map", "0", "-c", "copy", *DASH, folder / "dash_files" / "index.mpd")
    if clips.has_h264():  # the only video that yt-dlp knows in it
        length = ["-t", str(SECONDS)]
        clips.run_ffmpeg(*VIDEO_SOURCE, *length, *clips.H264, "-bf", "0", *SMOOTH_STREAMING, folder / "ism" / "a")
    encrypt_by_number(folder / "ts", folder / "numbered")
    return folder


def without_offsets(playlist: str) -> str:
    """Return a playlist whose byte ranges continue the ones before."""
    return re.sub(r"(#EXT-X-BYTERANGE:\d+)@\d+", r"\1", playlist)


def as_segment_base(manifest: str) -> str:
    """Return a manifest that names the whole files, whose indexes list the segments."""
    segment_base = '<SegmentBase indexRange="825-900"><Initialization range="0-824"/></SegmentBase>'
    return SEGMENT_LIST_PATTERN.sub(segment_base, manifest)


def with_media_urls(manifest: str) -> str:
    """Return a manifest whose segments have the address of the file, and not only their representation."""

    def name_file(match: re.Match[str]) -> str:
        url = match[1]
        text = match[0].replace(f"<BaseURL>{url}</BaseURL>", "").replace("<SegmentURL ", f'<SegmentURL media="{url}" ')
        return text.replace("<Initialization ", f'<Initialization sourceURL="{url}" ')

    return re.sub(r"<Representation.*?<BaseURL>(.*?)</BaseURL>.*?</Representation>", name_file, manifest, flags=re.S)


def in_periods(manifest: str) -> str:
    """Return a manifest with the first and the last half of the segments in periods of their own."""

    def half(*, is_first: bool) -> str:
        def keep(match: re.Match[str]) -> str:
            segments = re.findall(r"<SegmentURL[^>]*/>", match[0])
            kept = segments[: len(segments) // 2] if is_first else segments[len(segments) // 2 :]
            head = match[0].partition("<SegmentURL")[0]
            return f"{head}{''.join(kept)}</SegmentList>"

        number, start = (0, 0) if is_first else (1, SECONDS // 2)
        attributes = f'<Period id="{number}" start="PT{start}S" duration="PT{SECONDS // 2}S">'
        return re.sub(r"<Period[^>]*>", attributes, SEGMENT_LIST_PATTERN.sub(keep, period))

    period = re.findall(r"<Period.*</Period>", manifest, re.S)[0]
    return manifest.replace(period, half(is_first=True) + half(is_first=False))


def encrypt_by_number(source: Path, folder: Path) -> None:
    """Encrypt the segments of a playlist, each with its number as IV, which the new playlist leaves out."""
    folder.mkdir()
    (folder / "key").write_bytes(KEY)
    head, *segments = (source / "index.m3u8").read_text().split("#EXTINF")
    data, encrypted, playlist = (source / "index.ts").read_bytes(), b"", head + '#EXT-X-KEY:METHOD=AES-128,URI="key"\n'
    for number, segment in enumerate(segments):
        length, start = map(int, re.findall(r"BYTERANGE:(\d+)@(\d+)", segment)[0])
        cipher = AES.new(KEY, AES.MODE_CBC, iv=number.to_bytes(16, "big"))
        part = cipher.encrypt(pad(data[start : start + length], 16))
        playlist += "#EXTINF" + segment.replace(f"{length}@{start}", f"{len(part)}@{len(encrypted)}")
        encrypted += part
    (folder / "index.ts").write_bytes(encrypted)
    (folder / "index.m3u8").write_text(playlist)


def send_whole_file(handler: media_server.MediaHandler) -> None:
    """Send the whole file, as a server does that knows no ranges."""
    path = _path(handler)
    handler.send_response(200)
    handler.send_header("Content-Type", media_server.CONTENT_TYPES.get(path.suffix, "application/octet-stream"))
    data = path.read_bytes()
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def send_other_range(handler: media_server.MediaHandler) -> None:
    """Send bytes that begin 100 later than requested."""
    _send_range(handler, shift=100)


def send_wider_range(handler: media_server.MediaHandler) -> None:
    """Send more than was requested, on both sides, as a cache does that keeps blocks."""
    _send_range(handler, shift=0, margin=1000)


def send_without_content_range(handler: media_server.MediaHandler) -> None:
    _send_range(handler, shift=0, has_content_range=False)


def send_cut_off(handler: media_server.MediaHandler) -> None:
    """Disconnect in the middle of each range, the first time."""
    first_time = sum(entry[1:] == (handler.path, handler.headers.get("Range", "")) for entry in _ranges(handler)) == 1
    data_sent = (lambda data: handler.wfile.write(data[: len(data) // 2]) and None) if first_time else None
    path = _path(handler)
    handler.media(path.read_bytes(), path.suffix, data_sent if handler.headers.get("Range") else None)


def send_page_for_third(handler: media_server.MediaHandler) -> None:
    """Send a page in the place of the third segment, as a site does whose token has expired."""
    path = _path(handler)
    if path.name == "index2.ts":
        handler.text("<!doctype html>\n<title>Sign in again</title>" + " " * 1000, "text/html; charset=utf-8")
    else:
        handler.media(path.read_bytes(), path.suffix)


def send_as_page(handler: media_server.MediaHandler) -> None:
    """Send the segments as pages, as a site does that hides them."""
    path = _path(handler)
    data = path.read_bytes()
    handler.send_response(200)
    is_playlist = path.suffix == ".m3u8"
    handler.send_header("Content-Type", media_server.CONTENT_TYPES[".m3u8"] if is_playlist else "text/html")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def send_replaced_file(handler: media_server.MediaHandler) -> None:
    """Send ranges of a file that is larger by some bytes from the fourth on."""
    number = len(_ranges(handler))
    path = _path(handler)
    data = path.read_bytes()
    handler.media(data + b"\xff" * 188 if number > 3 else data, path.suffix)


def _ranges(handler: media_server.MediaHandler) -> list[tuple[str, str, str]]:
    return [entry for entry in handler.server.requests if entry[2]]


def _path(handler: media_server.MediaHandler) -> Path:
    return handler.server.folder / "adaptive" / handler.decoded_path.split("/", 2)[2]


def _send_range(
    handler: media_server.MediaHandler, shift: int, margin: int = 0, *, has_content_range: bool = True
) -> None:
    path = _path(handler)
    data = path.read_bytes()
    if not handler.headers.get("Range"):
        handler.media(data, path.suffix)
        return
    first, last = handler.requested_range(len(data))
    first, last = max(0, first + shift - margin), min(len(data) - 1, last + shift + margin)
    handler.send_response(206)
    handler.send_header("Content-Length", str(last + 1 - first))
    if has_content_range:
        handler.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
    handler.end_headers()
    handler.wfile.write(data[first : last + 1])


media_server.ROUTES |= {
    "/norange/": send_whole_file,
    "/otherrange/": send_other_range,
    "/widerange/": send_wider_range,
    "/unsaidrange/": send_without_content_range,
    "/cutrange/": send_cut_off,
    "/thirdpage/": send_page_for_third,
    "/hidden/": send_as_page,
    "/replaced/": send_replaced_file,
}

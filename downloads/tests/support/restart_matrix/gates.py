"""Gates that keep a download in a phase until a test opens them: in the media server, and in front of ffmpeg."""

import os
import shlex
import threading
from pathlib import Path

import imageio_ffmpeg

from downloads.tests.support import media_server
from downloads.tests.support.clips import unique_clip
from downloads.tests.support.waiting import wait_until

LOOKING_UP, DOWNLOADING, MERGING, FILING = "looking up", "downloading", "merging", "filing"
GATE_TIMEOUT_SECONDS = 180.0
SLOW_READ_RATE = "0.6"  # of the clip's own speed: ffmpeg takes ten seconds for its six
# Waits at a FIFO, which opens as soon as somebody has it open for writing; then becomes the real ffmpeg.
WRAPPER = """#!/bin/sh
case "$*" in
  *"-map 1:a:0"*) phase=merging ;;
  *"-f null"*) phase=filing ;;
  *) exec {ffmpeg} "$@" ;;
esac
echo $$ >> {folder}/$phase.arrivals
[ -e {folder}/$phase.slow ] && exec {ffmpeg} -readrate {rate} "$@"
: < {folder}/$phase.fifo
exec {ffmpeg} "$@"
"""


class SiteGates:
    """Responses of the media server at /gated/<name>.mp4 that wait, and the bytes of these files."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._closed: dict[str, str] = {}  # phase by name
        self._arrivals: set[tuple[str, str]] = set()  # (name, phase)

    def close(self, name: str, phase: str) -> None:
        """Keep the download of a file in this phase, and let it pass all others."""
        with self._changed:
            self._closed[name] = phase
            self._changed.notify_all()

    def open_all(self) -> None:
        """Let all downloads go on, those that come later too."""
        with self._changed:
            self._closed.clear()
            self._changed.notify_all()

    def pass_through(self, name: str, phase: str) -> None:
        """Return once the gate is open."""
        with self._changed:
            if self._closed.get(name) == phase:
                self._arrivals.add((name, phase))
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closed.get(name) != phase, GATE_TIMEOUT_SECONDS)

    def wait_for_arrival(self, name: str, phase: str, seconds: float) -> None:
        """Wait until the download of a file has come to its closed gate."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: (name, phase) in self._arrivals, seconds)
        assert arrived, f"{name} did not come to its gate"


SITE = SiteGates()


def file_bytes(clip: bytes, name: str) -> bytes:
    """Return the content of /gated/<name>.mp4: the clip and a number."""
    return unique_clip(clip, int(name))


def serve_gated(handler: media_server.MediaHandler) -> None:
    """Serve a file of its own number; wait before the first byte or in the middle, if its gate is closed."""
    name = Path(handler.decoded_path).stem
    data = file_bytes(handler.server.clip, name)
    SITE.pass_through(name, LOOKING_UP)
    middle = len(data) // 2

    def send(part: bytes) -> None:
        split = max(0, middle - (handler.requested_range(len(data))[0]))
        handler.wfile.write(part[:split])
        handler.wfile.flush()
        # The look-up disconnects before it has got so far.
        SITE.pass_through(name, DOWNLOADING)
        handler.wfile.write(part[split:])

    handler.media(data, ".mp4", send)


media_server.ROUTES["/gated/"] = serve_gated


class FfmpegGates:
    """An ffmpeg for PATH that waits before it merges or checks a file, unless its gate is open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open_fifos: dict[str, int] = {}
        folder.mkdir(parents=True)
        for phase in (MERGING, FILING):
            os.mkfifo(folder / f"{phase}.fifo")
        script = folder / "ffmpeg"
        real = shlex.quote(imageio_ffmpeg.get_ffmpeg_exe())
        script.write_text(WRAPPER.format(ffmpeg=real, folder=shlex.quote(str(folder)), rate=SLOW_READ_RATE))
        script.chmod(0o755)
        self.open_all()

    @property
    def search_path(self) -> str:
        """A PATH on which this ffmpeg comes first."""
        return f"{self.folder}:{os.environ['PATH']}"

    def close(self, phase: str, *, is_slow: bool = False) -> None:
        """Keep ffmpeg from beginning a phase; with `is_slow` it begins, and takes its time."""
        (self.folder / f"{phase}.arrivals").unlink(missing_ok=True)
        if is_slow:
            (self.folder / f"{phase}.slow").touch()
        elif phase in self._open_fifos:
            os.close(self._open_fifos.pop(phase))

    def open_all(self) -> None:
        """Let all go on, those that come later too."""
        for phase in (MERGING, FILING):
            (self.folder / f"{phase}.slow").unlink(missing_ok=True)
            if phase not in self._open_fifos:
                # For reading too: for writing alone, it would wait for a reader.
                self._open_fifos[phase] = os.open(self.folder / f"{phase}.fifo", os.O_RDWR)

    def arrivals(self, phase: str) -> list[int]:
        """Return the pids of the ffmpegs that came to a closed gate, or began slowly, in this order."""
        file = self.folder / f"{phase}.arrivals"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def wait_for_arrival(self, phase: str, seconds: float) -> None:
        """Wait until an ffmpeg has come to the gate of a phase."""
        wait_until(lambda: self.arrivals(phase), f"ffmpeg comes to {phase}", within=seconds)

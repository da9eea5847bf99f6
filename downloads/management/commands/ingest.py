"""`manage.py ingest URL… [--wait]`: adds videos from the shell."""

import argparse
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand

from downloads.intake import submit
from downloads.models import SUBTITLE_LANGUAGES_PATTERN, Quality, Status, Video
from downloads.progress import message, publisher

WAIT_POLL_SECONDS = 0.3  # seconds
BAR_WIDTH = 30  # characters


def _parse_languages(text: str) -> str:
    if text and not SUBTITLE_LANGUAGES_PATTERN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of language codes, such as en,de,pt-BR")
    return text


class Command(BaseCommand):
    help = "Add videos to the queue; `<video_id> <status>` for each on standard output, reasons on standard error."
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("urls", nargs="+", metavar="URL")
        parser.add_argument("--wait", action="store_true", help="show progress until they end")
        parser.add_argument("--quality", choices=Quality.values, default=Quality.BEST)
        parser.add_argument("--subtitles", default="", type=_parse_languages, metavar="en,de", help="languages to keep")

    def handle(self, *args: Any, urls: list[str], wait: bool, quality: str, subtitles: str, **options: Any) -> None:
        taken, refusals = submit.submit(urls, quality=quality, subtitles=subtitles)
        for refusal in refusals:
            self.stderr.write(f"{refusal.line}: {refusal.reason}")
        known = [refusal.video for refusal in refusals if refusal.video]
        self._print_statuses(known)
        count = len(taken)
        if wait:
            taken = self._wait_until_ended(taken)
        self._print_statuses(taken)
        failed = [video for video in taken if wait and video.status != Status.COMPLETE]
        for video in failed:
            self.stderr.write(f"{video.url}: {video.error or video.get_status_display()}")
        if refusals or failed or len(taken) < count:
            sys.exit(1)

    def _print_statuses(self, videos: list[Video]) -> None:
        for video in videos:
            self.stdout.write(f"{video.video_id} {video.status}")

    def _wait_until_ended(self, videos: list[Video]) -> list[Video]:
        """Show a bar for each video until all have ended; return them as they ended."""
        show = _ProgressBars(self.stderr)
        order = [video.pk for video in videos]
        while True:
            found = Video.objects.in_bulk(order)
            rows = [found[pk] for pk in order if pk in found]
            _apply_latest_progress([video for video in rows if video.is_active])
            show.draw(rows)
            if all(video.is_terminal for video in rows):
                return rows
            time.sleep(WAIT_POLL_SECONDS)


def _apply_latest_progress(videos: list[Video]) -> None:
    """Put in what the pages are told five times a second, where the row is behind: its worker writes every 5 s."""
    news = publisher.latest([video.video_id for video in videos])
    for video in videos:
        found = news.get(video.video_id, message.Progress())
        if found.attempt != video.attempt or not isinstance(found.percent, float):
            continue
        # A bridge that died leaves what was true then.
        if found.percent >= (video.percent or 0.0):
            video.percent = found.percent
            video.phase = found.phase if isinstance(found.phase, str) else video.phase


class _ProgressBars:
    """A line per video, drawn over in a terminal; elsewhere a line for each change."""

    def __init__(self, out: Any) -> None:
        self.out = out
        self.drawn_lines: list[str] = []

    def draw(self, videos: list[Video]) -> None:
        lines = [_bar_line(video) for video in videos]
        if self.out.isatty():
            if self.drawn_lines:
                self.out.write(f"\x1b[{len(self.drawn_lines)}A", ending="")
            for line in lines:
                self.out.write(f"\x1b[2K{line}")
        else:
            for line in lines:
                if line not in self.drawn_lines:
                    self.out.write(line)
        self.drawn_lines = lines


def _bar_line(video: Video) -> str:
    percent = video.percent or 0.0
    full = round(percent / 100 * BAR_WIDTH)
    number = "     ?" if video.percent is None else f"{percent:5.1f}%"
    state = video.phase if video.is_active and video.phase else video.status
    return f"[{'#' * full}{'.' * (BAR_WIDTH - full)}] {number} {state:<12} {_printable_text(video.name)[:60]}"


def _printable_text(text: str) -> str:
    """Return a title that cannot move a terminal's cursor."""
    return "".join(char if char.isprintable() else " " for char in text)

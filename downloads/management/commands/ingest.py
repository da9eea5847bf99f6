"""`manage.py ingest URL… [--wait]`: adds videos from the shell."""

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Any

from downloads.database.command import DatabaseCommand
from downloads.formatting import printable_text
from downloads.intake import submit
from downloads.intake.pasted_text import split_lines
from downloads.intake.rejections import Rejection, group_by_reason
from downloads.library.status_phrase import status_phrase
from downloads.models import Quality, Status, Video
from downloads.models.audit.actor import SHELL, acting_as
from downloads.progress import message, publisher
from downloads.subtitles.languages import parse_languages

STANDARD_INPUT = "-"
WAIT_POLL_SECONDS = 0.3
BAR_CHARACTERS = 30


def _parse_languages(text: str) -> str:
    try:
        return ",".join(parse_languages(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{str(error)!r} is not a language. Use codes or names, such as en,pt-BR"
        ) from error


def _read_lines(arguments: list[str]) -> Iterator[str]:
    """Yield the lines of the arguments, and those of standard input in place of "-"."""
    for argument in arguments:
        yield from split_lines(sys.stdin.read() if argument == STANDARD_INPUT else argument)


class Command(DatabaseCommand):
    help = (
        "Adds videos to the queue. Prints `<video_id> <status>` for each on standard output, reasons on standard error;"
        " exits with 1 if a line was refused (also one that is in the archive already) or, with --wait, failed."
    )
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("urls", nargs="+", metavar="URL", help=f"{STANDARD_INPUT}: lines of standard input")
        parser.add_argument("--wait", action="store_true", help="show progress until all have finished")
        parser.add_argument("--quality", choices=Quality.values, default=Quality.BEST)
        parser.add_argument("--subtitles", default="", type=_parse_languages, metavar="en,de", help="languages to keep")

    def handle(self, *args: Any, urls: list[str], wait: bool, quality: str, subtitles: str, **options: Any) -> None:
        with acting_as(SHELL):
            added, rejections = submit.submit(_read_lines(urls), quality=quality, subtitles=subtitles)
        self._print_rejections(rejections)
        self._print_statuses([rejection.video for rejection in rejections if rejection.video])
        videos = self._wait_until_ended(added) if wait else added
        self._print_statuses(videos)
        failed = [video for video in videos if wait and video.status != Status.COMPLETE]
        for video in failed:
            self.stderr.write(printable_text(f"{video.url}: {video.error or video.get_status_display()}"))
        # Fewer than were added: some were deleted during the wait.
        if rejections or failed or len(videos) < len(added):
            sys.exit(1)

    def _print_rejections(self, rejections: list[Rejection]) -> None:
        for group in group_by_reason(rejections):
            if group.is_long:
                self.stderr.write(printable_text(group.summary))
            for rejection in group.rejections:
                hint = f" Perhaps {rejection.suggestion}?" if rejection.suggestion else ""
                line = f"  {rejection.line}" if group.is_long else f"{rejection.line}: {rejection.reason}"
                self.stderr.write(printable_text(line + hint))

    def _print_statuses(self, videos: list[Video]) -> None:
        for video in videos:
            self.stdout.write(f"{video.video_id} {video.status}")

    def _wait_until_ended(self, videos: list[Video]) -> list[Video]:
        """Show progress bars until all videos have ended; return them as they ended, without deleted ones."""
        progress_bars = _ProgressBars(self.stderr)
        pks = [video.pk for video in videos]
        while True:
            rows_by_pk = Video.objects.in_bulk(pks)
            rows = [rows_by_pk[pk] for pk in pks if pk in rows_by_pk]
            _apply_latest_progress([video for video in rows if video.is_active])
            progress_bars.draw(rows)
            if all(video.is_terminal for video in rows):
                return rows
            time.sleep(WAIT_POLL_SECONDS)


def _apply_latest_progress(videos: list[Video]) -> None:
    """Update the videos from the snapshot in Redis, five times a second; their worker writes the row every 5 s."""
    snapshot = publisher.latest([video.video_id for video in videos])
    for video in videos:
        progress = snapshot.get(video.video_id, message.Progress())
        if progress.attempt != video.attempt or not isinstance(progress.percent, float):
            continue
        # The snapshot of a bridge that died may be older than the row.
        if progress.percent >= (video.percent or 0.0):
            video.percent = progress.percent
            video.phase = progress.phase if isinstance(progress.phase, str) else video.phase


class _ProgressBars:
    """One line per video, redrawn in place in a terminal; elsewhere one line per change."""

    def __init__(self, out: Any) -> None:
        self.out = out
        self.drawn_lines: list[str] = []

    def draw(self, videos: list[Video]) -> None:
        """Draw all bars, or print those that changed."""
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
    filled = round(percent / 100 * BAR_CHARACTERS)
    percent_text = "     ?" if video.percent is None else f"{percent:5.1f}%"
    state = status_phrase(video) if video.is_active else video.get_status_display()
    bar = "#" * filled + "." * (BAR_CHARACTERS - filled)
    return f"[{bar}] {percent_text} {state:<17} {printable_text(video.wait_message or video.name[:60])}"

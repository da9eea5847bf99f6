"""Sites with lists that grow, fail and refuse, in simulated time: for the soak of checks.

What replaces `list_entries` reads them by pages, through the gate of the check, as yt-dlp does.
"""

import dataclasses
import datetime as dt
import random
from collections.abc import Callable
from urllib.parse import urlsplit

from downloads.ytdlp.results import DownloadError, Listing, ListingEntry, SiteError

PAGE_SIZE = 30
START = dt.datetime(2026, 3, 28, 12, 0, tzinfo=dt.UTC)  # Europe sets its clocks forward within the day


class WorkerKilled(BaseException):
    """The process of the check is gone, at any moment."""


@dataclasses.dataclass
class SimulatedTime:
    """The time of the simulation, and what happens while it passes."""

    now: dt.datetime = START
    on_pass: Callable[[], object] = lambda: None

    def clock(self) -> float:
        return (self.now - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)
        self.on_pass()


@dataclasses.dataclass
class SimulatedList:
    """One list: of a channel the newest first, of a playlist the newest last."""

    url: str
    is_channel: bool
    ids: list[str] = dataclasses.field(default_factory=list)  # in the order of publication
    old_count: int = 0  # how many of them were there before somebody followed it

    def listed(self) -> list[str]:
        return self.ids[::-1] if self.is_channel else list(self.ids)


class SimulatedSites:
    """All lists by their URLs, the requests that came, and the pauses that were asked for."""

    def __init__(self, time: SimulatedTime, seed: int) -> None:
        self.time = time
        self.random = random.Random(seed)
        self.lists: dict[str, SimulatedList] = {}
        self.requests: dict[str, list[dt.datetime]] = {}
        self.pauses: dict[str, list[tuple[dt.datetime, dt.datetime]]] = {}
        self.failure_rate = 0.0
        self.kill_rate = 0.0
        self._count = 0

    def publish(self, target: SimulatedList, count: int = 1, *others: SimulatedList) -> None:
        """Add videos to a list, and to others that have the same ones."""
        for _ in range(count):
            self._count += 1
            for one in (target, *others):
                one.ids.append(f"v{self._count}")

    def list_entries(
        self,
        url: str,
        *,
        proxy_url: str,
        first: int,
        last: int,
        tab: str = "",
        before_request: Callable[[str], None] = lambda url: None,
    ) -> Listing:
        simulated = self.lists[url]
        videos = simulated.listed()
        # A site is asked for all pages up to the range.
        for _ in range(0, max(1, min(last, len(videos))), PAGE_SIZE):
            before_request(url)
            if not self._receive_request(url):
                videos = []
                break
        names = videos[first - 1 : last]
        return Listing(
            [self._entry(name, url, place, tab) for place, name in enumerate(names, first)],
            title=url,
            extractor="Simulated",
            source_id=url,
            is_channel=simulated.is_channel,
            total=len(videos),
        )

    @staticmethod
    def _entry(name: str, url: str, place: int, tab: str) -> ListingEntry:
        address = f"https://{urlsplit(url).hostname}/watch/{name}"
        return ListingEntry(address, "Simulated", name, f"Film {name}", 60.0, position=place, tab=tab)

    def _receive_request(self, url: str) -> bool:
        """Answer a request; False for an answer without a video, raise for a failure that says so."""
        site = urlsplit(url).hostname or ""
        self.requests.setdefault(site, []).append(self.time.now)
        if self.random.random() < self.kill_rate:
            raise WorkerKilled
        if self.random.random() >= self.failure_rate:
            return True
        kind = self.random.choice(["busy", "busy for", "missing", "broken", "empty", "bug"])
        if kind.startswith("busy"):
            wait = dt.timedelta(seconds=self.random.randint(60, 3600)) if kind == "busy for" else None
            self.pauses.setdefault(site, []).append((self.time.now, self.time.now + (wait or dt.timedelta(minutes=15))))
            raise SiteError("Too many requests (429).", False, status=429, asks_for_pause=True, retry_after=wait)
        if kind == "missing":
            raise SiteError("Not found (404).", True, status=404)
        if kind == "bug":
            raise ZeroDivisionError
        if kind == "empty":
            return False
        raise DownloadError("The site has a problem (503).", False)

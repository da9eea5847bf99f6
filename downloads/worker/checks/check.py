"""One check of a subscription: its list is read, and compared with the ledger. Runs in a process of its own."""

import dataclasses
import logging
from collections.abc import Callable
from typing import TypeVar

from downloads.database import retry_while_database_is_down
from downloads.intake import urls
from downloads.models import ListKind, Subscription
from downloads.subscriptions import items, ledger, outcomes
from downloads.subscriptions.outcomes import Failure
from downloads.subscriptions.patterns import InvalidPattern
from downloads.subscriptions.walks import NEWEST_COUNT, Walk, plan_walks
from downloads.worker.checks.request_gate import RequestGate
from downloads.worker.leased_video import LeaseLost
from downloads.ytdlp.playlists import listing
from downloads.ytdlp.results import DownloadError, Listing, SiteError

logger = logging.getLogger(__name__)
T = TypeVar("T")

UNEXPECTED_ERROR_MESSAGE = "Something went wrong in ytarchive while it checked this list; the log says more."
NOT_FOUND_MESSAGE = "Not found. The list was removed, or the link is wrong."
NOT_FOUND_STATUSES = (404, 410)
NO_LONGER_THERE = "This video is no longer available"  # the words for a list as well, where a site says so in words


@dataclasses.dataclass
class Report:
    """Result of a check, for who started it: how many were listed and queued, and the error in words."""

    listed: int = 0
    queued: int = 0
    error: str = ""


def run_check(
    subscription: Subscription,
    *,
    proxy_url: str,
    gate: RequestGate,
    is_dry_run: bool = False,
    on_report: Callable[[Report], None] = lambda report: None,
) -> None:
    """Check a claimed subscription; every outcome, errors included, is written to its row, then told to `on_report`.

    A dry run writes nothing but that it has ended.
    """
    check = Check(subscription, proxy_url, gate, is_dry_run=is_dry_run)
    try:
        check.run()
    except LeaseLost:
        logger.info("%s: lease lost, check abandoned", subscription)
        return
    except Exception as error:
        kind = _failure_kind(error)
        check.report.error = _failure_message(subscription, error)
        retry_after = error.retry_after if isinstance(error, SiteError) else None
        if not is_dry_run:
            message = check.report.error
            retry_while_database_is_down(
                lambda: outcomes.fail(subscription, message, kind, retry_after, check.outcomes)
            )
    else:
        if not is_dry_run:
            retry_while_database_is_down(lambda: outcomes.succeed(subscription, check.outcomes))
    on_report(check.report)


def _failure_kind(error: Exception) -> Failure:
    if isinstance(error, SiteError):
        if error.asks_for_pause or error.status == 403:
            return Failure.REFUSED
        is_gone = error.status in NOT_FOUND_STATUSES or str(error).startswith(NO_LONGER_THERE)
        return Failure.NOT_FOUND if is_gone else Failure.OTHER
    kinds = {
        ledger.EmptyListing: Failure.EMPTY,
        ledger.SameList: Failure.SAME_LIST,
        InvalidPattern: Failure.BROKEN_FILTER,
    }
    return kinds.get(type(error), Failure.OTHER)


def _failure_message(subscription: Subscription, error: Exception) -> str:
    """Return the sentence for people; the traceback of a bug goes to the log only."""
    if _failure_kind(error) is Failure.NOT_FOUND:
        return NOT_FOUND_MESSAGE
    if isinstance(error, DownloadError):
        logger.info("%s: the check failed: %s", subscription, error)
        # The sentences are made for videos.
        return str(error).replace("This video", "This list").replace("The video", "The list").partition("\n")[0]
    if _failure_kind(error) is not Failure.OTHER:
        return str(error)
    logger.error("%s: the check failed because of a bug", subscription, exc_info=error)
    return UNEXPECTED_ERROR_MESSAGE


class Check:
    """The sequence of a check: the list's identity, then each walk, then what waited until now."""

    def __init__(self, subscription: Subscription, proxy_url: str, gate: RequestGate, *, is_dry_run: bool) -> None:
        self.subscription = subscription
        self.outcomes: list[ledger.Outcome] = []
        self.report = Report()
        self._proxy_url = proxy_url
        self._gate = gate
        subscription.is_dry_run = is_dry_run
        self._first_listings: dict[str, Listing] = {}  # by tab
        self._errors: dict[str, Exception] = {}  # by tab

    def run(self) -> None:
        """Read and compare; raise DownloadError, InvalidPattern, EmptyListing, SameList or LeaseLost.

        What fails in one tab alone is raised after the others were read.
        """
        self._finish_rejudging()
        # The extractor is empty if the channel had none of the chosen tabs.
        if self.subscription.kind == ListKind.UNKNOWN or not self.subscription.extractor:
            self._identify()
        listed: set[tuple[str, int]] = set()
        for walk in plan_walks(self.subscription):
            place = (listing.build_tab_url(self.subscription.url, walk.tab), walk.first)
            if place not in listed:  # a site without tabs has one list for all of them
                listed.add(place)
                self._try_walk(walk)
        self._finish_rejudging()  # filters may have been changed meanwhile
        if self.outcomes or not self._errors:
            self._count(self._write(lambda: ledger.apply_due(self.subscription)))
        for error in self._errors.values():
            raise error

    def _finish_rejudging(self) -> None:
        """Apply filters that were changed, group by group; a dry run would only forget them."""
        if not self.subscription.is_dry_run:
            self._write(lambda: items.finish_rejudging(self.subscription))

    def _identify(self) -> None:
        """Read the newest of a list that was never read, of the first of its tabs that is there; keep what it is."""
        for tab in self.subscription.tab_names:
            newest = self._first_listings[tab] = self._read(tab, 1, NEWEST_COUNT)
            if not newest.is_missing:
                break
        if not self._write(lambda: ledger.save_identity(self.subscription, newest)):
            raise LeaseLost
        if self.subscription.kind == ListKind.PLAYLIST:
            self._first_listings = {"": newest}

    def _try_walk(self, walk: Walk) -> None:
        """Walk, unless the tab has failed before; raise what concerns the whole site or list."""
        if walk.tab in self._errors:
            return
        try:
            self._walk(walk)
        except (DownloadError, ledger.EmptyListing) as error:
            if _failure_kind(error) in (Failure.REFUSED, Failure.NOT_FOUND):
                raise
            self._errors[walk.tab] = error

    def _walk(self, walk: Walk) -> None:
        listed = self._reuse(walk) or self._read(walk.tab, walk.first, walk.last)
        if listed.is_missing:
            self._count(self._write(lambda: ledger.note_missing(self.subscription, walk.tab)))
        else:
            entries = [dataclasses.replace(entry, tab=walk.tab) for entry in listed.entries]
            self._count(self._write(lambda: ledger.apply(self.subscription, walk, entries)))

    def _reuse(self, walk: Walk) -> Listing | None:
        """Return the listing of a walk if the list was read for its identity just now; else None."""
        newest = self._first_listings.pop(walk.tab, None)
        if newest is None or walk.first != 1:
            return None
        is_whole = newest.total is not None and newest.total <= NEWEST_COUNT
        return newest if walk.last == NEWEST_COUNT or is_whole else None

    def _read(self, tab: str, first: int, last: int) -> Listing:
        return listing.list_entries(
            urls.with_ascii_host(self.subscription.url),
            proxy_url=self._proxy_url,
            first=first,
            last=last,
            tab=tab,
            before_request=self._gate.wait,
        )

    def _write(self, write: Callable[[], T]) -> T:
        """Call `write` until the database takes it; each transaction of a dry run takes itself back."""
        return retry_while_database_is_down(write)

    def _count(self, outcome: ledger.Outcome) -> None:
        if outcome.is_lease_lost:
            raise LeaseLost
        self.outcomes.append(outcome)
        self.report.listed += outcome.listed
        self.report.queued += outcome.queued

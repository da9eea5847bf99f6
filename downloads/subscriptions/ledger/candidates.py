"""Candidates: entries of a listing with what identifies them, and the items of the ledger that they become."""

from collections.abc import Iterable
from dataclasses import dataclass

from downloads.intake.urls import InvalidUrl, parse_url
from downloads.models import Subscription, SubscriptionItem
from downloads.models.subscriptions.item import MAX_REASON_LENGTH, item_identity
from downloads.subscriptions.judgement import Facts, Verdict
from downloads.ytdlp.results import ListingEntry

MAX_DURATION = 10**9


@dataclass(frozen=True)
class Candidate:
    """An entry and its identity; without a canonical URL it cannot be fetched, for the reason in `error`."""

    entry: ListingEntry
    identity: str
    canonical_url: str = ""
    error: str = ""

    @property
    def facts(self) -> Facts:
        """Facts that the list gives of the video."""
        return Facts.of(self.entry)


def build_candidates(entries: Iterable[ListingEntry]) -> list[Candidate]:
    """Return the candidates of a listing in its order, each video once: a list may hold it twice."""
    candidates: dict[str, Candidate] = {}
    for entry in entries:
        candidate = _build_candidate(entry)
        candidates.setdefault(candidate.identity, candidate)
    return list(candidates.values())


def _build_candidate(entry: ListingEntry) -> Candidate:
    try:
        url = parse_url(entry.url)
    except InvalidUrl as error:
        return Candidate(entry, item_identity(entry.extractor, entry.source_id, entry.url), error=str(error))
    # Addresses of files are signed anew each time: there the key of the entry stays.
    address = entry.request.key if entry.request and entry.request.key else url.canonical_url
    return Candidate(entry, item_identity(entry.extractor, entry.source_id, address), url.canonical_url)


def build_item(subscription: Subscription, candidate: Candidate, verdict: Verdict) -> SubscriptionItem:
    """Return the item of the ledger for an entry, not yet inserted."""
    entry = candidate.entry
    return SubscriptionItem(
        subscription=subscription,
        identity=candidate.identity,
        extractor=storable_text(entry.extractor)[:100],
        source_id=storable_text(entry.source_id)[:255],
        url=storable_text(entry.url)[:2048],
        title=storable_text(entry.title)[:500],
        duration=entry.duration if entry.duration is not None and 0 <= entry.duration < MAX_DURATION else None,
        published=entry.published,
        is_date_rough=entry.is_date_rough,
        tab=entry.tab,
        position=max(0, min(entry.position, 2**31 - 1)),
        state=verdict.state,
        reason=verdict.reason[:MAX_REASON_LENGTH],
        retry_at=verdict.retry_at,
    )


def storable_text(text: str) -> str:
    """Return the text without what a database refuses: NUL characters and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()

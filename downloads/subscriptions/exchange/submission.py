"""Submission of lists: each entry is followed, or rejected with a sentence; nothing of what was brought is lost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from downloads.database import let_other_writers_in
from downloads.intake import submit
from downloads.intake.rejections import Rejection
from downloads.intake.urls import InvalidUrl, suggest_url, unreachable_message
from downloads.models import ChannelTab, Subscription
from downloads.subscriptions import list_urls, verbs
from downloads.subscriptions.exchange import opml, takeout
from downloads.subscriptions.exchange.lists import (
    FeedList,
    ListedFeed,
    UnreadableList,
    decode_list,
    read_lines,
    refuse_archives,
)

MAX_FOLLOWED_AT_ONCE = 1_000
MAX_NAME_LENGTH = 500
CHUNK_SIZE = 50  # after which other writers get their turn, on SQLite
NOTHING_IN_IT = "There’s no link in this list."


@dataclass
class Submission:
    """What became of a list: the new subscriptions, those that were there already, and the rejected lines."""

    added: list[Subscription] = field(default_factory=list)
    known: list[Subscription] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


def read_list(content: bytes | str) -> FeedList:
    """Return the entries of a text or file, whichever kind of list it is; raise UnreadableList."""
    if isinstance(content, bytes):
        refuse_archives(content)
    if opml.is_xml(content):
        result = opml.read_opml(content)
    else:
        text = decode_list(content) if isinstance(content, bytes) else content
        result = takeout.read_takeout(text) if takeout.is_takeout(text) else read_lines(text)
    if not result.feeds and not result.skipped:
        raise UnreadableList(NOTHING_IN_IT)
    return result


def follow(feeds: FeedList, *, added_by: Any = None, values: Mapping[str, Any]) -> Submission:
    """Subscribe to each entry with these settings; the name of an entry is used until a check finds the list's own."""
    submission = Submission(rejections=[Rejection(text, reason) for text, reason in feeds.skipped])
    parsed = _reject_unusable(feeds.feeds, submission)
    for number, feed in enumerate(parsed, start=1):
        if number > MAX_FOLLOWED_AT_ONCE:
            reason = f"{MAX_FOLLOWED_AT_ONCE:,} at a time. Add the rest next."
            submission.rejections.append(Rejection(feed.url, reason, is_left_over=True))
            continue
        _follow_one(feed, submission, added_by, values)
        if number % CHUNK_SIZE == 0:
            let_other_writers_in()
    return submission


def _follow_one(feed: ListedFeed, submission: Submission, added_by: Any, values: Mapping[str, Any]) -> None:
    settings = {**values, "name": values.get("name") or feed.name[:MAX_NAME_LENGTH].replace("\x00", "")}
    if settings.get("tabs") == ChannelTab.VIDEOS:
        del settings["tabs"]  # the usual one: the tab that a link names goes before it
    try:
        subscription, is_new = verbs.subscribe(feed.url, added_by=added_by, **settings)
    except InvalidUrl as error:
        submission.rejections.append(Rejection(feed.url, str(error)))
    except ValidationError as error:
        submission.rejections.append(Rejection(feed.url, " ".join(error.messages)))
    else:
        if is_new:
            submission.added.append(subscription)
        elif subscription.pk not in {one.pk for one in (*submission.added, *submission.known)}:
            submission.known.append(subscription)


def _reject_unusable(feeds: Iterable[ListedFeed], submission: Submission) -> list[ListedFeed]:
    """Return the entries whose address may be followed; the others are rejected."""
    parsed: list[tuple[ListedFeed, str]] = []
    for feed in feeds:
        try:
            url, _ = list_urls.parse_list_url(feed.url)
        except InvalidUrl as error:
            submission.rejections.append(Rejection(feed.url, str(error), suggestion=suggest_url(feed.url)))
        else:
            parsed.append((feed, url.host))
    forbidden = submit.find_forbidden_hosts({host for _, host in parsed})
    for feed, host in parsed:
        if host in forbidden:
            submission.rejections.append(Rejection(feed.url, unreachable_message(host, forbidden[host])))
    return [feed for feed, host in parsed if host not in forbidden]

"""Submission of lists: each entry is followed, or rejected with a sentence; nothing of what was brought is lost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from downloads.database import let_other_writers_in
from downloads.intake import submit
from downloads.intake.rejections import Rejection
from downloads.intake.urls import InvalidUrl, ParsedUrl, suggest_url, unreachable_message
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
    refuse_json,
)

MAX_FOLLOWED_AT_ONCE = 1_000
MAX_NAME_LENGTH = 500
CHUNK_SIZE = 100  # after which other writers get their turn, on SQLite
NOTHING_IN_IT = "There’s no link in this list."


@dataclass
class Submission:
    """Result of following a list: the new subscriptions, those that were there already, and the rejected lines."""

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
        refuse_json(text)
        result = takeout.read_takeout(text) if takeout.is_takeout(text) else read_lines(text)
    if not result.feeds and not result.skipped:
        raise UnreadableList(NOTHING_IN_IT)
    return result


def follow(feeds: FeedList, *, added_by: Any = None, values: Mapping[str, Any]) -> Submission:
    """Subscribe to each entry with these settings; the name of an entry is used until a check finds the list's own.

    Raise ValidationError for the settings.
    """
    verbs.check_settings(values)
    submission = Submission(rejections=[Rejection(text, reason) for text, reason in feeds.skipped])
    parsed = _reject_unusable(feeds.feeds, submission)
    for one in parsed[MAX_FOLLOWED_AT_ONCE:]:
        reason = f"{MAX_FOLLOWED_AT_ONCE:,} at a time. Add the rest next."
        submission.rejections.append(Rejection(one.feed.url, reason, is_left_over=True))
    parsed = parsed[:MAX_FOLLOWED_AT_ONCE]
    for start in range(0, len(parsed), CHUNK_SIZE):
        if start:
            let_other_writers_in()
        lists = [(one.url, _settings_of(one, values)) for one in parsed[start : start + CHUNK_SIZE]]
        _note_results(submission, verbs.subscribe_many(lists, added_by=added_by))
    return submission


def _note_results(submission: Submission, results: Iterable[tuple[Subscription, bool]]) -> None:
    noted = {one.pk for one in (*submission.added, *submission.known)}
    for subscription, is_new in results:
        if subscription.pk not in noted:
            (submission.added if is_new else submission.known).append(subscription)
            noted.add(subscription.pk)


def _settings_of(followable: "FollowableFeed", values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings of one entry: its own name, and the tab that its link names in place of the usual one."""
    name = values.get("name") or followable.feed.name[:MAX_NAME_LENGTH].replace("\x00", "")
    settings = {**values, "name": name}
    if followable.tab and settings.get("tabs", ChannelTab.VIDEOS) == ChannelTab.VIDEOS:
        settings["tabs"] = followable.tab
    return settings


@dataclass(frozen=True)
class FollowableFeed:
    """An entry whose address may be followed, and the tab that it names."""

    feed: ListedFeed
    url: ParsedUrl
    tab: str


def _reject_unusable(feeds: Iterable[ListedFeed], submission: Submission) -> list[FollowableFeed]:
    """Return the entries whose address may be followed; the others are rejected."""
    parsed: list[FollowableFeed] = []
    for feed in feeds:
        try:
            parsed.append(FollowableFeed(feed, *list_urls.parse_list_url(feed.url)))
        except InvalidUrl as error:
            submission.rejections.append(Rejection(feed.url, str(error), suggestion=suggest_url(feed.url)))
    forbidden = submit.find_forbidden_hosts({one.url.host for one in parsed})
    for one in parsed:
        if host_reason := forbidden.get(one.url.host):
            submission.rejections.append(Rejection(one.feed.url, unreachable_message(one.url.host, host_reason)))
    return [one for one in parsed if one.url.host not in forbidden]

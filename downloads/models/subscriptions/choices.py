"""Choices of subscriptions: state of an item, kind of a list, what to fetch at the start, tabs of a channel."""

from django.db import models


class SubscriptionItemState(models.TextChoices):
    """State of an item of the ledger: that it is here, or why it is not; the labels are for people."""

    QUEUED = "queued", "Added"  # this subscription brought it: it waits, or is here
    ARCHIVED = "archived", "Already archived"  # it was here already
    FILTERED = "filtered", "Filtered out"
    WAITING = "waiting", "Not yet available"  # until `retry_at`
    MEMBERS = "members", "Members only"
    GONE = "gone", "Gone from the site"
    IGNORED = "ignored", "Ignored"  # a person's word
    BEFORE = "before", "Before the start"  # was there before, and not asked for
    REMOVED = "removed", "Removed"  # deleted by a person, or past retention


# States with a video, while it is there.
KEPT_STATES = (SubscriptionItemState.QUEUED, SubscriptionItemState.ARCHIVED)
# What an item says that was there before, where only new ones are fetched.
BEFORE_REASON = "It was there before the subscription."
# States that are judged anew when the filters change.
FILTER_STATES = (SubscriptionItemState.FILTERED, SubscriptionItemState.BEFORE)
# States that the site decides: a check judges them anew when the site says something else of the video.
SITE_STATES = (SubscriptionItemState.WAITING, SubscriptionItemState.MEMBERS, SubscriptionItemState.GONE)


class ListKind(models.TextChoices):
    """Kind of a list, which says where it grows; unknown until its first check."""

    UNKNOWN = "", "Not checked yet"
    CHANNEL = "channel", "Channel"  # the newest first
    PLAYLIST = "playlist", "Playlist"  # the newest last, as a rule


class StartChoice(models.TextChoices):
    """Choice of the videos to be fetched of those that a list has already."""

    NEW = "new", "Only new videos"
    NEWEST = "newest", "The newest"
    SINCE = "since", "Since a date"
    ALL = "all", "Everything"


class ChannelTab(models.TextChoices):
    """Tab of a channel; "" is the list itself, of a playlist and of sites without tabs."""

    VIDEOS = "videos", "Videos"
    SHORTS = "shorts", "Shorts"
    STREAMS = "streams", "Streams"

"""The models: what is stored, and what a row can do. Re-exports what other packages use."""

from downloads.models.archive.identity import ArchiveIdentity
from downloads.models.audit.entry import AuditAction, AuditEntry
from downloads.models.bulk.bulk_action import BulkAction, BulkItem, ItemState
from downloads.models.channels.channel import MAX_URL_LENGTH as MAX_CHANNEL_URL_LENGTH
from downloads.models.channels.channel import Channel
from downloads.models.choices import (
    ACTIVE_STATUSES,
    ACTIVITY_STATUSES,
    TERMINAL_STATUSES,
    UNFINISHED_STATUSES,
    Quality,
    Status,
)
from downloads.models.copies.playable_copy import PlayableCopy
from downloads.models.event import VideoEvent
from downloads.models.leases.lease import LEASE_DURATION
from downloads.models.playlists.playlist_item import Absence, PlaylistItem
from downloads.models.querysets import VideoQuerySet
from downloads.models.queue import Queue
from downloads.models.subscriptions.choices import (
    ChannelTab,
    ListKind,
    StartChoice,
    SubscriptionItemState,
)
from downloads.models.subscriptions.host_pause import HostPause
from downloads.models.subscriptions.item import SubscriptionItem
from downloads.models.subscriptions.subscription import Subscription
from downloads.models.titles.title_look_up import TitleLookUp
from downloads.models.transitions import MAX_RETRIES
from downloads.models.value_objects import Metadata, QueuePosition, ReleaseWait, StoredFiles
from downloads.models.video import MAX_URL_LENGTH, EntryRequest, Video, new_video_id
from downloads.models.watching.watch_state import WatchState

__all__ = [
    "ACTIVE_STATUSES",
    "ACTIVITY_STATUSES",
    "LEASE_DURATION",
    "MAX_CHANNEL_URL_LENGTH",
    "MAX_RETRIES",
    "MAX_URL_LENGTH",
    "TERMINAL_STATUSES",
    "UNFINISHED_STATUSES",
    "Absence",
    "ArchiveIdentity",
    "AuditAction",
    "AuditEntry",
    "BulkAction",
    "BulkItem",
    "Channel",
    "ChannelTab",
    "EntryRequest",
    "HostPause",
    "ItemState",
    "ListKind",
    "Metadata",
    "PlayableCopy",
    "PlaylistItem",
    "Quality",
    "Queue",
    "QueuePosition",
    "ReleaseWait",
    "StartChoice",
    "Status",
    "StoredFiles",
    "Subscription",
    "SubscriptionItem",
    "SubscriptionItemState",
    "TitleLookUp",
    "Video",
    "VideoEvent",
    "VideoQuerySet",
    "WatchState",
    "new_video_id",
]

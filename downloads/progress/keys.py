"""Names of Redis channels and keys, of the group and of the WebSocket subprotocol."""

import os
import re
import socket

CHANNEL_PREFIX = "progress:"
CHANNEL_PATTERN = CHANNEL_PREFIX + "*"
PROGRESS_GROUP = "progress"
BATCH_EVENT_TYPE = "progress.batch"
SUBPROTOCOL = "ytarchive.progress.v2"
SNAPSHOT_KEY = "ytarchive:progress"
# The snapshot's own field beside one per video id; VIDEO_ID_PATTERN does not allow it.
SNAPSHOT_HEAD_FIELD = "@"
LEADER_KEY = "ytarchive:bridge"
# Written by the health check, to see whether Redis takes writes.
WRITE_PROBE_KEY = "ytarchive:probe"
# Followed by <host>:<pid>; each worker sets its own key again before it expires.
WORKER_KEY_PREFIX = "ytarchive:worker:"
# Set by each worker with its own key; it outlives a restart of the only worker.
WORKER_SEEN_KEY = "ytarchive:worker-seen"
WORKER_SEEN_SECONDS = 30
# Followed by <host>:<pid>; a sentence, while the worker's clock is off from the database's.
CLOCK_WARNING_KEY_PREFIX = "ytarchive:clock:"
# An empty message when videos were queued, so that workers need not wait for their next poll.
WAKE_CHANNEL = "ytarchive:wake"
ECHO_CHANNEL_PREFIX = "ytarchive:echo:"
# Hash with the sums of all processes' counters.
COUNTS_KEY = "ytarchive:counts"
# Followed by <host>:<pid>; the number of WebSocket clients of a web process.
CLIENTS_KEY_PREFIX = "ytarchive:clients:"
# Followed by the id of a video; set while it was played within the last hour.
PLAY_KEY_PREFIX = "ytarchive:played:"
# Followed by the id of a video: the making of its playable copy.
COPY_ID_PREFIX = "copy:"
VIDEO_ID_PATTERN = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def progress_channel(video_id: str) -> str:
    """Return the Redis channel of a video's progress."""
    return CHANNEL_PREFIX + video_id


def copy_id(video_id: str) -> str:
    """Return the id under which the making of a video's playable copy is published; no video has such an id."""
    return COPY_ID_PREFIX + video_id


def process_name() -> str:
    """Return `<host>:<pid>` of this process, the last part of its own keys."""
    return f"{socket.gethostname()}:{os.getpid()}"

"""Names of Redis channels and keys, of the group and of the WebSocket subprotocol."""

import re

CHANNEL_PREFIX = "progress:"
CHANNEL_PATTERN = CHANNEL_PREFIX + "*"
PROGRESS_GROUP = "progress"
BATCH_EVENT_TYPE = "progress.batch"
SUBPROTOCOL = "ytarchive.progress.v2"
SNAPSHOT_KEY = "ytarchive:progress"
# The snapshot's own field beside the videos' ones: no video id may contain it.
SNAPSHOT_HEAD_FIELD = "@"
LEADER_KEY = "ytarchive:bridge"
# Followed by <host>:<pid>; a worker that lives renews its own.
WORKER_KEY_PREFIX = "ytarchive:worker:"
ECHO_CHANNEL_PREFIX = "ytarchive:echo:"
# What all processes have counted; and, followed by <host>:<pid>, how many clients a web process has.
COUNTS_KEY = "ytarchive:counts"
CLIENTS_KEY_PREFIX = "ytarchive:clients:"
VIDEO_ID_PATTERN = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def progress_channel(video_id: str) -> str:
    """Return the Redis channel of a video's progress."""
    return CHANNEL_PREFIX + video_id

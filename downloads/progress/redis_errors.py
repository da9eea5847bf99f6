"""Redis' errors in words: why it takes no writes, or does not answer."""

import re

import redis

# By the first word of Redis' error (in its source: src/server.c, shared objects). redis-py takes some of them away
# and raises an exception of its own instead.
REASONS = {
    "OOM": "Redis takes no writes: its memory is full (maxmemory).",
    "READONLY": "Redis takes no writes: it is a read-only replica.",
    "MISCONF": "Redis takes no writes: it cannot save its data to its disk.",
    "NOREPLICAS": "Redis takes no writes: too few of its replicas are connected.",
    "CLUSTERDOWN": "Redis takes no writes: its cluster is down.",
    "MASTERDOWN": "Redis takes no writes: it is a replica without a connection to its primary.",
    "LOADING": "Redis takes no writes yet: it is loading its data.",
    "BUSY": "Redis takes no writes: it is busy with a script.",
    "NOPERM": "Redis takes no writes: its user may not do what ytarchive needs (ACL).",
    "NOAUTH": "Redis refuses to be used: REDIS_URL has a wrong password, or none.",
    "WRONGPASS": "Redis refuses to be used: REDIS_URL has a wrong password, or none.",
    "MOVED": "Redis takes no writes: it is part of a cluster, and ytarchive needs a single server.",
    "DENIED": "Redis refuses to be used: it is in protected mode.",
}
REASON_OF_CLASS = {
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.MasterDownError: "MASTERDOWN",
    redis.exceptions.ClusterDownError: "CLUSTERDOWN",
    redis.exceptions.BusyLoadingError: "LOADING",
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.AuthenticationError: "NOAUTH",
    redis.exceptions.AskError: "MOVED",
    redis.exceptions.ClusterCrossSlotError: "MOVED",
}
NO_ANSWER = "Redis does not answer."
REASON_PATTERN = re.compile(rf"\b({'|'.join(REASONS)})\b")
MAX_ERROR_LENGTH = 200


def describe_redis_error(error: BaseException) -> str:
    """Return a sentence that says why Redis cannot be used."""
    for error_class, code in REASON_OF_CLASS.items():
        if isinstance(error, error_class):
            return REASONS[code]
    # An error inside of a script has its code in the middle.
    if isinstance(error, redis.ResponseError) and (match := REASON_PATTERN.search(str(error))):
        return REASONS[match[1]]
    if "max number of clients" in str(error):
        return "Redis takes no more connections (maxclients)."
    if isinstance(error, redis.ResponseError):
        return f"Redis refuses a command: {str(error)[:MAX_ERROR_LENGTH]}"
    return NO_ANSWER


def describe_with_error(error: BaseException) -> str:
    """Return that sentence with the error itself, for the log."""
    return f"{describe_redis_error(error)} ({error})"

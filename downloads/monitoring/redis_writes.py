"""Health check of writing to Redis, and what follows for other checks when it takes no writes."""

import dataclasses
import time

import redis

from downloads.monitoring.results import CheckFailed, CheckResult
from downloads.progress import keys, redis_clients
from downloads.progress.redis_errors import describe_redis_error

PROBE_TTL_SECONDS = 60
# The bridge and workers write their signs of life to Redis; batches are sent by a bridge that holds a lease in it.
DEPENDENT_CHECKS = ("channel_layer", "bridge", "worker")
WRITE_SCRIPT = "return redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])"


def check_redis_server() -> float:
    """Write to Redis, by a command as a worker and by a script as the bridge; raise CheckFailed with the reason."""
    client = redis_clients.get_redis_client()
    try:
        client.set(keys.WRITE_PROBE_KEY, int(time.time()), ex=PROBE_TTL_SECONDS)
        client.eval(WRITE_SCRIPT, 1, keys.WRITE_PROBE_KEY, int(time.time()), PROBE_TTL_SECONDS)
    except (redis.RedisError, OSError) as error:
        raise CheckFailed(describe_redis_error(error)) from error
    return time.time()


def name_consequences(results: dict[str, CheckResult]) -> dict[str, CheckResult]:
    """Return the results, in which failures that follow from one of Redis say so instead of blaming a process."""
    redis_result = results["redis"]
    if redis_result.ok:
        return results
    consequences = {
        name: dataclasses.replace(result, problem=f"Not known. {redis_result.problem}", is_consequence=True)
        for name, result in results.items()
        if name in DEPENDENT_CHECKS and not result.ok
    }
    return results | consequences

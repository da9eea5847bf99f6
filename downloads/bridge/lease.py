"""Lease of the leading bridge."""

BRIDGE_LEASE_SECONDS = 3.0  # seconds: another bridge takes over at most this and one try after the leader's death
RELEASE_LEASE_SCRIPT = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class LeadershipLost(Exception):
    """The lease is lost, or messages may have been missed: lead again, from the rows."""

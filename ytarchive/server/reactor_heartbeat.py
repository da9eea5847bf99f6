"""Heartbeat of a web process, from the event loop of its server."""

from twisted.internet import task

from downloads.liveness.heartbeat import CHECKS_PER_TIMEOUT, process_heartbeat


def start_heartbeat(pipe_fd: int, timeout_seconds: float) -> None:
    """Beat as long as the reactor's loop turns, from when it starts; import this after Daphne, which installs it."""
    process_heartbeat.start(pipe_fd, timeout_seconds)
    task.LoopingCall(process_heartbeat.beat).start(timeout_seconds / CHECKS_PER_TIMEOUT / 2)

"""Processes below a worker, and the ends of its downloads."""

import contextlib
import signal
import sqlite3
from pathlib import Path

from django.db import connection

from downloads.tests.support.factories import reload_video
from downloads.tests.support.processes import command_line
from downloads.tests.support.waiting import PATIENCE_SECONDS, wait_until


def wait_for_status(video, *statuses, seconds=PATIENCE_SECONDS):
    wait_until(lambda: reload_video(video).status in statuses, f"the video is {statuses}", within=seconds)
    return reload_video(video)


def descendants(pid):
    """Return the ids of the processes below `pid`, without the fork server, which stays."""
    children_file = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        child_pids = [int(word) for word in children_file.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    child_pids = [child_pid for child_pid in child_pids if "downloads.worker.processes" not in command_line(child_pid)]
    return child_pids + [pid_below for child_pid in child_pids for pid_below in descendants(child_pid)]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def freeze_between_writes(process):
    """Stop a process by SIGSTOP while it holds no lock of SQLite, which all others would wait for."""

    def freeze():
        process.send_signal(signal.SIGSTOP)
        with contextlib.closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=1)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
                return False
        return True

    wait_until(freeze, "it is stopped between two writes")

"""The fork server of a worker, as a real process."""

import os
import select
import signal
import socket
import subprocess
import sys

import pytest
from django.conf import settings

from downloads.models import Status
from downloads.tests.support.factories import reload_video
from downloads.tests.support.processes import command_line, process_parents, still_running
from downloads.tests.support.waiting import wait_until
from downloads.worker.processes import protocol
from downloads.worker.processes.zygote import ANSWER_TIMEOUT_SECONDS
from downloads.ytdlp_update import installation

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.usefixtures("empty_data_folders", "empty_ytdlp_folder"),
]
FORKED = "python manage.py download"  # a new interpreter is started with the whole path of manage.py


def find_children(worker, text):
    pids = {pid for pid, parent in process_parents().items() if parent == worker.pid}
    return {pid for pid in pids if pid in still_running(pids) and text in command_line(pid)}


def find_server(worker, other_than=None):
    """Wait until the worker has a fork server that waits for requests; return its process id."""

    def ready_servers():
        return find_children(worker, "downloads.worker.processes: ready") - {other_than}

    wait_until(ready_servers, "the fork server is ready")
    return ready_servers().pop()


def wait_for_completion(video):
    wait_until(lambda: reload_video(video).status == Status.COMPLETE, "it is complete")


def test_downloads_go_on_whatever_happens_to_the_fork_server(start_worker, enqueue, media_server):
    worker = start_worker()
    slow = enqueue("/slow/a.mp4?rate=2000")  # while there is no server yet: forked from the zygote
    media_server.wait_for_requests("/slow/a.mp4", 2)
    (child,) = find_children(worker, FORKED)
    server = find_server(worker)
    assert os.getsid(child) == child
    assert os.getsid(server) == server

    os.kill(server, signal.SIGKILL)
    second_server = find_server(worker, other_than=server)
    assert find_children(worker, FORKED) == {child}
    assert reload_video(slow).cancel()

    # It takes the request, and does not answer: killed in the hand-over.
    os.kill(second_server, signal.SIGSTOP)
    in_between = enqueue("/clip.mp4?in=between")
    wait_until(lambda: not still_running({second_server}), "it is killed", within=ANSWER_TIMEOUT_SECONDS + 5)
    wait_for_completion(in_between)
    third_server = find_server(worker, other_than=second_server)

    # Another yt-dlp is selected.
    (installation.root() / installation.LIST_NAME).parent.mkdir(parents=True, exist_ok=True)
    (installation.root() / installation.LIST_NAME).write_text("[]")
    fourth_server = find_server(worker, other_than=third_server)
    wait_until(lambda: not still_running({third_server}), "the one before has ended")

    last = enqueue("/slow/b.mp4?rate=20000")
    media_server.wait_for_requests("/slow/b.mp4", 2)
    assert find_children(worker, FORKED)
    assert reload_video(last).attempt == 1
    os.kill(worker.pid, signal.SIGKILL)
    wait_until(lambda: not still_running({fourth_server, *find_children(worker, FORKED)}), "nothing is left", within=3)


def test_it_ends_silently_when_its_worker_leaves_an_answer_unread():
    """The kernel then resets the connection, instead of ending it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-m", protocol.PACKAGE, str(theirs.fileno()), str(os.getpid())],
            cwd=settings.BASE_DIR,
            pass_fds=[theirs.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        )
    with ours:
        assert select.select([ours], [], [], 30)[0]
    assert server.communicate(timeout=10) == (None, "")
    assert server.returncode == 0

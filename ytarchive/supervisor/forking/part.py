"""Parts of the archive that are forked from the supervisor instead of being started as new interpreters.

All of them use Django and the models: loaded once, in the supervisor, these are in memory once, and a part starts in
milliseconds. The supervisor has one thread and no connection to the database.
"""

import gc
import os
import sys
import threading
from importlib import import_module
from typing import IO

import django
import setproctitle
from django.apps import apps
from django.conf import settings
from django.core.management import load_command_class

from downloads import forked_process
from ytarchive.supervisor.process import ManagedProcess, RunningProcess

# Imported before the forks, besides the applications: what several parts use, and what one uses, as long as it reads no
# file that the preparations write, such as the names of static files. An import copies a megabyte of what is shared.
PRELOADED_MODULES = (
    "downloads.management.commands.bridge_progress",
    "downloads.management.commands.web",
    "downloads.management.commands.work",
    "django.db.backends.sqlite3.base",
    "ytarchive.server.channel_layer",
)


def load_applications() -> None:
    """Import what the parts use, and keep this process from writing to its memory, which would copy it."""
    django.setup()
    for name in PRELOADED_MODULES:
        import_module(name)
    if threading.active_count() > 1:
        raise RuntimeError(f"threads were started before the fork: {threading.enumerate()}")
    gc.collect()
    gc.freeze()
    forked_process.trim_heap()


class ForkedPart(ManagedProcess):
    """A command of manage.py that is run by a fork of this process, once it is prepared."""

    def prepare(self) -> None:
        """Load the applications, once."""
        if not apps.ready:
            load_applications()

    def _launch(self, env: dict[str, str], fds: tuple[int, ...], output: IO[bytes] | None) -> RunningProcess:
        return forked_process.fork(lambda: _run_part(self.command, env, fds, output))


def _run_part(command: list[str], env: dict[str, str], fds: tuple[int, ...], output: IO[bytes] | None) -> int:
    """Become what a new interpreter with this command, environment and descriptors would be; return its exit status."""
    if output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    forked_process.redirect_files_to_devnull(fds)
    setproctitle.setproctitle(" ".join(command))  # before the environment changes, beside which the kernel has it
    forked_process.replace_environment(env)
    settings.HEARTBEAT_FD = int(env["YTARCHIVE_HEARTBEAT_FD"])
    settings.PRIVATE = settings.PRIVATE or env.get("YTARCHIVE_PRIVATE") == "1"
    sys.argv = command[1:]
    # Not by Django's ManagementUtility, which would set up everything again, and copy 3 MB by that.
    run = load_command_class("downloads", sys.argv[1]).run_from_argv
    return forked_process.run_to_exit_status(lambda: run(sys.argv))

"""`manage.py runserver`: runs all processes for a developer, and restarts them when the code changes."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from daphne.management.commands.runserver import Command as DaphneRunserver
from daphne.server import Server
from django.conf import settings
from django.core.management.base import CommandParser
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV, get_child_arguments

from ytarchive.server import tuning
from ytarchive.server.daphne_server import ProgressServer
from ytarchive.supervisor.listener import open_listener
from ytarchive.supervisor.process import ManagedProcess
from ytarchive.supervisor.readiness import embedded_redis_process
from ytarchive.supervisor.stack import Stack, build_child_environment, manage_command, single_instance_lock
from ytarchive.supervisor.startup import StartupError, line_writer
from ytarchive.supervisor.watchdog import PipeHeartbeat

RELOAD_EXIT_STATUS = 3  # of Django's reloader (django.utils.autoreload.trigger_reload)
MAX_RESTART_DELAY_SECONDS = 2.0  # short, since a developer is probably fixing the code that does not start


class Command(DaphneRunserver):
    """Django's runserver with Daphne's server, together with Redis, bridge and workers.

    The first process supervises the others; a child of it inherits the socket and serves the pages.
    """

    help = "Starts the whole archive for a developer; a change of the code restarts pages, bridge and workers."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--web-only", action="store_true", help="leave out Redis, the bridge and the workers")
        # WhiteNoise serves static files, in development as in production.
        parser.set_defaults(use_static_handler=False)

    def run(self, **options: Any) -> None:
        """Serve the pages in the child process (which has RUNSERVER_FD), else start all processes."""
        if settings.RUNSERVER_FD:
            super().run(**options)
            return
        try:
            with self._build_stack(options["web_only"], options["use_reloader"]) as stack:
                stack.run()
        except StartupError as error:
            sys.exit(f"ytarchive: {error}")

    @contextlib.contextmanager
    def _build_stack(self, web_only: bool, use_reloader: bool) -> Iterator[Stack]:
        with contextlib.ExitStack() as resources:
            if not web_only:
                resources.enter_context(single_instance_lock())
            listener = resources.enter_context(open_listener(self.addr, int(self.port)))
            env = build_child_environment(listener)
            front = [_web_process(listener.fileno(), env, use_reloader)]
            bridges = []
            if not web_only:
                front.append(_background_process("worker", env, 6.0, "work"))
                bridges.append(_background_process("bridge", env, 1.5, "bridge_progress"))
            redis_process = None if web_only else embedded_redis_process()
            write_line = line_writer(self.stdout)
            yield Stack(listener, front, bridges, redis_process, write_line, reload_exit_status=RELOAD_EXIT_STATUS)

    def server_cls(self, **options: Any) -> Server:
        """Return our server on the inherited socket, in which requests wait while the code is reloaded."""
        tuning.limit_database_waits()
        options |= {
            "endpoints": [f"fd:fileno={settings.RUNSERVER_FD}"],
            "websocket_timeout": -1,
            "websocket_connect_timeout": 10,
        }
        return ProgressServer(**options)


def _background_process(name: str, env: dict[str, str], grace_seconds: float, command: str) -> ManagedProcess:
    return ManagedProcess(
        name, manage_command(command), env=env, grace_seconds=grace_seconds, heartbeat=PipeHeartbeat()
    )


def _web_process(fd: int, env: dict[str, str], use_reloader: bool) -> ManagedProcess:
    """Return the process that serves the pages, with Django's reloader telling it to exit on a change.

    It has no heartbeat: a debugger may stop it, and with broken code it waits for a change.
    """
    reloader_env = {DJANGO_AUTORELOAD_ENV: "true"} if use_reloader else {}
    return ManagedProcess(
        "web",
        [argument for argument in get_child_arguments() if argument != "--web-only"],
        env={**env, "YTARCHIVE_RUNSERVER_FD": str(fd), **reloader_env},
        pass_fds=(fd,),
        grace_seconds=6.0,
        max_restart_delay=MAX_RESTART_DELAY_SECONDS,
    )

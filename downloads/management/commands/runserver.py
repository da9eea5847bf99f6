"""`manage.py runserver`: the whole archive for a developer, started anew whenever the code changes."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from daphne.management.commands.runserver import Command as DaphneRunserver
from daphne.server import Server
from django.conf import settings
from django.core.management.base import CommandParser
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV, get_child_arguments

from ytarchive.server.daphne_server import ProgressServer
from ytarchive.supervisor.bootstrap import StartupError
from ytarchive.supervisor.listener import open_listener
from ytarchive.supervisor.process import ManagedProcess
from ytarchive.supervisor.readiness import embedded_redis_process
from ytarchive.supervisor.stack import Stack, build_child_environment, manage_command, single_instance_lock

RELOAD_EXIT_STATUS = 3  # how Django's reloader ends (django.utils.autoreload.trigger_reload)
MAX_RESTART_DELAY_SECONDS = 2.0  # between two tries of pages that do not start: somebody is mending them right now


class Command(DaphneRunserver):
    """Django's runserver with Daphne's server, and Redis, bridge and workers beside it.

    The process that was called keeps the others; the pages are served by a child that inherits the socket.
    """

    help = "Starts the whole archive for a developer; a change of the code restarts pages, bridge and workers."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--web-only", action="store_true", help="leave out Redis, the bridge and the workers")
        # WhiteNoise serves them, in development as in production.
        parser.set_defaults(use_static_handler=False)

    def run(self, **options: Any) -> None:
        """Serve the pages if this is the child that was told to, else start it and all the others."""
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
        with contextlib.ExitStack() as held:
            if not web_only:
                held.enter_context(single_instance_lock())
            listener = held.enter_context(open_listener(self.addr, int(self.port)))
            env = build_child_environment(listener)
            web = [word for word in get_child_arguments() if word != "--web-only"]
            web_env = env | _web_child_variables(listener.fileno(), use_reloader)
            fds = (listener.fileno(),)
            parts = [
                ManagedProcess(
                    "web",
                    web,
                    env=web_env,
                    pass_fds=fds,
                    grace_seconds=6.0,
                    max_restart_delay=MAX_RESTART_DELAY_SECONDS,
                )
            ]
            bridge = []
            if not web_only:
                parts.append(ManagedProcess("worker", manage_command("work"), env=env, grace_seconds=6.0))
                bridge.append(ManagedProcess("bridge", manage_command("bridge_progress"), env=env, grace_seconds=1.5))
            server = None if web_only else embedded_redis_process()
            yield Stack(listener, parts, bridge, server, self.write_line, reload_exit_status=RELOAD_EXIT_STATUS)

    def write_line(self, line: str) -> None:
        """Tell the person at the terminal, at once, even through a pipe."""
        with contextlib.suppress(OSError):  # nobody listens any more: no reason to stop
            self.stdout.write(line)
            self.stdout.flush()

    def server_cls(self, **options: Any) -> Server:
        """Build our server, on the inherited socket: requests wait in it while the code is loaded anew."""
        options |= {
            "endpoints": [f"fd:fileno={settings.RUNSERVER_FD}"],
            "websocket_timeout": -1,
            "websocket_connect_timeout": 10,
        }
        return ProgressServer(**options)


def _web_child_variables(fd: int, use_reloader: bool) -> dict[str, str]:
    """Return what tells the child its socket, and Django's reloader that it is the one to end on a change."""
    reloader = {DJANGO_AUTORELOAD_ENV: "true"} if use_reloader else {}
    return {"YTARCHIVE_RUNSERVER_FD": str(fd), **reloader}

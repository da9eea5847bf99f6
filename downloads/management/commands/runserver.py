"""`manage.py runserver`: the whole archive for a developer, started anew whenever the code changes."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from daphne.management.commands.runserver import Command as DaphneRunserver
from daphne.server import Server
from django.core.management.base import CommandParser
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV, get_child_arguments

from ytarchive.listening import listen
from ytarchive.part import Part
from ytarchive.prepare import CannotStart
from ytarchive.server import ProgressServer
from ytarchive.stack import Stack, environment, manage, only_one
from ytarchive.vitals import redis_part

CODE_CHANGED = 3  # how Django's reloader ends (django.utils.autoreload.trigger_reload)
LONGEST_DELAY = 2.0  # between two tries of code that does not start: somebody is mending it right now


class Command(DaphneRunserver):
    """Django's runserver with Daphne's server, and Redis, bridge and workers beside it.

    The process that was called keeps the others; the pages are served by a child, called with --fd.
    """

    help = "Starts the whole archive for a developer; a change of the code restarts pages, bridge and workers."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--web-only", action="store_true", help="leave out Redis, the bridge and the workers")
        parser.add_argument("--fd", type=int, help="an inherited listening socket, instead of address and port")
        # WhiteNoise serves them, in development as in production.
        parser.set_defaults(use_static_handler=False)

    def run(self, **options: Any) -> None:
        """Serve the pages if this is the child that was told to, else start it and all the others."""
        self.fd = options["fd"]
        if self.fd is not None:
            super().run(**options)
            return
        try:
            with self._stack(options["web_only"], options["use_reloader"]) as stack:
                stack.run()
        except CannotStart as error:
            sys.exit(f"ytarchive: {error}")

    @contextlib.contextmanager
    def _stack(self, web_only: bool, use_reloader: bool) -> Iterator[Stack]:
        with contextlib.ExitStack() as held:
            if not web_only:
                held.enter_context(only_one())
            listener = held.enter_context(listen(self.addr, int(self.port)))
            env = environment(listener)
            web = [*get_child_arguments(), "--fd", str(listener.fileno())]
            parts = [Part("web", web, env=env | _reloader(use_reloader), fds=(listener.fileno(),), grace=6.0)]
            bridge = []
            if not web_only:
                parts.append(Part("worker", manage("work"), env=env, grace=6.0))
                bridge.append(Part("bridge", manage("bridge_progress"), env=env, grace=1.5))
            for part in [*parts, *bridge]:
                part.longest_delay = LONGEST_DELAY
            server = None if web_only else redis_part()
            yield Stack(listener, parts, bridge, server, self.say, reload_status=CODE_CHANGED)

    def say(self, line: str) -> None:
        """Tell the person at the terminal, at once, even through a pipe."""
        with contextlib.suppress(OSError):  # nobody listens any more: no reason to stop
            self.stdout.write(line)
            self.stdout.flush()

    def server_cls(self, **options: Any) -> Server:
        """Build our server, on the inherited socket: requests wait in it while the code is loaded anew."""
        options |= {"endpoints": [f"fd:fileno={self.fd}"], "websocket_timeout": -1, "websocket_connect_timeout": 10}
        return ProgressServer(**options)


def _reloader(use_reloader: bool) -> dict[str, str]:
    """Return what tells Django's reloader that it is the child, which ends when the code changes."""
    return {DJANGO_AUTORELOAD_ENV: "true"} if use_reloader else {}

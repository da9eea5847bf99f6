"""`manage.py up`: the whole archive on one machine."""

import contextlib
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from ytarchive.supervisor.bootstrap import CannotStart
from ytarchive.supervisor.listener import listen
from ytarchive.supervisor.process import Part
from ytarchive.supervisor.readiness import redis_part
from ytarchive.supervisor.stack import Stack, environment, manage, only_one


class Command(BaseCommand):
    """Start Redis (unless REDIS_URL is set), the pages, the bridge and the workers; Ctrl-C stops them all."""

    help = __doc__
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="0 takes any free one (default: %(default)s)")
        parser.add_argument("--web", type=int, default=1, help="web processes (default: %(default)s)")
        parser.add_argument(
            "--workers", type=int, default=settings.WORKERS, help="downloads at once (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["web"] < 1 or options["workers"] < 1:
            sys.exit("ytarchive: --web and --workers take 1 or more.")
        try:
            with only_one(), listen(options["bind"], options["port"]) as listener:
                env = environment(listener)
                webs = [_web_process(number, listener.fileno(), env) for number in range(1, options["web"] + 1)]
                worker = Part("worker", manage("work", "--workers", str(options["workers"])), env=env, grace=6.0)
                bridge = Part("bridge", manage("bridge_progress"), env=env, grace=1.5)
                Stack(listener, [*webs, worker], [bridge], redis_part(), self.write_line).run()
        except CannotStart as error:
            sys.exit(f"ytarchive: {error}")

    def write_line(self, line: str) -> None:
        """Tell the person at the terminal, at once, even through a pipe."""
        with contextlib.suppress(OSError):  # nobody listens any more: no reason to stop
            self.stdout.write(line)
            self.stdout.flush()


def _web_process(number: int, fd: int, env: dict[str, str]) -> Part:
    return Part(f"web {number}", manage("web", "--fd", str(fd)), env=env, fds=(fd,), grace=6.0)

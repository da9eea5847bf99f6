"""`manage.py up`: runs the whole archive on one machine."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from downloads import forked_process
from ytarchive.supervisor.forking.part import ForkedPart
from ytarchive.supervisor.listener import open_listener
from ytarchive.supervisor.process import ManagedProcess
from ytarchive.supervisor.readiness import embedded_redis_process
from ytarchive.supervisor.stack import Stack, build_child_environment, manage_command, single_instance_lock
from ytarchive.supervisor.startup import StartupError, line_writer
from ytarchive.supervisor.watchdog import PipeHeartbeat


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
            with single_instance_lock(), open_listener(options["bind"], options["port"]) as listener:
                env = build_child_environment(listener)
                web_processes = [
                    _web_process(number, listener.fileno(), env) for number in range(1, options["web"] + 1)
                ]
                worker = _watched_process("worker", env, 6.0, "work", "--workers", str(options["workers"]))
                bridge = _watched_process("bridge", env, 1.5, "bridge_progress")
                front = [*web_processes, worker]
                Stack(listener, front, [bridge], embedded_redis_process(), line_writer(self.stdout)).run()
        except StartupError as error:
            sys.exit(f"ytarchive: {error}")


# Elsewhere than on Linux, each is a new interpreter.
PART = ForkedPart if forked_process.IS_SUPPORTED else ManagedProcess


def _watched_process(name: str, env: dict[str, str], grace_seconds: float, *command: str) -> ManagedProcess:
    return PART(name, manage_command(*command), env=env, grace_seconds=grace_seconds, heartbeat=PipeHeartbeat())


def _web_process(number: int, fd: int, env: dict[str, str]) -> ManagedProcess:
    return PART(
        f"web {number}",
        manage_command("web", "--fd", str(fd)),
        env=env,
        pass_fds=(fd,),
        grace_seconds=6.0,
        heartbeat=PipeHeartbeat(),
    )

"""`manage.py web`: runs one web server alone."""

import logging
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from downloads.database.command import DatabaseCommand
from downloads.monitoring.folders import check_folders
from downloads.monitoring.results import CheckFailed
from ytarchive.server import tuning
from ytarchive.supervisor.listener import is_loopback, open_listener
from ytarchive.supervisor.startup import StartupError

logger = logging.getLogger(__name__)


class Command(DatabaseCommand):
    """Serve pages and WebSockets."""

    requires_system_checks = ()  # for a fast start; `manage.py check` runs them
    help = "Serves pages and WebSockets; `manage.py up` starts it with everything else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
        parser.add_argument("--fd", type=int, help="an inherited listening socket, instead of address and port")

    def handle(self, *args: Any, **options: Any) -> None:
        fd = options["fd"]
        if fd is None:
            fd = _listener_fd(options["bind"], options["port"])
        # TLS is for a reverse proxy: without OpenSSL, Twisted loads none of its own, which takes 6 MB.
        sys.modules.setdefault("OpenSSL", None)  # type: ignore[arg-type]
        # All imported here, since Daphne installs Twisted's reactor in the process.
        from daphne.endpoints import build_endpoint_description_strings  # noqa: PLC0415

        from ytarchive.asgi import application  # noqa: PLC0415
        from ytarchive.server.daphne_server import ProgressServer  # noqa: PLC0415
        from ytarchive.server.reactor_heartbeat import start_heartbeat  # noqa: PLC0415

        _warn_of_folders()
        tuning.limit_database_waits()
        tuning.enable_connection_pool()
        tuning.skip_autobahn_descriptions()
        tuning.tune_gc()
        start_heartbeat(settings.HEARTBEAT_FD, settings.WATCHDOG_SECONDS)
        ProgressServer(
            application,
            endpoints=build_endpoint_description_strings(file_descriptor=fd),
            websocket_timeout=-1,
            websocket_connect_timeout=10,
            server_name="",
        ).run()


def _warn_of_folders() -> None:
    """Log what is wrong with the folders; the pages are served, and /readyz says it until it is mended."""
    try:
        check_folders()
    except CheckFailed as problem:
        logger.warning("%s", problem)


def _listener_fd(host: str, port: int) -> int:
    """Return the file descriptor of a new listening socket.

    Makes the archive private if it is reachable from other machines and YTARCHIVE_PRIVATE is unset.
    """
    try:
        listener = open_listener(host, port)
    except StartupError as error:
        raise CommandError(str(error)) from error
    if not is_loopback(listener) and not settings.PRIVATE_IS_CHOSEN:
        settings.PRIVATE = True
    return listener.detach()

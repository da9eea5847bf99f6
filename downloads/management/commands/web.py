"""`manage.py web`: the web server alone."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Serve pages and WebSockets."""

    requires_system_checks = ()  # start soon: `check` has its own command
    help = "Serves pages and WebSockets; `manage.py up` starts it with everything else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
        parser.add_argument("--fd", type=int, help="an inherited listening socket, instead of address and port")

    def handle(self, *args: Any, **options: Any) -> None:
        # Imported here, since it installs Twisted's reactor in the process.
        from daphne.endpoints import build_endpoint_description_strings  # noqa: PLC0415

        from ytarchive.server import ProgressServer  # noqa: PLC0415

        if options["fd"] is not None:
            endpoints = build_endpoint_description_strings(file_descriptor=options["fd"])
        else:
            endpoints = build_endpoint_description_strings(host=options["bind"], port=options["port"])
            endpoints = [f"{endpoint}:backlog=1024" for endpoint in endpoints]
        from ytarchive.asgi import application  # noqa: PLC0415

        ProgressServer(
            application,
            endpoints=endpoints,
            websocket_timeout=-1,
            websocket_connect_timeout=10,
            server_name="",
        ).run()

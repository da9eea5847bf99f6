"""`python -m downloads.worker.processes`: the fork server of a worker, started by its launcher only."""

import os
import socket
import sys

import django


def main() -> None:
    """Serve the requests from the socket whose file descriptor is the first argument; the second is the worker's id."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ytarchive.settings")
    django.setup()
    from downloads.worker.processes import fork_server  # noqa: PLC0415 - once Django is set up

    with socket.socket(fileno=int(sys.argv[1])) as requests:
        fork_server.main(requests, worker_pid=int(sys.argv[2]))


if __name__ == "__main__":
    main()

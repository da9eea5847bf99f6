#!/usr/bin/env python
"""ytarchive's command line: `manage.py help` lists the commands."""

import os
import sys

if sys.version_info < (3, 11):
    sys.exit(
        f"ytarchive needs Python 3.11 or newer; this is {sys.version.split()[0]}. "
        "Install a newer one, or run: make run PYTHON=python3.12"
    )

# Commands whose names are written with hyphens, which names of modules cannot have.
HYPHENATED_COMMANDS = {"update-ytdlp": "update_ytdlp"}


def main() -> None:
    """Check the settings, then run the named command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ytarchive.settings")
    if sys.argv[1:2] == ["runserver"]:
        # A developer's server; whoever wants it otherwise sets DJANGO_DEBUG=0.
        os.environ["DJANGO_DEBUG"] = os.environ.get("DJANGO_DEBUG", "").strip() or "1"
    try:
        from django.conf import settings  # after the version check: older Pythons cannot import it
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError as error:
        sys.exit(f"{error}. Run `make run`, or `pip install -r requirements.txt`, first.")
    try:
        _ = settings.DATA
    except ImproperlyConfigured as error:
        sys.exit(f"ytarchive: {error}")
    # Two arguments, for `help update-ytdlp`.
    names = [HYPHENATED_COMMANDS.get(argument, argument) for argument in sys.argv[1:3]]
    if names[:1] == ["up"]:
        run_supervisor()
    else:
        execute_from_command_line([sys.argv[0], *names, *sys.argv[3:]])


def run_supervisor() -> None:
    """Run `up` without the applications: it starts processes that have them, and would keep 60 MB for nothing."""
    from django.conf import settings
    from django.utils.log import configure_logging

    from downloads.management.commands.up import Command

    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    Command().run_from_argv(sys.argv)


if __name__ == "__main__":
    main()

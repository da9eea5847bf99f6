"""Modules of the program, as source code."""

from pathlib import Path

from django.conf import settings

NOT_THE_PROGRAM = {"tests", "migrations"}


def find_modules() -> dict[str, Path]:
    """Return the path of every module and package by its full name, without tests and migrations."""
    modules = {}
    for folder in ("downloads", "ytarchive"):
        for path in sorted((settings.BASE_DIR / folder).rglob("*.py")):
            parts = path.relative_to(settings.BASE_DIR).with_suffix("").parts
            if not NOT_THE_PROGRAM & set(parts):
                modules[".".join(parts).removesuffix(".__init__")] = path
    return modules

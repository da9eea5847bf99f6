"""The pages' modules that need no browser, tested by Node's own test runner."""

import subprocess

import pytest
from django.conf import settings

from downloads.tests import tools

FILES = sorted((settings.BASE_DIR / "downloads" / "tests" / "javascript").glob("*.test.js"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_holds_in_node(file) -> None:
    done = subprocess.run([tools.require("node"), "--test", file], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout

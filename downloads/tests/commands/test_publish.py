"""The arguments of `manage.py publish`."""

import os

import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize("text", [b"\xff", b'{"phase": "\xff"}'])
def test_it_refuses_an_argument_that_is_no_text(text):
    with pytest.raises(CommandError, match="That isn’t valid JSON"):
        call_command("publish", "demo:1", os.fsdecode(text))

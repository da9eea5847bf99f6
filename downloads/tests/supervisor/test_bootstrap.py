"""Preparation steps of `manage.py up`."""

from ytarchive.supervisor.startup import first_error_line


def test_it_says_the_first_line_of_an_error() -> None:
    assert first_error_line(ValueError("one.\ntwo")) == "one"
    assert first_error_line(ValueError()) == "ValueError"

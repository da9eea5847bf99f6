"""File names made from titles."""

import pytest

from downloads.files import names
from downloads.tests.support.cases import each_case


@each_case(
    ("title", "name"),
    [
        ("A plain title", "A plain title"),
        ("../../../etc/passwd", "_.._.._etc_passwd"),
        ("..\\..\\x", "_.._x"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("~root", "root"),
        ("a\x00b\r\nc", "a b c"),
        ("CON", "_CON"),
        ("com1.mp4", "_com1.mp4"),
        ("", "video"),
        ("...", "video"),
        ("   ", "video"),
        ("\u202egpj.exe", "gpj.exe"),
        ('<img src="x">', "_img src=_x__"),
        ("trailing dots...", "trailing dots"),
        ("Straße 🎬 日本語", "Straße 🎬 日本語"),
        ("{{ 7*7 }} %(title)s", "{{ 7_7 }} %(title)s"),
    ],
)
def test_it_makes_a_plain_name_of_any_title(title, name):
    assert names.safe_name(title) == name


@pytest.mark.parametrize("title", ["x" * 1000, "🎬" * 1000, "é." * 500, "\ud800" * 5])
def test_it_cuts_a_name_to_what_a_file_system_takes(tmp_path, title):
    name = names.safe_name(title)
    assert 0 < len(name.encode()) <= names.MAX_NAME_BYTES
    (tmp_path / f"{name}.info.json").touch()

"""The documents: their lists are complete, and the targets of their links exist."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from downloads.models import Video
from downloads.tests.support.cases import each_case
from downloads.tests.support.factories import complete, waiting

DOCUMENTS = [*settings.BASE_DIR.glob("*.md"), *settings.BASE_DIR.glob("docs/*.md")]
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
TEST_LINK = re.compile(r"\[`(test_\w+)`\]\((\S+\.py)\)")
HOOK = re.compile(r"\bdata-[a-z]+(?:-[a-z]+)*\b")
SET_BY_SCRIPTS_ONLY = {"data-tracked"}  # spelled `dataset.tracked`


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to a document's headings."""
    headings = [heading.lower() for heading in HEADING.findall(document.read_text())]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


@each_case("document", DOCUMENTS)
def test_it_links_to_what_exists(document: Path) -> None:
    links = [link for link in LINK.findall(document.read_text()) if not link[0].startswith(("http:", "https:"))]
    targets = [(document.parent / path if path else document, anchor) for path, anchor in links]

    assert not [path for path, _ in targets if not path.exists()]
    assert not [anchor for path, anchor in targets if anchor and anchor not in anchors(path)]


def test_reliability_links_to_tests_that_exist() -> None:
    """Each link to a test names it, and each row of a table with a column “test” has one."""
    document = settings.BASE_DIR / "docs" / "reliability.md"
    text = document.read_text()
    links = TEST_LINK.findall(text)
    assert links
    for name, path in links:
        assert re.search(rf"^(?:async )?def {name}\(", (document.parent / path).read_text(), re.MULTILINE), name
    assert not [row for row in rows_with_test_column(text) if not TEST_LINK.search(row)]


def rows_with_test_column(text: str) -> list[str]:
    """Return the rows of all tables whose head has a column “test”."""
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [row for table in tables if "| test |" in table.splitlines()[0] for row in table.splitlines()[2:]]


def test_it_lists_every_hook_of_the_markup() -> None:
    folders = [
        (settings.BASE_DIR / name).rglob(f"*.{kind}") for name, kind in (("templates", "html"), ("static", "js"))
    ]
    files = [path for folder in folders for path in folder] + [*settings.BASE_DIR.glob("static/css/*.css")]
    used = {hook for path in files for hook in HOOK.findall(path.read_text())}
    tables = (settings.BASE_DIR / "docs" / "protocol.md").read_text()
    documented = set(re.findall(r"^\| `(data-[a-z-]+)` \|", tables, re.MULTILINE))

    assert documented == used | SET_BY_SCRIPTS_ONLY


@pytest.mark.django_db
def test_the_links_for_media_servers_can_be_made_again(tmp_path, monkeypatch) -> None:
    text = (settings.BASE_DIR / "docs" / "operating.md").read_text()
    commands = re.search(r"shell --verbosity 0 --command '\n(.*?)\n'", text, re.DOTALL)[1]
    films = {"a": "../Ada: & sons", "b": ""}
    for name, uploader in films.items():
        video = complete(name)
        Video.objects.filter(pk=video.pk).update(uploader=uploader)
        (settings.MEDIA_ROOT / video.media_file).write_text(name)
    waiting("c")
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        exec(commands, {})  # noqa: S102 - a part of a document
    links = sorted(path for path in tmp_path.rglob("*") if path.is_symlink())
    assert [link.read_text() for link in links] == ["b", "a"]
    assert {link.parent.name for link in links} == {"Unknown uploader", "_Ada_ & sons"}
    assert all(link.name.startswith("Film ") and link.parent.parent.name == "by-uploader" for link in links)

"""The dialog that lists the keys of a page."""

import re
from html import unescape

import pytest
from django.conf import settings

from downloads.tests.support.factories import complete

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def listed_keys(client, path: str) -> set[str]:
    page = client.get(path).content.decode()
    dialog = re.search(r'<dialog class="dialog keys".*?</dialog>', page, re.DOTALL)[0]
    assert page.count('commandfor="keys"') >= 1
    return {unescape(key) for key in re.findall(r"<kbd>(.*?)</kbd>", dialog)}


def test_each_page_lists_its_keys(client, signed_in_user):
    player_keys = {"Space", "k", "j", "l", "<", ">", "m", "c", "f", "t", "i", "0", "9"}
    card_keys = {"Home", "End", "x"}
    everywhere = {"/", "?", "Esc", "n"}
    assert player_keys | everywhere <= listed_keys(client, complete().get_absolute_url())
    for path in ("/", "/activity/"):
        keys = listed_keys(client, path)
        assert card_keys | everywhere <= keys
        assert not keys & {"j", "k"}
    assert listed_keys(client, "/channels/") == everywhere
    # A row has buttons in place of a menu; its arrows to the left and right lead to them.
    assert "m" in listed_keys(client, "/")
    assert "m" not in listed_keys(client, "/activity/")
    assert "Go to its buttons and back" in client.get("/activity/").content.decode()


def test_every_key_of_the_player_is_listed(client):
    script = (settings.BASE_DIR / "static" / "js" / "player_keys.js").read_text()
    names = {" ": "Space", "ArrowLeft": "←", "ArrowRight": "→", "N": "n", "P": "p"}
    keys = {names.get(key, key) for key in re.findall(r'^\t\["(.+?)", ', script, re.MULTILINE)}
    assert len(keys) == 13
    assert keys <= listed_keys(client, complete().get_absolute_url())


def test_strangers_of_a_private_archive_are_offered_none(client, settings):
    settings.PRIVATE = True
    assert 'id="keys"' not in client.get("/accounts/login/").content.decode()

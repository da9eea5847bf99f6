"""The cache of rendered cards."""

import datetime as dt
import re

import pytest
from django.core.cache import caches
from django.db import models
from django.utils import timezone

from downloads import formatting
from downloads.models import Video
from downloads.tests.support.factories import complete, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


OTHER_VALUES = {
    models.BooleanField: True,
    models.DateField: dt.date(2020, 2, 3),
    models.DateTimeField: dt.datetime(2020, 2, 3, tzinfo=dt.UTC),
    models.FloatField: 55.5,
    models.IntegerField: 7,
    models.BigIntegerField: 7_000_000,
    models.PositiveIntegerField: 2,
    models.JSONField: [],
}


def card_markup(client, *, search: str = "film") -> list[str]:
    paths = ("/", "/activity/", *([f"/?q={search}"] if search else []))
    pages = [client.get(path).content.decode() for path in paths]
    return re.findall(r'<li class="(?:card|row)".*?</li>', "".join(pages), re.DOTALL)


def test_an_unchanged_card_comes_from_the_cache(client, signed_in_user):
    complete("a"), waiting("b")
    drawn = [
        [template.name for template in client.get(path).templates].count(f"downloads/{name}.html")
        for path, name in (("/", "library/_video"), ("/activity/", "activity/_row")) * 2
    ]
    assert drawn == [1, 1, 0, 0]


@pytest.mark.parametrize(
    "field",
    [field for field in Video._meta.concrete_fields if not (field.primary_key or field.generated or field.is_relation)],
    ids=lambda field: field.name,
)
def test_a_cached_card_follows_each_field(client, signed_in_user, field):
    videos = [complete("film-a"), waiting("film-b")]
    search = "film" if field.name in ("title", "url", "uploader", "description") else ""  # what is marked in a card
    before = card_markup(client, search=search)
    for video in videos:
        other = "failed" if field.name == "status" else OTHER_VALUES.get(type(field), f"film{video.pk}")
        Video.objects.filter(pk=video.pk).update(**{field.name: other})
    after = card_markup(client, search=search)
    caches["cards"].clear()
    assert after == card_markup(client, search=search)
    if field.name in ("title", "status", "duration", "percent"):
        assert after != before  # a card shows the change
    if field.name == "title":
        assert not set(after) & set(before)  # each of them


def test_a_cached_card_follows_the_clock_and_the_user(client, signed_in_user, monkeypatch):
    complete("a")
    for card in card_markup(client):
        assert "just now" in card
        assert "Delete" in card
    hour = timezone.now() + dt.timedelta(hours=1)
    monkeypatch.setattr(formatting.timezone, "now", lambda: hour)
    cards = card_markup(client)
    assert len(cards) == 2
    assert all("1 hour ago" in card for card in cards)
    client.logout()
    assert not [card for card in card_markup(client) if "Delete" in card]

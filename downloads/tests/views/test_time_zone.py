"""Dates and times in the zone of TZ: the admin, its filters by day, and the pages, which name the zone."""

import datetime as dt
import re
import zoneinfo

import pytest
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.urls import reverse

from downloads.models import Video, VideoEvent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_server")]

CHANGELIST_URL = "/admin/downloads/video/"
ADDED_AT = dt.datetime(2026, 11, 28, 22, 30, 5, tzinfo=dt.UTC)
# Half hours, daylight saving time that begins at midnight, a day that was left out.
ZONES = [
    *("UTC", "Europe/Berlin", "Pacific/Auckland", "America/St_Johns", "Asia/Kathmandu"),
    *("Asia/Beirut", "America/Sao_Paulo", "Pacific/Apia", "Etc/GMT+12"),
]
MOMENTS = [
    *("2026-11-28T22:30:05", "2026-11-28T23:00:00", "2026-12-31T23:30:00", "2027-01-01T00:30:00"),
    *("2026-03-29T00:30:00", "2026-03-28T22:00:00", "2026-03-28T21:59:59", "2026-10-25T00:30:00"),
    *("2026-10-24T21:30:00", "2026-10-31T12:00:00"),
]


def add_video(number: int = 0, added_at: dt.datetime = ADDED_AT) -> Video:
    video = Video.objects.ingest(f"http://{number}.example/", f"http://{number}.example/")[0]
    Video.objects.filter(pk=video.pk).update(added_at=added_at)
    VideoEvent.objects.filter(video=video.pk).update(at=added_at)
    return video


def listed(client, query: str) -> bool:
    # The filters name the site of what is not listed too.
    return (
        f'href="{CHANGELIST_URL}{Video.objects.get().pk}/change/' in client.get(CHANGELIST_URL + query).content.decode()
    )


@pytest.mark.parametrize(("zone", "shown", "day"), [
    ("UTC", "28 Nov 2026, 22:30", 28),
    ("Europe/Berlin", "28 Nov 2026, 23:30", 28),
    ("Pacific/Auckland", "29 Nov 2026, 11:30", 29),
    ("America/Sao_Paulo", "28 Nov 2026, 19:30", 28),
])  # fmt: skip
def test_the_admin_shows_and_filters_the_day_of_the_zone(superuser_client, settings, zone, shown, day):
    settings.TIME_ZONE = zone
    video = add_video()

    for url in (CHANGELIST_URL, f"{CHANGELIST_URL}{video.pk}/change/"):
        page = superuser_client.get(url).content.decode()
        assert shown in page
        assert f"Dates and times are in {zone} (now" in page
        offset = dt.datetime.now(zoneinfo.ZoneInfo(zone)).strftime("%z")
        assert re.search(r"\(now \d\d:\d\d(.*?)\)\.", page)[1] == ("" if zone == "UTC" else f", UTC{offset}")
    month = "?added_at__year=2026&added_at__month=11"
    assert re.findall(r"added_at__day=(\d+)", superuser_client.get(CHANGELIST_URL + month).content.decode()) == [
        str(day)
    ]
    assert listed(superuser_client, f"{month}&added_at__day={day}")
    assert not listed(superuser_client, f"{month}&added_at__day={57 - day}")


def test_the_accounts_and_the_history_name_the_zone_too(superuser_client, settings):
    settings.TIME_ZONE = "Asia/Kathmandu"
    user = get_user_model().objects.get(username="ann")
    fields = {"username": "ann", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    superuser_client.post(f"/admin/auth/user/{user.pk}/change/", fields)
    get_user_model().objects.update(last_login=ADDED_AT)

    for path in ("", f"{user.pk}/change/", f"{user.pk}/history/"):
        page = superuser_client.get(f"/admin/auth/user/{path}").content.decode()
        assert "29 Nov 2026, 04:15" in page or path.endswith("history/")
        assert "Dates and times are in Asia/Kathmandu (now" in page


@pytest.mark.parametrize("zone", ZONES)
def test_the_date_hierarchy_has_the_periods_of_the_zone(settings, zone):
    settings.TIME_ZONE = zone
    for number, moment in enumerate(MOMENTS):
        add_video(number, dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC))

    for kind in ("year", "month", "day"):
        videos = Video.objects.filter(added_at__month=3) if kind == "day" else Video.objects.all()
        assert list(videos.datetimes("added_at", kind)) == list(QuerySet.datetimes(videos, "added_at", kind))


def test_pages_name_the_zone_of_a_time(superuser_client, settings):
    settings.TIME_ZONE = "Pacific/Auckland"
    video = add_video()

    page = superuser_client.get(reverse("video", args=[video.video_id])).content.decode()

    assert "29 November 2026, 11:30 NZDT" in page
    assert "29 Nov, 11:30:05 NZDT" in page
    assert "2026-11-29T11:30:05+13:00" in page


def test_the_admin_shows_the_dates_of_an_account_and_keeps_them(superuser_client, settings):
    settings.TIME_ZONE = "Pacific/Auckland"
    user = get_user_model().objects.get(username="ann")
    get_user_model().objects.update(date_joined=ADDED_AT)
    url = f"/admin/auth/user/{user.pk}/change/"
    assert "29 Nov 2026, 11:30" in superuser_client.get(url).content.decode()

    superuser_client.post(url, {
        "username": "ann", "is_active": "on", "is_staff": "on", "is_superuser": "on", "first_name": "Ann",
        "date_joined_0": "2020-01-01", "date_joined_1": "00:00:00",
    })  # fmt: skip

    user.refresh_from_db()
    assert (user.first_name, user.date_joined) == ("Ann", ADDED_AT)

"""Channels: which video belongs to which, and counters that stay exact whatever writes a row."""

import datetime as dt
import itertools
import random

import pytest
from django.db import connection
from django.db.models import Count, Max, Q, Sum

from downloads.models import UNFINISHED_STATUSES, Channel, Metadata, Status, StoredFiles, Video
from downloads.models.channels import triggers
from downloads.tests.support.factories import complete, reload_video

pytestmark = pytest.mark.django_db
NUMBERS = itertools.count()


def create(count: int = 1, **fields) -> Video:
    """Write rows as they are, and return the last."""
    for _ in range(count):
        url = fields.get("url", "http://93.184.215.14/v")
        row_fields = {"status": Status.COMPLETE, **fields, "url": url}
        video = Video.objects.create(canonical_url=f"{url}#{next(NUMBERS)}", **row_fields)
    return video


def channel_of(video: Video) -> Channel:
    return Channel.objects.get(pk=reload_video(video).channel_id)


def counted_by_query() -> dict[int, tuple[int, int, int, dt.datetime]]:
    """Count the videos of each channel the plain way: those that can be watched."""
    is_redownloading = Q(media_file__gt="", status__in=UNFINISHED_STATUSES)
    counted = Video.objects.filter(Q(status=Status.COMPLETE) | is_redownloading, is_list=False)
    counts = counted.order_by().values("channel")
    counts = counts.annotate(n=Count("pk"), length=Sum("duration"), size=Sum("size"), newest=Max("added_at"))
    return {
        row["channel"]: (row["n"], round((row["length"] or 0) * 1000), row["size"] or 0, row["newest"])
        for row in counts
    }


def counted_by_triggers() -> dict[int, tuple[int, int, int, dt.datetime]]:
    return {
        channel.pk: (channel.video_count, channel.total_ms, channel.total_bytes, channel.newest_at)
        for channel in Channel.objects.filter(video_count__gt=0)
    }


def test_it_keeps_uploaders_of_one_name_at_two_sites_apart():
    first, second = create(uploader="Ada", extractor="Vimeo"), create(uploader="Ada", extractor="X")
    assert channel_of(first) != channel_of(second)
    # The generic extractor stands for any site: the host tells them apart.
    third, fourth = (
        create(uploader="Ada", extractor="Generic", url=f"https://{host}/v") for host in ("a.example", "b.example")
    )
    assert channel_of(third).site == "a.example"
    assert channel_of(fourth).site == "b.example"


@pytest.mark.parametrize("name", ["a/b?c#d", "../..", "🦆" * 255, "x" * 255, "%2F", "", " ", "\\", "'; --", "ß"])
def test_it_takes_any_name(name):
    video = create(uploader=name, extractor="Vimeo")
    assert channel_of(video).name == name
    assert channel_of(video).get_absolute_url() == f"/channels/{video.channel_id or reload_video(video).channel_id}/"
    assert counted_by_triggers() == counted_by_query()


def test_it_knows_an_uploader_by_address_under_a_new_name():
    url = "https://site.example/channel/UC1"
    first = create(uploader="Old name", uploader_url=url, extractor="S")
    second = create(uploader="New name", uploader_url=url, extractor="S")
    other = create(uploader="New name", uploader_url=f"{url}2", extractor="S")
    assert channel_of(first) == channel_of(second) != channel_of(other)
    assert channel_of(first).name == "New name"


def test_it_gives_the_address_to_the_channel_that_was_known_by_name():
    before = create(uploader="Ada", extractor="S")
    with_address = create(uploader="Ada", uploader_url="https://s.example/c/1", extractor="S")
    after = create(uploader="Ada", extractor="S")
    assert channel_of(before) == channel_of(with_address) == channel_of(after)
    assert channel_of(before).url == "https://s.example/c/1"


def test_it_counts_through_the_life_of_a_video(child_environment, redis_server):
    video = complete()
    channel = channel_of(video)
    assert (channel.video_count, channel.total_ms, channel.total_bytes) == (1, 724_000, 603_000_000)
    # Its file can be watched meanwhile.
    before = counted_by_triggers()
    assert video.redownload("Again")
    assert counted_by_triggers() == counted_by_query() == before
    claimed = Video.objects.claim("w")
    assert counted_by_triggers() == before
    assert claimed.save_metadata(Metadata(title="Film", uploader="Grace", uploader_url="https://s.example/grace"))
    assert claimed.finish(StoredFiles("a.mp4", 5), lambda: None)
    assert channel_of(video).name == "Grace"
    assert counted_by_triggers() == counted_by_query()
    # A copy that was read before the assignment writes its own, stale columns.
    video.save()
    assert counted_by_triggers() == counted_by_query()
    Video.objects.filter(pk=video.pk).delete()
    assert counted_by_triggers() == {}


@pytest.mark.parametrize("seed", range(4))
def test_it_counts_as_a_plain_query_does_after_any_writes(seed):
    rng = random.Random(seed)
    for _ in range(60):
        write_at_random(rng)
        assert counted_by_triggers() == counted_by_query()
    triggers.recount()
    assert counted_by_triggers() == counted_by_query()


def write_at_random(rng: random.Random) -> None:
    fields = {
        "uploader": rng.choice(["", "Ada", "Grace", "a/b"]),
        "uploader_url": rng.choice([None, None, "https://s.example/1", "https://s.example/2"]),
        "extractor": rng.choice(["Generic", "S", "T"]),
        "status": rng.choice([Status.COMPLETE, Status.COMPLETE, Status.FAILED, Status.QUEUED]),
        "is_list": rng.random() < 0.1,
        "media_file": rng.choice(["", "v/v.mp4"]),
        "duration": rng.choice([None, 1.5, 60.25, 3600]),
        "size": rng.choice([None, 1, 10**12]),
        "added_at": dt.datetime(2026, 1, rng.randint(1, 28), tzinfo=dt.UTC),
    }
    videos = list(Video.objects.order_by("pk"))
    videos = rng.sample(videos, min(3, len(videos)))
    match rng.randrange(5 if videos else 1):
        case 0:
            create(rng.randint(1, 3), **fields)
        case 1:
            Video.objects.filter(pk__in=[video.pk for video in videos]).update(
                **dict(rng.sample(sorted(fields.items()), 3))
            )
        case 2:
            for name, value in fields.items():
                setattr(videos[0], name, value)
            videos[0].save()
        case 3:
            Video.objects.filter(pk=videos[0].pk)._raw_delete(using="default")
        case 4:
            Video.objects.update(size=fields["size"], duration=fields["duration"])


def test_it_counts_again_what_was_written_without_its_triggers():
    with connection.cursor() as cursor:
        for name in triggers.SQLITE_TRIGGERS if connection.vendor == "sqlite" else triggers.POSTGRES_TRIGGERS:
            cursor.execute(f"DROP TRIGGER {name}" + (" ON downloads_video" if connection.vendor != "sqlite" else ""))
    create(3, uploader="Ada", extractor="S", size=7)
    assert counted_by_triggers() == {}
    triggers.install_triggers()
    assert counted_by_triggers() == counted_by_query() != {}
    Channel.objects.update(video_count=9)
    triggers.replace_triggers()
    assert counted_by_triggers() == counted_by_query() != {}
    create(uploader="Ada", extractor="S", status=Status.QUEUED, media_file="v/v.mp4")
    assert counted_by_triggers() == counted_by_query()


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="other databases refuse such values")
def test_it_leaves_out_values_that_are_none():
    create(3, uploader="Ada", extractor="S", duration=1.0, size=5)
    with connection.cursor() as cursor:
        for number, (duration, size) in enumerate([("'x'", "'y'"), ("9e999", "-5")]):
            cursor.execute(f"UPDATE downloads_video SET duration = {duration}, size = {size} WHERE id % 3 = {number}")
    assert [(c.video_count, c.total_ms, c.total_bytes) for c in Channel.objects.all()] == [(3, 1000, 5)]

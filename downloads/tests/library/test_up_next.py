"""The videos after one, in a playlist or a channel."""

import pytest

from downloads.intake.playlist_places import Place, write_places
from downloads.library.video.next_list import build_next_list
from downloads.library.video.up_next import next_videos
from downloads.models import Status, Video
from downloads.tests.support.factories import create_videos, reload_video

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "key", ["x", "channel:", "channel:x", "channel:-1", f"channel:{'9' * 40}", "channel:٣", "../x"]
)
def test_it_knows_nothing_after_a_key_that_means_nothing(key):
    first, _ = create_videos(2, uploader="Ada", extractor="S")
    assert next_videos(first, key, 5) == []


def test_it_goes_back_in_time_through_a_channel():
    videos = [reload_video(video) for video in create_videos(4, uploader="Ada", extractor="S")]
    create_videos(uploader="Eve", extractor="S")
    Video.objects.filter(pk=videos[1].pk).update(status=Status.FAILED)
    key = f"channel:{videos[0].channel_id}"
    assert next_videos(videos[3], key, 5) == [videos[2], videos[0]]
    assert next_videos(videos[3], key, 1) == [videos[2]]
    assert next_videos(videos[0], key, 5) == []


def test_it_follows_the_places_of_a_playlist_past_what_is_not_there():
    one, two, three = create_videos(3)
    failed = create_videos(status=Status.FAILED)[0]
    playlist = create_videos(is_list=True, media_file="")[0]
    places = [Place(video, "", "present") for video in (three, failed, one)]
    write_places(playlist, [*places[:2], Place(None, "", "private"), places[2]], is_cut=False)
    assert next_videos(three, playlist.video_id, 5) == [one]
    assert next_videos(two, playlist.video_id, 5) == []
    assert next_videos(three, "", 5) == [one]


def test_it_knows_the_neighbours_of_a_video():
    oldest, failed, older, video, newer = create_videos(5)
    Video.objects.filter(pk=failed.pk).update(status=Status.FAILED)
    Video.objects.filter(pk=older.pk).update(added_at=video.added_at)
    older, video = reload_video(older), reload_video(video)
    lists = [build_next_list(of) for of in (oldest, older, video, newer)]
    assert [next_list.previous for next_list in lists] == [older, video, newer, None]
    assert [next_list.videos[0] for next_list in lists[1:]] == [oldest, older, video]
    assert lists[0].videos == [newer, video, older]  # nothing is older: begins again with the newest

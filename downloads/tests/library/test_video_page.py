"""The page of one video, and its actions."""

import datetime as dt
import re

import pytest
from django.conf import settings

from downloads.library.video import player
from downloads.library.video.next_list import build_next_list
from downloads.models import Queue, Status, Video, VideoEvent
from downloads.templatetags import description
from downloads.tests.support.factories import complete, failed, running, waiting
from downloads.tests.support.responses import opening_tag
from downloads.tests.support.subtitles import MALFORMED_SUBTITLE_FILES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def complete_video_with_file(settings, tmp_path):
    """Make a complete video whose file is there: `film("a.mp3", subtitle_files=…)`."""
    settings.MEDIA_ROOT = tmp_path

    def make(name="a.mp4", **fields) -> Video:
        video = complete(name.partition(".")[0])
        (tmp_path / name).write_bytes(b"film")
        Video.objects.filter(pk=video.pk).update(media_file=name, **fields)
        video.refresh_from_db()
        return video

    return make


def render_video_page(client, video: Video, query: str = "") -> str:
    """Return the video's page, after comparing its changing parts with the partial."""
    page = client.get(f"{video.get_absolute_url()}?{query}").content.decode()
    partial = client.get(f"/videos/cards?as=detail&{query}&id={video.video_id}").content.decode()
    assert len(re.findall(r"data-video-id=", page)) == len(re.findall(r"data-status=", page)) == 1
    assert re.findall(r'data-part="(?!messages)(\w+)"', page) == re.findall(r'data-part="(\w+)"', partial)
    # Exactly: a live update leaves equal parts alone, and a description keeps its empty lines.
    in_header = re.match(
        r'\s*(<div class="pill-place".*?</div>)\s*(<div class="panel-rows".*?</div>)\s*(?=<)', partial, re.DOTALL
    )
    for part in (*in_header.groups(), partial[in_header.end() :].strip()):
        assert part in page
    return page


def test_it_shows_a_complete_video_with_its_player(client, complete_video_with_file):
    video = complete_video_with_file()
    page = render_video_page(client, video)
    assert 'data-status="complete"' in opening_tag(page, video)
    player = re.search(r"<video.*?>", page, re.DOTALL).group(0)
    assert f'src="/media/{video.video_id}/video?v=' in player
    assert 'preload="metadata"' in player
    assert f'data-resume="{video.video_id}"' in player
    assert "<span>12 min</span>" in page
    assert "?download=1" in page
    assert re.findall(r"<li class=\"state-(\w+)\"", page) == ["queued", "downloading", "downloading", "complete"]


def test_it_shows_a_running_video_with_its_bar(client):
    video = running(percent=7)
    page = client.get(video.get_absolute_url()).content.decode()
    assert 'aria-valuenow="7"' in page
    assert "<video" not in page


def test_it_shows_why_a_video_failed(client, signed_in_user):
    page = client.get(failed(error="The site answered 404: nothing is there.").get_absolute_url()).content.decode()
    assert "The site answered 404" in page
    assert "Retry" in page


def test_it_sends_strangers_of_a_private_archive_to_the_sign_in(client, settings):
    settings.PRIVATE = True
    for path in (complete().get_absolute_url(), "/videos/nope/"):
        assert client.get(path).status_code == 302


def test_it_refuses_to_be_posted_to(client):
    assert client.post(complete().get_absolute_url()).status_code == 405


def test_it_offers_each_language_of_the_subtitles_that_are_there(client, complete_video_with_file, tmp_path):
    (tmp_path / "a.de.vtt").write_text("WEBVTT")
    video = complete_video_with_file(
        subtitle_files=[{"language": "de", "file": "a.de.vtt"}, {"language": "en", "file": "gone.vtt"}]
    )
    tracks = re.findall(r"<track.*?>", render_video_page(client, video), re.DOTALL)
    assert len(tracks) == 1
    for part in ('kind="subtitles"', 'srclang="de"', 'label="Deutsch"', f'"/media/{video.video_id}/tracks/de.vtt"'):
        assert part in tracks[0]
    assert "default" not in tracks[0]


@pytest.mark.parametrize("row", MALFORMED_SUBTITLE_FILES)
def test_it_ignores_malformed_subtitle_files(client, complete_video_with_file, tmp_path, row):
    (tmp_path / "a.en.vtt").write_text("WEBVTT")
    assert "<track" not in render_video_page(client, complete_video_with_file(subtitle_files=row))


def test_it_plays_the_older_file_until_a_newer_one_is_there(client, complete_video_with_file):
    video = complete_video_with_file()
    player = re.compile(r"<video.*?>", re.DOTALL)
    before = player.search(render_video_page(client, video)).group(0)
    assert video.redownload()
    assert player.search(render_video_page(client, video)).group(0) == before
    (settings.MEDIA_ROOT / video.media_file).write_bytes(b"another")
    assert player.search(render_video_page(client, video)).group(0) != before


@pytest.mark.parametrize(
    ("name", "quality", "kind"),
    [
        ("a.mp4", "best", "video"),
        ("a.webm", "best", "video"),
        ("a.webm", "audio", "audio"),
        ("a.M4A", "best", "audio"),
        ("a.avi", "best", "other"),
    ],
)
def test_it_plays_each_kind_in_its_way(client, complete_video_with_file, name, quality, kind):
    video = complete_video_with_file(name, quality=quality)
    assert player.build_player(video).kind == kind
    page = render_video_page(client, video)
    assert ("<video" in page, "<audio" in page) == (kind == "video", kind == "audio")
    assert ("Browsers can’t play this kind of file" in page) == (kind == "other")


def test_it_says_that_a_file_is_gone_and_what_to_do(client, signed_in_user):
    video = complete()
    (settings.MEDIA_ROOT / video.media_file).unlink(missing_ok=True)  # of an earlier test
    page = render_video_page(client, video)
    assert "The file is no longer on the disk." in page
    assert "Download again" in page
    assert "<video" not in page
    assert "?download=1" not in page


def test_it_says_what_is_before_a_waiting_video(client):
    first, second, third = waiting("a"), waiting("b"), waiting("c")
    assert "next in the queue" in render_video_page(client, first)
    assert "1 ahead in the queue" in render_video_page(client, second)
    assert third.move_to_front()
    assert "2 ahead in the queue" in render_video_page(client, second)
    assert running("first").retry_later("Busy.")
    assert "ahead in the queue" not in render_video_page(client, Video.objects.get(retry_count=1))
    Queue.pause("Paused")
    assert Queue.get_or_default().blocked_reason in render_video_page(client, first)


def test_it_lists_what_starts_before_a_waiting_video(client):
    videos = [waiting(f"v{number}") for number in range(9)]
    assert videos[5].move_to_front()

    def listed(video):
        ahead = render_video_page(client, video).partition('data-part="ahead"')[2].partition("</details>")[0]
        return re.findall(r'href="/videos/(\w+)/"', ahead), "All waiting videos" in ahead

    in_order = [video.video_id for video in (videos[5], *videos[:5])]
    assert listed(videos[8]) == (in_order, True)
    assert listed(videos[6]) == (in_order, False)
    assert listed(videos[0]) == (in_order[:1], False)
    assert listed(videos[5]) == ([], False)
    assert listed(running("first")) == ([], False)


def test_it_says_when_the_title_comes(client):
    video = waiting()
    words = "The title appears when the video is looked up."
    assert words in render_video_page(client, video)
    Video.objects.filter(pk=video.pk).update(title="A")
    assert words not in render_video_page(client, video)
    assert words not in render_video_page(client, failed("b"))


def test_the_channel_has_the_picture_of_its_newest_video(client, complete_video_with_file):
    older, newer = complete_video_with_file("a.mp4"), complete_video_with_file("b.mp4")
    Video.objects.filter(pk=newer.pk).update(channel=older.channel_id)
    assert 'class="avatar' in render_video_page(client, older)
    assert "/thumbnail" not in render_video_page(client, older)
    Video.objects.filter(pk=newer.pk).update(thumbnail="b/b.jpg")
    page = render_video_page(client, older)
    avatar = page.partition('<span class="avatar')[2].partition("</span>")[0]
    assert f"/{newer.video_id}/" in re.search(r'<img src="(.*?)"', avatar)[1]


def test_it_says_a_failure_in_words_with_the_site_s_own_beneath(client, signed_in_user):
    video = running()
    assert video.fail("The site shows this video to You need to sign in on the site.\n<b>Private</b> video")
    page = render_video_page(client, video)
    assert "<p>The site shows this video to You need to sign in on the site.</p>" in page
    assert '<p class="said">&lt;b&gt;Private&lt;/b&gt; video</p>' in page
    assert page.count("The site shows this video to You need") == 1  # the history says "Failed"
    assert "Retry starts over." in page


def test_an_address_in_a_reason_breaks_after_its_slashes(client):
    video = failed("a", "Not found: http://a.example/b.mp4")
    for page in (render_video_page(client, video), client.get("/activity/").content.decode()):
        assert "Not found: http:/<wbr>/<wbr>a.example/<wbr>b.mp4" in page


def test_a_failed_redownload_keeps_the_old_file(client, complete_video_with_file):
    video = complete_video_with_file()
    assert video.redownload()
    assert Video.objects.claim("w").fail("The site has a problem (503). Try again later.")
    page = render_video_page(client, video)
    assert "Your existing copy is unchanged." in page
    assert "<video" in page


def test_it_shows_the_latest_attempt_and_folds_earlier_ones(client):
    video = failed()
    for _ in range(2):
        assert video.retry("Retried")
        assert Video.objects.claim("w").fail("No.")
    for number, event in enumerate(video.events.all()):
        VideoEvent.objects.filter(pk=event.pk).update(at=event.at + dt.timedelta(minutes=number))
    newest, _, earlier = re.search(r"<summary>History.*?</details>", render_video_page(client, video), re.DOTALL)[
        0
    ].partition('<div class="earlier">')
    states = re.compile(r'<li class="state-(\w+)"')
    assert states.findall(newest) == ["queued", "downloading", "failed"]
    assert "2 earlier attempts" in newest
    assert len(states.findall(earlier)) == 6
    assert newest.count("1 min later") == 3


def test_it_leads_to_the_newer_and_the_older_film(client, complete_video_with_file):
    old, middle, new = (
        complete_video_with_file("old.mp4"),
        complete_video_with_file("middle.mp4"),
        complete_video_with_file("new.mp4"),
    )
    failed()
    page = render_video_page(client, middle)
    assert re.search(rf'rel="prev"\s+href="{new.get_absolute_url()}"', page)
    assert re.search(rf'rel="next"\s+href="{old.get_absolute_url()}"', page)
    Video.objects.update(added_at=middle.added_at)  # as entries of a playlist may have it
    up_next = build_next_list(middle)
    assert (up_next.videos, up_next.previous) == ([old, new], new)
    assert build_next_list(new).previous is None


def test_it_links_a_playlist_and_its_entries(client):
    listed = running("list")
    entries = [waiting("one"), waiting("two")]
    Video.objects.filter(pk__in=[entry.pk for entry in entries]).update(parent=listed)
    assert entries[1].cancel()
    assert listed.complete_as_playlist("Many films", "Playlist: 2 videos added.")
    page = render_video_page(client, listed)
    assert "<span>2 videos</span>" in page
    assert re.findall(r"<span>(1 \w+)</span>", page) == ["1 waiting", "1 cancelled"]
    for entry in entries:
        assert f'<a href="{entry.get_absolute_url()}?list={listed.video_id}"' in page
    assert "no longer on the disk" not in page
    assert f'In <a href="{listed.get_absolute_url()}"><bdi>Many films</bdi>' in render_video_page(client, entries[0])


def test_it_folds_a_long_description(client, complete_video_with_file):
    assert description.fold_class("word " * 120) == "folded-narrow"
    page = render_video_page(client, complete_video_with_file(description="a line\n" * 13))
    assert '<section class="description folded"' in page
    assert 'type="checkbox"' in page


def test_it_links_what_a_description_names_and_gives_nothing_away(client, complete_video_with_file):
    text = 'See https://example.org/more, <script>alert(1)</script> and " rel="nofollow" href="'
    page = render_video_page(client, complete_video_with_file(description=text))
    assert '<a href="https://example.org/more" rel="noopener noreferrer nofollow">' in page
    assert "<script>alert" not in page
    assert "&quot; rel=&quot;nofollow&quot;" in page


def test_it_starts_where_the_address_says(client, complete_video_with_file):
    video = complete_video_with_file()
    for address in ("t=83", "t=83s", "t=1:23", "t=0:01:23", "t=1m23s", "t=0h1m23"):
        assert re.search(r'/video\?v=\w+#t=83"', render_video_page(client, video, address)), address
    for broken in ("t=", "t=x", "t=-1", "t=1e9", "t=" + "9" * 7, "t=%00", "t=\u0661", "t=s", "t=1:60:00"):
        assert "#t=" not in render_video_page(client, video, broken)


def test_it_asks_the_database_no_more_for_more(client, complete_video_with_file, django_assert_max_num_queries):
    video = complete_video_with_file()
    listed = running("list")
    Video.objects.filter(pk__in=[waiting(f"e{number}").pk for number in range(30)]).update(parent=listed)
    assert listed.complete_as_playlist("Many films", "A list.")
    for page_video in (video, listed, Video.objects.waiting().last()):
        with django_assert_max_num_queries(12):
            client.get(page_video.get_absolute_url())


def test_it_names_a_video_without_a_title_by_its_address(client):
    video = waiting()
    for path in ("/activity/", video.get_absolute_url()):
        page = client.get(path).content.decode()
        assert "a.example.org<" in page
        assert 'title="http://a.example.org/"' in page


def test_a_file_on_a_disk_that_is_not_mounted_is_not_called_lost(client, redis_server):
    video = Video.objects.create(
        url="http://a.example/", canonical_url="http://a.example/", status=Status.COMPLETE, media_file="abc/film.mp4"
    )
    page = client.get(video.get_absolute_url()).content.decode()
    assert "no longer on the disk" in page
    Queue.hold("host", "The media folder is not the archive's.", 30)
    page = client.get(video.get_absolute_url()).content.decode()
    assert "no longer on the disk" not in page
    assert "The media folder is not the archive" in page


@pytest.mark.parametrize(
    ("accepted", "order"),
    [
        ("", ["en", "en-GB", "de", "fr"]),
        ("en-GB,en;q=0.9", ["en-GB", "en", "de", "fr"]),
        ("fr-CA;q=0.8, de-AT", ["de", "fr", "en", "en-GB"]),
        ("*;q=x, \x00", ["en", "en-GB", "de", "fr"]),
    ],
)
def test_subtitles_are_in_the_order_of_the_browser_s_languages(
    client, complete_video_with_file, tmp_path, accepted, order
):
    codes = ["de", "en", "en-GB", "fr"]
    for code in codes:
        (tmp_path / f"a.{code}.vtt").write_text("WEBVTT")
    files = [{"language": code, "file": f"a.{code}.vtt"} for code in codes]
    video = complete_video_with_file(subtitle_files=files, subtitle_languages="en,de")
    page = client.get(video.get_absolute_url(), headers={"accept-language": accepted}).content.decode()
    assert re.findall(r'srclang="(.*?)"', page) == order
    choices = re.search(r'<select data-set="subtitles".*?</select>', page, re.DOTALL)[0]
    assert re.findall(r'value="(.*?)"', choices) == ["off", *order]


def test_chapters_are_marks_on_a_bar_and_a_list(client, complete_video_with_file):
    video = complete_video_with_file(description="0:00 Begin\n0:30 Middle\n1:00 End", duration=90.5)
    page = render_video_page(client, video)
    assert 'viewBox="0 0 90 1"' in page
    assert 'd="M30 0V1M60 0V1"' in page
    assert re.findall(r'data-chapter="(\d+)"', page) == ["0", "30", "60"]
    Video.objects.filter(pk=video.pk).update(description="")
    assert "data-chapter" not in render_video_page(client, video)


def test_the_bar_under_the_player_offers_what_the_file_can(client, complete_video_with_file):
    def offered(video):
        return re.findall(r'data-(?:set|do)="(.*?)"', render_video_page(client, video))

    film = complete_video_with_file()
    assert offered(film) == ["speed", "copy-link", "theatre", "picture"]
    assert offered(complete_video_with_file("b.mp3")) == ["speed", "copy-link", "autoplay"]
    assert offered(film) == ["speed", "copy-link", "theatre", "picture", "autoplay"]
    assert offered(running("c")) == []

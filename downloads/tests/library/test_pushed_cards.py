"""Pushed cards: the same as each page would fetch, but for what is personal."""

import re

import pytest

from downloads.library.pushed_cards import ViewerRole, render_cards
from downloads.models import Status, Video, WatchState
from downloads.tests.support.factories import complete, create_videos, failed, running, waiting
from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_server")]

STRANGER = ViewerRole(is_signed_in=False, can_change=False, can_delete=False)
ROLES = {
    "": STRANGER,
    "viewer": ViewerRole(is_signed_in=True, can_change=False, can_delete=False),
    "editor": ViewerRole(is_signed_in=True, can_change=True, can_delete=False),
    "manager": ViewerRole(is_signed_in=True, can_change=True, can_delete=True),
}


def words_of(html: str) -> str:
    without_continued = re.sub(r'<section class="continue".*?</section>', "", html, flags=re.DOTALL)
    return " ".join(without_continued.split())


def fetched(client, videos) -> str:
    ids = "".join(f"&id={video.video_id}" for video in videos)
    return words_of(client.get(f"/videos/cards?as=card&{ids}").content.decode())


@pytest.mark.parametrize("role", ROLES)
def test_they_are_what_a_page_of_this_role_fetches(client, settings, role):
    settings.PRIVATE = False
    if role:
        client.force_login(make_user(role=role))
    Video.objects.filter(pk=complete("list").pk).update(is_list=True)
    videos = [complete("done"), running("runs"), failed("fails"), waiting("waits"), *Video.objects.filter(is_list=True)]
    again = complete("again")
    Video.objects.filter(pk=again.pk).update(status=Status.DOWNLOADING)
    videos.append(again)
    pushed = render_cards([ROLES[role]], [video.video_id for video in videos])[ROLES[role]]
    assert words_of(pushed.html) == fetched(client, videos)
    assert pushed.html.count('data-place="library"') == 3
    assert 'data-part="continue"' not in pushed.html
    assert pushed.rev == Video.objects.latest_rev()


def test_what_somebody_has_watched_is_left_to_each_page(signed_in_user):
    seen, other = complete("seen"), complete("other")
    WatchState.objects.create(user=signed_in_user, video=seen, position=12)
    pushed = render_cards([STRANGER], [seen.video_id, other.video_id, "gone"])[STRANGER]
    assert pushed.ids == [other.video_id, "gone"]
    assert seen.video_id not in pushed.html


def test_all_roles_share_the_queries(django_assert_max_num_queries):
    ids = [video.video_id for video in create_videos(20, status=Status.COMPLETE)]
    with django_assert_max_num_queries(12):
        pushed = render_cards(ROLES.values(), ids)
    assert pushed.keys() == set(ROLES.values())
    assert "Select all 20" in pushed[ROLES["viewer"]].html
    assert "20 videos" in pushed[STRANGER].html

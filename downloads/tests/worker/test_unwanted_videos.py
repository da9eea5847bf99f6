"""A download whose subscription does not want it after all, by a real look-up."""

import pytest
from django.conf import settings

from downloads.models import SubscriptionItem, Video
from downloads.models.subscriptions.item import item_identity
from downloads.network.proxy import EgressProxy
from downloads.subscriptions.verbs import subscribe
from downloads.worker import attempt

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment", "redis_server")]


def attempt_for(url: str, **filters) -> tuple[Video, SubscriptionItem]:
    """Run the download of a video that a subscription has queued; return its row as it was claimed, and its item."""
    subscription, _ = subscribe("https://a.example/list", **filters)
    Video.objects.ingest(url, url, priority=-1)
    video = Video.objects.claim("test")
    item = SubscriptionItem.objects.create(
        subscription=subscription, identity=item_identity("", "", url), url=url, state="queued", video=video
    )
    with EgressProxy() as proxy:
        attempt.run_attempt(video, proxy_url=proxy.url, on_progress=lambda state: None)
    item.refresh_from_db()
    return video, item


def test_it_leaves_nothing_behind_but_the_reason(media_server):
    video, item = attempt_for(media_server.url("/clip.mp4"), title_includes="no such title")
    assert (item.state, item.reason) == ("filtered", "The title does not contain “no such title”.")
    assert not Video.objects.exists()
    assert not (settings.WORK_ROOT / video.video_id).exists()


def test_what_is_wanted_is_downloaded(media_server):
    _, item = attempt_for(media_server.url("/clip.mp4"), title_includes="clip")
    assert (item.state, Video.objects.get().status) == ("queued", "complete")

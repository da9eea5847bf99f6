"""Actions of the video list in the admin."""

from downloads.models import Video

CHANGELIST_URL = "/admin/downloads/video/"


def run_admin_action(client, action: str, *videos: Video) -> str:
    data = {"action": action, "_selected_action": [video.pk for video in videos]}
    return client.post(CHANGELIST_URL, data, follow=True).content.decode()

"""Places of a playlist: which video is where, and what is there instead of one."""

import dataclasses

from django.db import transaction

from downloads.models import Absence, PlaylistItem, Video

MAX_TITLE_LENGTH = 500


@dataclasses.dataclass(frozen=True)
class Place:
    """An entry of a playlist: its video, if there is one, and the outcome of adding it."""

    video: Video | None
    title: str
    outcome: str

    @property
    def absence(self) -> str:
        """Sentence that says why there is no video; "" where there is one."""
        return self.outcome if self.video is None and self.outcome in Absence.values else ""


def write_places(playlist: Video, places: list[Place], *, is_cut: bool) -> None:
    """Write the places of a playlist anew, in the site's order.

    Videos that are no longer among them come last, marked as gone unless the site's list `is_cut`: they may be beyond
    its end.
    """
    with transaction.atomic():
        known = PlaylistItem.objects.filter(playlist=playlist)
        titles = dict(known.exclude(video=None).order_by("position", "pk").values_list("video_id", "title"))
        known.delete()
        items, seen = [], set()
        for place in places:
            # A site may list a video twice.
            if place.video is None or place.video.pk not in seen:
                items.append(_item(playlist, place.video.pk if place.video else None, place.title, place.absence))
            seen.add(place.video.pk if place.video else None)
        for video_id, title in titles.items():
            if video_id not in seen:
                items.append(_item(playlist, video_id, title, "" if is_cut else Absence.GONE))
        for position, item in enumerate(items, 1):
            item.position = position
        PlaylistItem.objects.bulk_create(items, batch_size=500)


def _item(playlist: Video, video_id: int | None, title: str, absence: str) -> PlaylistItem:
    title = title.replace("\x00", "")[:MAX_TITLE_LENGTH]
    return PlaylistItem(playlist=playlist, video_id=video_id, title=title, absence=absence)

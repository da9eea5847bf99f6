"""The pages' addresses."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from downloads.actions import queue_actions
from downloads.progress import keys
from downloads.views import actions, media, pages, snapshot


class VideoIdConverter(StringConverter):
    """Only what can be a video's id: no NUL, which PostgreSQL refuses, reaches a query."""

    regex = keys.VIDEO_ID_PATTERN.pattern


register_converter(VideoIdConverter, "id")

urlpatterns = [
    path("", pages.library, name="library"),
    path("videos/list", pages.listing, name="list"),
    path("videos/cards", pages.cards, name="cards"),
    path("videos/add/", pages.add, name="add"),
    path("videos/<id:video_id>/", pages.video, name="video"),
    path("videos/<id:video_id>/delete", actions.delete, name="delete"),
    *(path(f"videos/<id:video_id>/{verb}", actions.one, {"verb": verb}, name=verb) for verb in actions.OF_ONE),
    path("videos/many", actions.many, name="many"),
    *(path(f"queue/{do}", actions.queue, {"do": do}, name=f"queue-{do}") for do in queue_actions.QUEUE_ACTIONS),
    path("api/progress", snapshot.progress, name="progress"),
    path("media/<id:video_id>/video", media.video, name="media"),
    path("media/<id:video_id>/thumbnail", media.thumbnail, name="thumbnail"),
    path("media/<id:video_id>/tracks/<slug:language>.vtt", media.track, name="track"),
]

"""The pages' addresses."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from downloads import api, control, media, views
from downloads.actions import video_actions
from downloads.progress import message


class VideoIdConverter(StringConverter):
    """Only what can be a video's id: no NUL, which PostgreSQL refuses, reaches a query."""

    regex = message.VIDEO_ID.pattern


register_converter(VideoIdConverter, "id")

urlpatterns = [
    path("", views.library, name="library"),
    path("videos/list", views.listing, name="list"),
    path("videos/cards", views.cards, name="cards"),
    path("videos/add/", views.add, name="add"),
    path("videos/<id:video_id>/", views.video, name="video"),
    path("videos/<id:video_id>/delete", control.delete, name="delete"),
    *(path(f"videos/<id:video_id>/{verb}", control.one, {"verb": verb}, name=verb) for verb in control.OF_ONE),
    path("videos/many", control.many, name="many"),
    *(path(f"queue/{do}", control.queue, {"do": do}, name=f"queue-{do}") for do in video_actions.QUEUE_VERBS),
    path("api/progress", api.progress, name="progress"),
    path("media/<id:video_id>/video", media.video, name="media"),
    path("media/<id:video_id>/thumbnail", media.thumbnail, name="thumbnail"),
    path("media/<id:video_id>/tracks/<slug:language>.vtt", media.track, name="track"),
]

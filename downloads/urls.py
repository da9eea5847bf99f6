"""The pages' addresses."""

from django.urls import path

from downloads import api, control, media, views

urlpatterns = [
    path("", views.library, name="library"),
    path("videos/list", views.listing, name="list"),
    path("videos/cards", views.cards, name="cards"),
    path("videos/add/", views.add, name="add"),
    path("videos/<video_id>/", views.video, name="video"),
    path("videos/<video_id>/retry", views.retry, name="retry"),
    path("videos/<video_id>/cancel", views.cancel, name="cancel"),
    path("videos/<video_id>/front", control.one, {"verb": "front"}, name="front"),
    path("videos/<video_id>/again", control.one, {"verb": "again"}, name="again"),
    path("videos/many", control.many, name="many"),
    *(path(f"queue/{do}", control.queue, {"do": do}, name=f"queue-{do}") for do in control.QUEUE_VERBS),
    path("api/progress", api.progress, name="progress"),
    path("media/<video_id>/video", media.video, name="media"),
    path("media/<video_id>/thumbnail", media.thumbnail, name="thumbnail"),
]

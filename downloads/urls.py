"""URLs of the app."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from downloads.actions import copy_actions, queue_actions
from downloads.progress import keys
from downloads.views import actions, activity, audit, bulk, media, pages, snapshot, ytdlp
from downloads.views.collections import channels
from downloads.views.own_account import display
from downloads.views.own_account import pages as account
from downloads.views.subscriptions import actions as subscription_actions
from downloads.views.subscriptions import editing, follow, retention
from downloads.views.subscriptions import pages as subscriptions
from downloads.views.watching import marks, position


class VideoIdConverter(StringConverter):
    """Path converter of video ids. It keeps NUL, which PostgreSQL rejects, out of queries."""

    regex = keys.VIDEO_ID_PATTERN.pattern


class ChannelKeyConverter(StringConverter):
    """Path converter of the keys of channels: numbers that fit into their column."""

    regex = "[1-9][0-9]{0,17}"


register_converter(VideoIdConverter, "id")
register_converter(ChannelKeyConverter, "channel")

urlpatterns = [
    path("", pages.library, name="library"),
    path("activity/", activity.activity, name="activity"),
    path("activity/list", activity.activity_list, name="activity-list"),
    path("videos/list", pages.library_list, name="list"),
    path("videos/cards", pages.video_cards, name="cards"),
    path("videos/add/", pages.add_videos, name="add"),
    path("videos/<id:video_id>/", pages.video_detail, name="video"),
    path("videos/<id:video_id>/delete", actions.delete_video, name="delete"),
    *(
        path(f"videos/<id:video_id>/{name}", actions.video_action, {"action_name": name}, name=name)
        for name in actions.SINGLE_VIDEO_ACTIONS
    ),
    *(
        path(f"videos/<id:video_id>/{name}", actions.copy_action, {"action_name": name}, name=name)
        for name in copy_actions.COPY_ACTIONS
    ),
    path("videos/many", bulk.bulk_action, name="many"),
    path("videos/<id:video_id>/position", position.store_position, name="position"),
    *(path(f"videos/<id:video_id>/{name}", marks.mark_video, {"mark": name}, name=name) for name in marks.MARKS),
    path("videos/watched", marks.mark_videos, name="watched-many"),
    *(
        path(f"queue/{name}", actions.queue_action, {"action_name": name}, name=f"queue-{name}")
        for name in queue_actions.QUEUE_ACTIONS
    ),
    path("sites/resume", actions.resume_site, name="site-resume"),
    path("channels/", channels.channel_index, name="channels"),
    path("channels/<channel:key>/", channels.channel_page, name="channel"),
    path("subscriptions/", subscriptions.subscription_index, name="subscriptions"),
    path("subscriptions/rows", subscriptions.subscription_rows, name="subscriptions-rows"),
    path("subscriptions/act", subscription_actions.act_on_subscriptions, name="subscriptions-act"),
    path("subscriptions/items", subscription_actions.act_on_items, name="subscription-items"),
    path("subscriptions/follow/", follow.follow_lists, name="follow"),
    path("subscriptions/export.opml", subscriptions.export_subscriptions, name="subscriptions-export"),
    path("subscriptions/<id:key>/", subscriptions.subscription_page, name="subscription"),
    path("subscriptions/<id:key>/parts", subscriptions.subscription_parts, name="subscription-parts"),
    path("subscriptions/<id:key>/settings", editing.edit_subscription, name="subscription-settings"),
    path("subscriptions/<id:key>/prune", retention.prune_subscription, name="subscription-prune"),
    path("subscriptions/<id:key>/unsubscribe", editing.unsubscribe, name="unsubscribe"),
    path("account/", account.account, name="account"),
    path("account/theme", account.choose_theme, name="theme"),
    path("account/display", display.choose_display, name="display"),
    path("account/sign-out-others", account.sign_out_others, name="sign-out-others"),
    path("audit/", audit.audit_log, name="audit"),
    path("yt-dlp/update", ytdlp.update_ytdlp, name="update-ytdlp"),
    path("api/progress", snapshot.progress_snapshot, name="progress"),
    path("media/<id:video_id>/video", media.serve_video, name="media"),
    path("media/<id:video_id>/copy", media.serve_copy, name="copy"),
    path("media/<id:video_id>/thumbnail", media.serve_thumbnail, name="thumbnail"),
    path("media/<id:video_id>/tracks/<slug:language>.vtt", media.serve_subtitles, name="track"),
]

"""Verbs of people on subscriptions and their items: refusals, edits, previews and undos."""

import datetime as dt
import itertools

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from downloads.intake.urls import InvalidUrl
from downloads.library.subscriptions.videos import filter_by_subscription
from downloads.models import AuditEntry, Status, Subscription, SubscriptionItem, Video
from downloads.models.audit.actor import Actor, acting_as
from downloads.subscriptions import items, ledger, preview, verbs
from downloads.subscriptions.judgement import Filters
from downloads.subscriptions.patterns import InvalidPattern
from downloads.tests.support.subscriptions import (
    CHANNEL_URL,
    TOP,
    WHOLE,
    check_list,
    claim_again,
    claimed,
    entries,
    entry,
    item,
    numbered,
    states,
)
from downloads.tests.support.users import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"check_interval": 899}, "check_interval", "between 15 minutes and 366 days"),
        ({"check_interval": "6h"}, "check_interval", "whole number of seconds"),
        ({"check_interval": 10**30}, "check_interval", "366 days"),
        ({"cron": "0 0 30 2 *"}, "cron", "never comes"),
        ({"cron": "0 3 * * *" + " " * 100}, "cron", "too long"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "no time zone “Mars/Olympus”"),
        ({"time_zone": "x" * 5_000}, "time_zone", "too long"),
        ({"time_zone": "UTC\x00"}, "time_zone", "invisible characters"),
        ({"time_zone": "../../etc"}, "time_zone", "no time zone"),
        ({"cron": "@reboot"}, "cron", "it has five parts"),
        ({"cron": "* * * * * *"}, "cron", "it has five parts"),
        ({"check_interval": 0}, "check_interval", "between 15 minutes"),
        ({"check_interval": -1}, "check_interval", "between 15 minutes"),
        ({"check_interval": 10**9}, "check_interval", "366 days"),
        ({"check_interval": "PT5M"}, "check_interval", "whole number of seconds"),
        ({"title_includes": "x" * 100_000}, "title_includes", "too long"),
        ({"title_includes": "((a{100}){100}){100}"}, "title_includes", "too much at once"),
        ({"title_includes": "("}, "title_includes", "isn’t a regular expression"),
        ({"title_excludes": "(?=x)"}, "title_excludes", "not supported"),
        ({"min_duration": 60, "max_duration": 30}, "max_duration", "no video would match"),
        ({"min_duration": -1}, "min_duration", "whole number between 0"),
        ({"max_new": 0}, "max_new", "whole number between 1"),
        ({"max_new": None}, "max_new", "whole number between 1"),
        ({"keep_days": 0}, "keep_days", "whole number between 1"),
        ({"keep_newest": 1.5}, "keep_newest", "whole number between 1"),
        ({"start": "newest"}, "start_count", "how many of the newest"),
        ({"start": "since"}, "start_date", "the day since which"),
        ({"start": "sometimes"}, "start", "none of: new, newest, since, all"),
        ({"quality": "8k"}, "quality", "is none of"),
        ({"tabs": ""}, "tabs", "at least one of"),
        ({"tabs": "videos,live"}, "tabs", "at least one of"),
        ({"name": "a\x00b"}, "name", "invisible characters"),
    ],
)
def test_it_refuses_what_cannot_be_with_a_sentence_at_its_field(values, field, words):
    with pytest.raises(ValidationError, match=words) as refusal:
        verbs.subscribe(CHANNEL_URL, **values)
    assert list(refusal.value.message_dict) == [field]
    assert not Subscription.objects.exists()


def test_it_refuses_what_is_no_list():
    with pytest.raises(InvalidUrl, match="one video"):
        verbs.subscribe("https://youtu.be/abc")


def test_it_follows_a_list_once():
    ann = make_user("ann")
    with acting_as(Actor(ann.pk, "ann")):
        first, is_new = verbs.subscribe("https://m.youtube.com/@ada/shorts", added_by=ann, check_interval=900)
        again, is_new_again = verbs.subscribe(CHANNEL_URL)
    assert (is_new, is_new_again, again) == (True, False, first)
    assert (first.tabs, first.host, first.check_interval, first.added_by) == ("shorts", "youtube.com", 900, ann)
    assert first.next_check_at <= timezone.now()
    assert [(entry.action, entry.actor_name) for entry in AuditEntry.objects.all()] == [("subscribed", "ann")]


def test_an_edit_that_cannot_be_changes_nothing():
    subscription = claimed()
    before = Subscription.objects.values().get()
    with pytest.raises(ValidationError, match="regular expression"):
        verbs.edit(Subscription.objects.get(), {"title_includes": "(", "name": "Ada"})
    assert Subscription.objects.values().get() == before
    assert verbs.edit(subscription, {"name": ""}) == 0


def test_a_changed_filter_lets_in_what_it_kept_out():
    subscription = claimed(start="all", title_includes="v1$", max_new=2)
    ledger.apply(subscription, TOP, [*numbered(5, 1), entry("m", 6, availability="subscriber_only")])
    assert states(subscription) == {"queued": 1, "filtered": 4, "members": 1}
    shown = preview.preview_filters(subscription, Filters(title_includes="v[1-4]$"))
    assert (shown.seen, shown.matching, shown.matching_now, shown.added) == (6, 4, 1, 3)
    assert shown.sentence == "Of 6 seen, 4 match, 3 more than now."
    assert [one.source_id for one in shown.examples] == ["v2", "v3", "v4"]
    assert states(subscription)["queued"] == 1

    assert verbs.edit(Subscription.objects.get(), {"title_includes": "v[1-4]$"}, "ann") == 3
    assert states(subscription) == {"queued": 3, "waiting": 1, "filtered": 1, "members": 1}
    check_list(subscription, numbered(5, 1))
    assert states(subscription) == {"queued": 4, "filtered": 1, "members": 1}
    assert subscription.events().first().reason == "Changed by ann: title contains"


def test_many_items_are_judged_anew_without_a_pause_in_the_request(monkeypatch):
    subscription = claimed(start="all", title_includes="nothing", max_new=1)
    ledger.apply(subscription, WHOLE, numbered(300, 1))
    monkeypatch.setattr(items, "let_other_writers_in", lambda: pytest.fail("a person waits"))
    assert verbs.edit(Subscription.objects.get(), {"title_includes": ""}) == 300
    assert states(subscription) == {"queued": 1, "waiting": 299}


def test_more_items_than_a_page_can_wait_for_are_judged_by_the_next_check(monkeypatch):
    monkeypatch.setattr(items, "MAX_GROUPS_AT_ONCE", 2)
    monkeypatch.setattr(items, "REJUDGED_GROUP_SIZE", 50)
    subscription = claimed(start="all", title_includes="nothing", max_new=1)
    ledger.apply(subscription, WHOLE, numbered(300, 1))
    Subscription.objects.update(lease_token="", lease_until=None, next_check_at=None)
    assert verbs.edit(Subscription.objects.get(), {"title_includes": ""}) == 100
    edited = Subscription.objects.get()
    assert (edited.is_to_be_rejudged, Subscription.objects.due().count()) == (True, 1)
    assert states(subscription) == {"queued": 1, "waiting": 99, "filtered": 200}
    assert items.finish_rejudging(edited) == 200
    assert items.finish_rejudging(edited) == 0
    assert not Subscription.objects.get().is_to_be_rejudged
    assert "filtered" not in states(subscription)


def long_ledger(monkeypatch, count=20):
    """Return a subscription whose ledger of filtered items has several groups, of which people wait for the first."""
    monkeypatch.setattr(items, "MAX_GROUPS_AT_ONCE", 1)
    monkeypatch.setattr(items, "REJUDGED_GROUP_SIZE", 5)
    subscription = claimed(start="all", title_includes="nothing")
    ledger.apply(subscription, WHOLE, numbered(count, 1))
    return subscription


def at_pause(monkeypatch, number, call):
    """Have `call` called between two groups, after this number of them."""
    pauses = itertools.count(1)
    monkeypatch.setattr(items, "let_other_writers_in", lambda: next(pauses) == number and call())


def test_filters_that_are_changed_while_others_are_applied_reach_every_item(monkeypatch):
    subscription = long_ledger(monkeypatch)
    verbs.edit(Subscription.objects.get(), {"title_includes": "nobody"})
    at_pause(monkeypatch, 2, lambda: verbs.edit(Subscription.objects.get(), {"title_includes": "none"}))
    assert items.finish_rejudging(subscription) == 0
    reasons = subscription.items.values_list("reason", flat=True)
    assert set(reasons) == {"The title does not contain “none”."}
    assert not Subscription.objects.get().is_to_be_rejudged


def test_filters_that_are_changed_once_more_let_in_what_they_want_of_every_group(monkeypatch):
    subscription = long_ledger(monkeypatch)
    verbs.edit(Subscription.objects.get(), {"title_includes": "v1$"})
    at_pause(monkeypatch, 1, lambda: verbs.edit(Subscription.objects.get(), {"title_includes": "v"}))
    items.finish_rejudging(subscription)
    assert states(subscription) == {"queued": 20}


@pytest.mark.parametrize("values", [{"title_includes": ""}, {"start": "new"}])
def test_an_edit_that_is_interrupted_leaves_its_filters_to_the_next_check(monkeypatch, values):
    subscription = long_ledger(monkeypatch, 3)
    with monkeypatch.context() as killed:
        killed.setattr(items, "reapply_filters", lambda _: 0)
        verbs.edit(Subscription.objects.get(), values)
    assert states(subscription) == {"filtered": 3}
    assert Subscription.objects.get().is_to_be_rejudged
    items.finish_rejudging(subscription)
    assert not Subscription.objects.get().is_to_be_rejudged
    assert states(subscription) == ({"filtered": 3} if "start" in values else {"queued": 3})


def test_a_rejudging_that_was_interrupted_goes_on_where_it_was(monkeypatch):
    subscription = long_ledger(monkeypatch)
    verbs.edit(Subscription.objects.get(), {"title_includes": "nobody"})
    at_pause(monkeypatch, 2, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        items.finish_rejudging(subscription)
    done = subscription.items.filter(reason__contains="nobody").count()
    again = Subscription.objects.get()
    items.finish_rejudging(again)
    assert (subscription.written_groups, done, again.written_groups) == (3, 15, 1)  # the insertion was the first


def test_items_that_share_a_reason_are_written_at_once(django_assert_max_num_queries):
    subscription = claimed(start="all", title_includes="nothing")
    ledger.apply(subscription, WHOLE, numbered(240, 1, duration=5.0))
    with django_assert_max_num_queries(20):
        verbs.edit(Subscription.objects.get(), {"title_includes": "", "min_duration": 9})
    assert set(subscription.items.values_list("reason", flat=True)) == {"It is 0:05, under 0:09."}


def test_a_rejudging_of_an_older_version_begins_at_the_first_item():
    subscription = claimed(start="all", title_includes="nothing")
    ledger.apply(subscription, TOP, numbered(2, 1))
    Subscription.objects.update(title_includes="", positions={"rejudge": True})
    assert items.finish_rejudging(subscription) == 2


def test_a_preview_of_many_items_judges_the_newest_and_says_so(monkeypatch):
    subscription = claimed(start="all", title_includes="nothing")
    for first in range(1, 250, 50):
        ledger.apply(subscription, TOP, numbered(first + 49, first))
    whole = preview.preview_filters(subscription, Filters())
    assert (whole.judged, whole.added_sentence) == (250, "250 would be fetched when you save, the newest of them:")
    monkeypatch.setattr(preview, "MAX_JUDGED", 120)
    shown = preview.preview_filters(subscription, Filters())
    assert shown.sentence == "Of the last 120 of 250 seen, 120 match, 120 more than now."
    assert shown.added_sentence.startswith("At least 120 would")
    assert shown.examples == whole.examples
    monkeypatch.setattr(preview, "MAX_CPU_SECONDS", 0)
    shown = preview.preview_filters(subscription, Filters("nothing"))
    assert (shown.judged, shown.added_sentence) == (100, "None of these would be fetched when you save.")


def test_what_large_ledgers_are_asked_is_found_by_their_indexes():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans by what the table holds")
    subscription = claimed()
    newest = subscription.items.order_by("-pk")[:10].explain()
    recent = subscription.items.filter(published__gte=timezone.now()).explain()
    own = verbs.own_videos(subscription).explain()
    filtered = subscription.items.filter(pk__gt=5).in_state("filtered").order_by("pk").values_list("pk")[:251].explain()
    kept = filter_by_subscription(Video.objects.all(), subscription.key, has_many=True).sorted_by("newest")
    assert "USING INDEX downloads_sub_items_newest (subscription_id=?)" in newest
    assert "USING INDEX downloads_sub_items_date (subscription_id=? AND published>?)" in recent
    assert "COVERING INDEX downloads_sub_items_state (subscription_id=? AND state=? AND id>?)" in filtered
    assert "SCAN downloads_video" not in own
    assert "(video_id=?)" in kept.values_list("pk")[:60].explain()
    assert "TEMP B-TREE" not in newest + filtered + kept.values_list("pk")[:60].explain()


def test_a_preview_reads_odd_rows_as_pages_do():
    subscription = claimed(start="all", title_includes="nothing")
    ledger.apply(subscription, TOP, numbered(2, 1))
    SubscriptionItem.objects.filter(source_id="v1").update(duration=-5)
    assert preview.preview_filters(subscription, Filters(min_duration=1)).matching == 2


def test_a_preview_of_a_broken_filter_says_so():
    with pytest.raises(InvalidPattern):
        preview.preview_filters(claimed(), Filters(title_includes="["))


def test_what_was_removed_or_ignored_is_not_judged_anew():
    subscription = claimed(start="all", title_includes="v")
    ledger.apply(subscription, TOP, numbered(3, 1))
    item(subscription, "v1").video.remove("Deleted")
    items.ignore([item(subscription, "v2")], "ann")
    assert verbs.edit(Subscription.objects.get(), {"title_includes": ""}) == 0
    assert states(subscription) == {"queued": 1, "removed": 1, "ignored": 1}


def test_another_start_fetches_more_of_what_was_there():
    subscription = claimed()
    listed = numbered(80, 1)
    check_list(subscription, listed)
    assert verbs.edit(Subscription.objects.get(), {"start": "newest", "start_count": 60}) == 50
    for _ in range(2):
        check_list(subscription, listed)
    assert states(subscription)["queued"] == 60


def test_a_new_schedule_counts_from_now():
    subscription, _ = verbs.subscribe(CHANNEL_URL)
    verbs.edit(subscription, {"check_interval": 3600})
    wait = Subscription.objects.get().next_check_at - timezone.now()
    assert dt.timedelta(minutes=50) < wait < dt.timedelta(minutes=70)


def test_unsubscribing_keeps_the_videos():
    subscription = claimed(start="all")
    ledger.apply(subscription, TOP, numbered(3, 1))
    assert verbs.own_videos(subscription).count() == 3
    assert verbs.unsubscribe(subscription)
    assert not verbs.unsubscribe(subscription)
    assert (Video.objects.count(), SubscriptionItem.objects.count()) == (3, 0)
    assert not subscription.holds_lease()


def test_the_own_videos_are_those_of_this_subscription_alone():
    subscription = claimed(start="all")
    ledger.apply(subscription, TOP, entries("own", "shared", "protected", "picked"))
    other = claimed("https://www.youtube.com/playlist?list=PL1", "playlist", start="all")
    ledger.apply(other, TOP, entries("shared"))
    assert item(subscription, "protected").video.protect()
    SubscriptionItem.objects.filter(source_id="picked").update(is_picked=True)
    assert [video.title for video in verbs.own_videos(subscription)] == ["Film own"]


# Items -------------------------------------------------------------------------------------------


def test_a_person_fetches_against_the_filters():
    ann = make_user("ann")
    subscription = claimed(title_excludes="v")
    ledger.apply(subscription, TOP, numbered(3, 1))
    wanted = item(subscription, "v2")
    assert items.fetch([wanted], ann) == 1
    assert items.fetch([wanted], ann) == 0
    wanted.refresh_from_db()
    assert (wanted.state, wanted.is_picked, wanted.video.priority, wanted.video.added_by) == ("queued", True, 0, ann)


def test_what_was_deleted_may_be_fetched_again():
    subscription = claimed(start="all")
    ledger.apply(subscription, TOP, numbered(1, 1))
    item(subscription, "v1").video.remove("Deleted")
    assert items.fetch([item(subscription, "v1")]) == 1
    assert item(subscription, "v1").video.status == Status.QUEUED


def test_ignoring_takes_a_waiting_video_from_the_queue_and_keeps_one_that_is_here():
    subscription = claimed(start="all")
    ledger.apply(subscription, TOP, entries("waits", "here"))
    Video.objects.filter(title="Film here").update(status=Status.COMPLETE, media_file="v/v.mp4")
    assert items.ignore(SubscriptionItem.objects.all(), "ann") == 1
    ignored = item(subscription, "waits")
    assert (ignored.state, ignored.reason) == ("ignored", "Ignored by ann.")
    assert Video.objects.get(title="Film waits").status == Status.CANCELLED
    assert item(subscription, "here").state == "queued"
    check_list(subscription, entries("waits", "here"))
    assert item(subscription, "waits").state == "ignored"


def test_no_longer_ignored_is_as_before():
    subscription = claimed(title_excludes="b")
    ledger.apply(subscription, TOP, entries("old"))
    ledger.apply(claim_again(subscription), TOP, [*entries("a", "b"), entry("old", 3)])
    everything = list(SubscriptionItem.objects.all())
    assert items.ignore(everything) == 3
    assert items.ignore(everything) == 0
    assert items.stop_ignoring(everything) == 3
    assert states(subscription) == {"before": 1, "filtered": 1, "queued": 1}
    assert item(subscription, "a").video.status == Status.QUEUED


def test_no_longer_ignored_brings_back_nothing_that_was_deleted_or_is_not_to_be_had():
    subscription = claimed(start="all")
    members = entry("members", 2, availability="subscriber_only")
    premiere = entry("premiere", 3, release_at=timezone.now() + dt.timedelta(days=3), live_status="is_upcoming")
    listed = [entry("deleted", 1), members, premiere]
    ledger.apply(subscription, TOP, listed)
    item(subscription, "deleted").video.remove("Deleted")
    before = {"removed": 1, "members": 1, "waiting": 1}
    assert states(subscription) == before
    everything = list(SubscriptionItem.objects.all())
    assert items.ignore(everything) == items.stop_ignoring(everything) == 3
    assert states(subscription) == before
    check_list(subscription, listed)
    assert (states(subscription), Video.objects.count()) == (before, 0)
    assert item(subscription, "premiere").reason != "No longer ignored."


def test_a_video_that_is_deleted_while_it_is_ignored_stays_away():
    subscription = claimed(start="all")
    ledger.apply(subscription, TOP, [entry("a")])
    assert items.ignore([item(subscription, "a")]) == 1
    Video.objects.get().remove("Deleted")
    assert items.stop_ignoring([item(subscription, "a")]) == 1
    check_list(subscription, [entry("a")])
    assert (states(subscription), Video.objects.count()) == ({"removed": 1}, 0)


def test_fetching_retries_what_failed_or_was_cancelled():
    subscription = claimed(start="all")
    ledger.apply(subscription, TOP, entries("a", "b"))
    assert items.ignore(SubscriptionItem.objects.all()) == 2
    Video.objects.get(title="Film b").remove("Deleted")
    assert items.fetch(SubscriptionItem.objects.all(), "ann") == 2
    assert states(subscription) == {"queued": 2}
    assert set(Video.objects.values_list("status", flat=True)) == {Status.QUEUED}


def test_the_choices_of_the_start_say_how_many():
    now = timezone.now()
    listed = [entry(f"v{age}", published=now - dt.timedelta(days=10 * age)) for age in range(20)]
    counts = preview.count_start_choices(listed, total=412)
    assert counts == {"new": 0, "newest": 10, "since": 4, "all": 412}

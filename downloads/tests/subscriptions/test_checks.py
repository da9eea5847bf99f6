"""Claims and outcomes of checks: one per site, leases, failures, pauses of sites, and the clock."""

import datetime as dt

import pytest
from django.utils import timezone

from downloads.models import HostPause, Subscription, SubscriptionItem, VideoEvent
from downloads.subscriptions import ledger, outcomes
from downloads.subscriptions.ledger import Outcome
from downloads.subscriptions.outcomes import Failure
from downloads.subscriptions.verbs import subscribe
from downloads.tests.support.subscriptions import TOP, claim_again, claimed, numbered

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


def claim(worker: str = "w") -> Subscription | None:
    return Subscription.objects.claim_check(worker)


def follow(*hosts: str) -> list[Subscription]:
    return [subscribe(f"https://{host}/list/{number}")[0] for number, host in enumerate(hosts)]


def reasons(subscription: Subscription) -> list[str]:
    return [event.reason for event in subscription.events()]


# Claims -----------------------------------------------------------------------------------------


def test_two_workers_make_one_check():
    follow("a.example")
    assert claim("one")
    assert claim("two") is None


def test_one_whose_site_nobody_knows_is_checked_once_as_well():
    subscription = follow("a.example")[0]
    Subscription.objects.update(host="")
    check = claim("one")
    assert check
    assert claim("two") is None
    assert Subscription.objects.claim_check("three", [subscription.key]) is None
    assert check.holds_lease()


def test_one_site_is_checked_once_at_a_time_whatever_its_names(settings):
    settings.HOST_GAP = 5
    follow("www.a.example", "a.example", "m.a.example")
    check = claim()
    assert claim() is None
    assert check.record_request()
    assert outcomes.succeed(check, [])
    assert claim() is None  # the gap
    Subscription.objects.filter(pk=check.pk).update(asked_at=timezone.now() - dt.timedelta(seconds=6))
    assert claim()


def test_so_many_checks_run_at_once(settings):
    settings.CHECKS = 2
    follow("a.example", "b.example", "c.example")
    assert [claim() is not None for _ in range(3)] == [True, True, False]


def test_a_check_of_a_dead_worker_is_repeated():
    follow("a.example")
    lost = claim()
    Subscription.objects.update(lease_until=timezone.now() - HOUR)
    assert not lost.renew_lease() or claim() is None  # whoever is first
    Subscription.objects.update(lease_until=timezone.now() - HOUR)
    again = claim("other")
    assert again.worker == "other"
    assert not outcomes.succeed(lost, [])
    assert not outcomes.fail(lost, "Too late.")
    assert ledger.apply(lost, TOP, numbered(2, 1)).is_lease_lost
    assert again.renew_lease()


def test_the_checks_of_a_worker_that_died_are_given_up_at_once():
    follow("a.example")
    claim("dead")
    assert Subscription.objects.release_worker("dead") == 1
    assert claim("alive")


@pytest.mark.parametrize("jump", [dt.timedelta(days=400), dt.timedelta(hours=3)])
def test_a_clock_that_jumps_back_stops_nothing(jump):
    follow("a.example")
    assert outcomes.succeed(claim(), [])
    now = timezone.now()
    # As if it had been planned before the clock was set back by `jump`.
    Subscription.objects.update(next_check_at=now + jump + 6 * HOUR, scheduled_at=now + jump, checked_at=now + jump)
    assert claim()


def test_a_lease_from_the_future_ends():
    follow("a.example")
    claim()
    Subscription.objects.update(lease_until=timezone.now() + dt.timedelta(days=400))
    assert claim()


def test_what_is_paused_or_rests_is_not_claimed():
    first, second = follow("a.example", "b.example")
    assert first.pause()
    Subscription.objects.filter(pk=second.pk).update(next_check_at=None, failing_since=timezone.now())
    assert claim() is None
    assert list(Subscription.objects.resting()) == [second]
    second.refresh_from_db()
    assert second.is_resting
    assert second.check_now()
    assert claim() == second
    assert not second.check_now()  # it is being checked
    assert not first.check_now()
    assert first.resume()
    assert claim() == first
    assert not first.resume()


# Outcomes ---------------------------------------------------------------------------------------


def test_a_success_forgets_failures_and_says_when_next():
    subscription = claimed()
    assert outcomes.fail(subscription, "No answer.")
    subscription = claim_again(subscription)
    assert (subscription.failure_count, subscription.error) == (1, "No answer.")
    outcome = Outcome()
    outcome.counts["queued"] = 2
    assert outcomes.succeed(subscription, [outcome, Outcome()])
    subscription.refresh_from_db()
    assert (subscription.failure_count, subscription.error, subscription.failing_since) == (0, "", None)
    assert subscription.found_at
    assert subscription.next_check_at - timezone.now() + dt.timedelta(seconds=9) >= 5.4 * HOUR
    assert subscription.next_check_at - timezone.now() <= 6.6 * HOUR
    assert reasons(subscription) == [
        "Added 2 videos",
        "Checked without an error again",
        "The check failed: No answer.",
        "Subscribed",
    ]


def test_an_event_is_written_only_when_something_changed():
    subscription = claimed()
    for _ in range(3):
        assert outcomes.succeed(subscription, [Outcome(listed=50)])
        subscription = claim_again(subscription)
    for _ in range(3):
        assert outcomes.fail(subscription, "No answer.")
        subscription = claim_again(subscription)
    assert reasons(subscription) == ["The check failed: No answer.", "Subscribed"]
    assert VideoEvent.objects.count() == 2


def test_three_answers_not_found_seem_gone():
    subscription = claimed()
    for _ in range(2):
        assert outcomes.fail(subscription, "Not found (404).", Failure.NOT_FOUND)
        subscription = claim_again(subscription)
    assert subscription.error == "Not found (404)."
    assert outcomes.fail(subscription, "Not found (404).", Failure.NOT_FOUND)
    subscription.refresh_from_db()
    assert subscription.error.startswith("This list seems gone: the site has not found it three times in a row.")
    assert abs(subscription.next_check_at - timezone.now() - 24 * HOUR) < HOUR / 10


def test_another_failure_between_counts_anew():
    subscription = claimed()
    for kind in (Failure.NOT_FOUND, Failure.NOT_FOUND, Failure.OTHER, Failure.NOT_FOUND):
        assert outcomes.fail(subscription, "No.", kind)
        subscription = claim_again(subscription)
    assert subscription.not_found_count == 1


def test_after_30_days_of_failures_it_rests_until_somebody_asks():
    subscription = claimed()
    Subscription.objects.update(failing_since=timezone.now() - dt.timedelta(days=30), failure_count=40)
    assert outcomes.fail(claim_again(subscription), "No answer.")
    subscription.refresh_from_db()
    assert subscription.is_resting
    assert subscription.check_now()
    assert outcomes.succeed(claim_again(subscription), [])
    subscription.refresh_from_db()
    assert not subscription.is_resting


def test_a_refusal_pauses_the_site_and_changes_no_item():
    subscription = claimed(start="all")
    ledger.apply(subscription, TOP, numbered(2, 1))
    before = list(SubscriptionItem.objects.order_by("pk").values())
    assert outcomes.fail(claim_again(subscription), "Too many requests (429).", Failure.REFUSED, HOUR)
    assert list(SubscriptionItem.objects.order_by("pk").values()) == before
    pause = HostPause.objects.find("youtu.be")
    assert (pause.host, pause.reason) == ("youtube.com", "Too many requests (429).")
    assert subscription.check_now()
    assert claim() is None
    assert HostPause.objects.resume("www.youtube.com")
    Subscription.objects.update(asked_at=None)
    assert claim()


def test_the_same_list_under_another_url_is_paused_with_the_reason():
    subscription = claimed()
    message = "This is the same list as the subscription “Ada”."
    assert outcomes.fail(subscription, message, Failure.SAME_LIST)
    subscription.refresh_from_db()
    assert (subscription.active, subscription.error) == (False, message)


def test_a_check_given_up_is_repeated_and_counts_nothing():
    subscription = claimed()
    assert subscription.abandon_check(60)
    subscription.refresh_from_db()
    assert (subscription.failure_count, subscription.lease_token) == (0, "")
    assert subscription.next_check_at > timezone.now() + dt.timedelta(seconds=50)


# Pauses of sites -------------------------------------------------------------------------------------


def test_pauses_double_up_to_a_day_and_a_success_starts_again():
    lengths = []
    for _ in range(9):
        pause = HostPause.objects.pause("a.example", "No.")
        lengths.append(round((pause.until - pause.paused_at) / dt.timedelta(minutes=15)))
        HostPause.objects.update(until=timezone.now() - dt.timedelta(seconds=1))
    assert lengths == [1, 2, 4, 8, 16, 32, 64, 96, 96]
    assert HostPause.objects.record_success("www.a.example")
    again = HostPause.objects.pause("a.example", "No.")
    assert again.until - again.paused_at == dt.timedelta(minutes=15)


def test_refusals_during_a_pause_are_one():
    for _ in range(4):
        pause = HostPause.objects.pause("a.example", "No.")
    assert pause.count == 1
    assert not HostPause.objects.record_success("a.example")


@pytest.mark.parametrize(("retry_after", "hours"), [(HOUR, 1), (dt.timedelta(days=90), 24), (dt.timedelta(-5), 0)])
def test_a_site_may_say_how_long(retry_after, hours):
    pause = HostPause.objects.pause("a.example", "No.", retry_after)
    assert abs(pause.until - timezone.now() - hours * HOUR) < dt.timedelta(minutes=1)


def test_a_pause_from_the_future_is_none():
    HostPause.objects.create(host="a.example", until=timezone.now() + dt.timedelta(days=400))
    assert not HostPause.objects.in_force().exists()

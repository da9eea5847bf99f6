"""The conflator, with a clock that the tests advance."""

from downloads.bridge import conflator


def test_it_sends_only_the_newest_of_each_video(harness):
    for percent in range(100):
        harness.receive("a", percent=float(percent))
        harness.receive("b", percent=float(percent) / 2)
    assert [(message["video_id"], message["percent"]) for message in harness.batch()] == [("a", 99), ("b", 49.5)]
    assert harness.batch() == []


def test_it_makes_a_status_and_a_progress_of_a_message_with_both(harness):
    harness.receive(status="downloading", percent=3.0)
    status, progress = harness.batch()
    assert status == {
        "type": "status",
        "video_id": "a",
        "status": "downloading",
        "attempt": 1,
        "percent": 3.0,
        "rev": 7,
    }
    assert (progress["type"], progress["percent"]) == ("progress", 3.0)


def test_it_keeps_the_newest_status_and_only_the_progress_after_it(harness):
    harness.receive(status="downloading", percent=3.0)
    harness.receive(percent=50.0)
    harness.receive(status="processing")
    assert harness.batch_summary() == [("status", "processing")]
    harness.receive(percent=60.0)
    harness.receive(percent=61.0)
    assert [kind for kind, _ in harness.batch_summary()] == ["progress"]


def test_it_takes_an_equal_status_for_no_change(harness):
    harness.receive(status="downloading", percent=1.0)
    harness.batch()
    harness.receive(status="downloading", percent=2.0)
    assert [message["type"] for message in harness.batch()] == ["progress"]


def test_it_ends_a_video_with_its_status_alone(harness):
    harness.receive(percent=99.0)
    harness.receive(status="complete", percent=100.0)
    assert harness.batch_summary() == [("status", "complete")]
    assert harness.conflator.encode_active() == {}


def test_it_carries_percent_and_bytes_forward_within_an_attempt(harness):
    harness.receive(percent=10.0, downloaded_bytes=5, total_bytes=50, speed=3.0)
    harness.receive(downloaded_bytes=6)
    (message,) = harness.batch()
    assert (message["percent"], message["downloaded_bytes"], message["total_bytes"]) == (10.0, 6, 50)
    assert "speed" not in message


def test_it_takes_an_explicit_null_for_unknown_and_tells_the_last_known(harness):
    harness.receive(percent=10.0, total_bytes=50)
    harness.receive(percent=None, total_bytes=None)
    (message,) = harness.batch()
    assert (message["percent"], message["last_percent"], message["total_bytes"]) == (None, 10.0, None)


def test_it_carries_nothing_into_a_new_attempt(harness):
    harness.receive(percent=90.0, total_bytes=50, attempt=1)
    harness.receive(downloaded_bytes=1, attempt=2)
    (message,) = harness.batch()
    assert (message["attempt"], message["percent"], message["last_percent"], message["total_bytes"]) == (
        2,
        None,
        0.0,
        None,
    )


def test_it_drops_lower_attempts_and_what_comes_after_the_end(harness):
    harness.receive(percent=1.0, attempt=2)
    assert not harness.receive(percent=50.0, attempt=1)
    assert harness.receive(status="failed", error="no", attempt=2)
    assert not harness.receive(percent=60.0, attempt=2)
    assert not harness.receive(status="complete", attempt=2)
    assert not harness.receive(status="failed", attempt=2)
    reasons = {"old_attempt": 1, "after_the_end": 2, "repeated_status": 1}
    assert harness.conflator.counters.counts == {
        f"messages_dropped.{reason}": count for reason, count in reasons.items()
    }
    (message,) = harness.batch()
    assert (message["status"], message["error"]) == ("failed", "no")


def test_it_begins_a_new_attempt_two_seconds_after_the_end_of_an_id_without_a_row(harness):
    harness.receive(status="complete")
    harness.now += 1.9
    assert not harness.receive(percent=1.0)
    harness.now += 0.1
    assert harness.receive(percent=2.0)
    assert harness.batch()[-1]["attempt"] == 2


def test_it_gives_a_message_without_an_attempt_that_of_the_row(harness):
    harness.conflator.adopt_row(harness.row(attempt=3), harness.now)
    harness.receive(percent=5.0)
    assert harness.batch()[0]["attempt"] == 3
    harness.receive(status="failed")
    harness.now += 60
    assert not harness.receive(percent=6.0)


def test_it_sends_a_repeated_state_of_a_row_only_where_it_was_lost(harness):
    repeated = {"status": "downloading", "percent": 5.0, "downloaded_bytes": 1, "speed": 3.0}
    harness.conflator.adopt_row(harness.row(), harness.now)
    harness.receive(**repeated)
    assert harness.batch()
    harness.receive(**repeated)
    assert harness.batch() == []
    # In the next epoch, whose bridge has it from the row: with the percent of a while ago.
    harness.conflator.adopt_row(harness.row(percent=2.0), harness.now)
    harness.receive(**repeated)
    assert harness.batch()[-1]["percent"] == 5.0


def test_it_does_not_call_a_waiting_video_active(harness):
    harness.receive(status="queued", percent=None, attempt=2)
    assert harness.batch_summary() == [("status", "queued")]
    assert harness.conflator.encode_active() == {}


def test_it_says_that_a_row_changed_even_after_its_end(harness):
    harness.receive(status="complete")
    harness.batch()
    harness.receive(changed=True, attempt=1)
    assert harness.batch() == [{"type": "changed", "video_id": "a", "rev": 7}]
    harness.receive(changed=True)
    assert harness.batch(gone={"a"}) == [{"type": "changed", "video_id": "a", "rev": 7, "deleted": True}]


def test_it_keeps_the_store_to_the_active_videos(harness):
    harness.receive("a", percent=1.0)
    harness.receive("b", percent=2.0)
    harness.batch()
    assert harness.outgoing.snapshot_updates.keys() == {"a", "b"}
    harness.receive("a", status="cancelled")
    harness.receive("b", percent=3.0)
    harness.batch()
    assert (harness.outgoing.snapshot_updates.keys(), harness.outgoing.removed_ids) == ({"b"}, ["a"])


def test_it_lets_the_least_recently_updated_leave_when_there_are_too_many(harness, monkeypatch):
    monkeypatch.setattr(conflator, "MAX_ACTIVE_VIDEOS", 2)
    for video_id in ("a", "b", "a", "c"):
        harness.receive(video_id, percent=1.0)
    harness.batch()
    assert harness.outgoing.removed_ids == ["b"]
    assert harness.conflator.encode_active().keys() == {"a", "c"}


def test_it_remembers_so_many_ended_ids_only(harness, monkeypatch):
    monkeypatch.setattr(conflator, "MAX_INACTIVE_VIDEOS", 2)
    for video_id in "abc":
        harness.receive(video_id, status="complete")
    assert list(harness.conflator.inactive) == ["b", "c"]
    harness.batch()
    harness.now += 600
    harness.conflator.expire_stale(harness.now)
    assert not harness.conflator.inactive


def test_it_fails_an_id_without_a_row_after_ten_silent_minutes(harness):
    harness.receive("a", percent=1.0)
    harness.conflator.adopt_row(harness.row("b"), harness.now)
    harness.batch()
    harness.now += 599
    harness.conflator.expire_stale(harness.now)
    assert harness.batch() == []
    harness.now += 1
    harness.conflator.expire_stale(harness.now)
    (message,) = harness.batch()
    assert (message["video_id"], message["status"], message["error"]) == ("a", "failed", "no news for 10 minutes")
    assert harness.conflator.encode_active().keys() == {"b"}

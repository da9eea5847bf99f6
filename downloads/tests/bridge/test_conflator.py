"""The bridge's rules, with the clock passed in."""

import json
from collections import OrderedDict

import pytest

from downloads.bridge import conflator
from downloads.bridge.conflator import Conflator
from downloads.bridge.video_state import RowState, VideoState
from downloads.progress.message import Progress


class Bench:
    """A conflator with a clock, and its batches as plain objects."""

    def __init__(self) -> None:
        self.conflator = Conflator()
        self.now = 1000.0

    def take(self, video_id: str = "a", **fields) -> bool:
        return self.conflator.apply_message(video_id, Progress(**fields), self.now)

    def row(self, video_id: str = "a", status: str = "downloading", attempt: int = 1, **fields) -> RowState:
        return RowState(video_id, Progress(status=status, attempt=attempt, **fields))

    def batch(self, rev: int = 7, gone=()) -> list[dict]:
        self.outgoing = self.conflator.render_batch(self.conflator.drain_pending(), rev, gone)
        return [json.loads(text) for _, _, text in self.outgoing.messages]

    def kinds(self) -> list[tuple]:
        return [(found["type"], found.get("status") or found.get("percent")) for found in self.batch()]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_it_sends_only_the_newest_of_each_video(bench):
    for percent in range(100):
        bench.take("a", percent=float(percent))
        bench.take("b", percent=float(percent) / 2)
    assert [(found["video_id"], found["percent"]) for found in bench.batch()] == [("a", 99), ("b", 49.5)]
    assert bench.batch() == []


def test_it_makes_a_status_and_a_progress_of_a_message_with_both(bench):
    bench.take(status="downloading", percent=3.0)
    status, progress = bench.batch()
    assert status == {
        "type": "status",
        "video_id": "a",
        "status": "downloading",
        "attempt": 1,
        "percent": 3.0,
        "rev": 7,
    }
    assert (progress["type"], progress["percent"]) == ("progress", 3.0)


def test_it_keeps_the_newest_status_and_only_the_progress_after_it(bench):
    bench.take(status="downloading", percent=3.0)
    bench.take(percent=50.0)
    bench.take(status="processing")
    assert bench.kinds() == [("status", "processing")]
    bench.take(percent=60.0)
    bench.take(percent=61.0)
    assert [kind for kind, _ in bench.kinds()] == ["progress"]


def test_it_takes_an_equal_status_for_no_change(bench):
    bench.take(status="downloading", percent=1.0)
    bench.batch()
    bench.take(status="downloading", percent=2.0)
    assert [found["type"] for found in bench.batch()] == ["progress"]


def test_it_ends_a_video_with_its_status_alone(bench):
    bench.take(percent=99.0)
    bench.take(status="complete", percent=100.0)
    assert bench.kinds() == [("status", "complete")]
    assert bench.conflator.encode_active() == {}


def test_it_carries_percent_and_bytes_forward_within_an_attempt(bench):
    bench.take(percent=10.0, downloaded_bytes=5, total_bytes=50, speed=3.0)
    bench.take(downloaded_bytes=6)
    (found,) = bench.batch()
    assert (found["percent"], found["downloaded_bytes"], found["total_bytes"]) == (10.0, 6, 50)
    assert "speed" not in found


def test_it_takes_an_explicit_null_for_unknown_and_tells_the_last_known(bench):
    bench.take(percent=10.0, total_bytes=50)
    bench.take(percent=None, total_bytes=None)
    (found,) = bench.batch()
    assert (found["percent"], found["last_percent"], found["total_bytes"]) == (None, 10.0, None)


def test_it_carries_nothing_into_a_new_attempt(bench):
    bench.take(percent=90.0, total_bytes=50, attempt=1)
    bench.take(downloaded_bytes=1, attempt=2)
    (found,) = bench.batch()
    assert (found["attempt"], found["percent"], found["last_percent"], found["total_bytes"]) == (2, None, 0.0, None)


def test_it_drops_lower_attempts_and_what_comes_after_the_end(bench):
    bench.take(percent=1.0, attempt=2)
    assert not bench.take(percent=50.0, attempt=1)
    assert bench.take(status="failed", error="no", attempt=2)
    assert not bench.take(percent=60.0, attempt=2)
    assert not bench.take(status="complete", attempt=2)
    assert not bench.take(status="failed", attempt=2)
    reasons = {"old_attempt": 1, "after_the_end": 2, "repeated_status": 1}
    assert bench.conflator.counters.counts == {f"messages_dropped.{reason}": count for reason, count in reasons.items()}
    (found,) = bench.batch()
    assert (found["status"], found["error"]) == ("failed", "no")


def test_it_begins_a_new_attempt_two_seconds_after_the_end_of_an_id_without_a_row(bench):
    bench.take(status="complete")
    bench.now += 1.9
    assert not bench.take(percent=1.0)
    bench.now += 0.1
    assert bench.take(percent=2.0)
    assert bench.batch()[-1]["attempt"] == 2


def test_it_gives_a_message_without_an_attempt_that_of_the_row(bench):
    bench.conflator.adopt_row(bench.row(attempt=3), bench.now)
    bench.take(percent=5.0)
    assert bench.batch()[0]["attempt"] == 3
    bench.take(status="failed")
    bench.now += 60
    assert not bench.take(percent=6.0)


def test_it_does_not_call_a_waiting_video_active(bench):
    bench.take(status="queued", percent=None, attempt=2)
    assert bench.kinds() == [("status", "queued")]
    assert bench.conflator.encode_active() == {}


def test_it_says_that_a_row_changed_even_after_its_end(bench):
    bench.take(status="complete")
    bench.batch()
    bench.take(changed=True, attempt=1)
    assert bench.batch() == [{"type": "changed", "video_id": "a", "rev": 7}]
    bench.take(changed=True)
    assert bench.batch(gone={"a"}) == [{"type": "changed", "video_id": "a", "rev": 7, "deleted": True}]


def test_it_keeps_the_store_to_the_active_videos(bench):
    bench.take("a", percent=1.0)
    bench.take("b", percent=2.0)
    bench.batch()
    assert bench.outgoing.snapshot_updates.keys() == {"a", "b"}
    bench.take("a", status="cancelled")
    bench.take("b", percent=3.0)
    bench.batch()
    assert (bench.outgoing.snapshot_updates.keys(), bench.outgoing.removed_ids) == ({"b"}, ["a"])


def test_it_lets_the_least_recently_updated_leave_when_there_are_too_many(bench, monkeypatch):
    monkeypatch.setattr(conflator, "MAX_ACTIVE_VIDEOS", 2)
    for video_id in ("a", "b", "a", "c"):
        bench.take(video_id, percent=1.0)
    bench.batch()
    assert bench.outgoing.removed_ids == ["b"]
    assert bench.conflator.encode_active().keys() == {"a", "c"}


def test_it_remembers_so_many_ended_ids_only(bench, monkeypatch):
    monkeypatch.setattr(conflator, "MAX_INACTIVE_VIDEOS", 2)
    for video_id in "abc":
        bench.take(video_id, status="complete")
    assert list(bench.conflator.inactive) == ["b", "c"]
    bench.batch()
    bench.now += 600
    bench.conflator.expire_stale(bench.now)
    assert not bench.conflator.inactive


def test_it_fails_an_id_without_a_row_after_ten_silent_minutes(bench):
    bench.take("a", percent=1.0)
    bench.conflator.adopt_row(bench.row("b"), bench.now)
    bench.batch()
    bench.now += 599
    bench.conflator.expire_stale(bench.now)
    assert bench.batch() == []
    bench.now += 1
    bench.conflator.expire_stale(bench.now)
    (found,) = bench.batch()
    assert (found["video_id"], found["status"], found["error"]) == ("a", "failed", "no news for 10 minutes")
    assert bench.conflator.encode_active().keys() == {"b"}


# Reconciliation ----------------------------------------------------------------------------------


def reconcile(bench, *rows, rows_read_at=None, **options) -> bool:
    return bench.conflator.reconcile_rows(
        rows, bench.now if rows_read_at is None else rows_read_at, bench.now, **options
    )


def test_it_puts_in_an_active_row_that_is_missing(bench):
    assert not reconcile(bench, bench.row(percent=5.0))
    assert [(found["type"], found["percent"]) for found in bench.batch()] == [("status", 5.0), ("progress", 5.0)]
    assert bench.conflator.encode_active().keys() == {"a"}


def test_it_tells_the_status_of_a_row_that_ended_unnoticed(bench):
    bench.conflator.adopt_row(bench.row(), bench.now)
    bench.now += 1
    assert not reconcile(bench, bench.row(status="failed", error="gone"))
    (found,) = bench.batch()
    assert (found["status"], found["error"]) == ("failed", "gone")
    assert bench.conflator.encode_active() == {}


def test_it_undoes_an_end_that_the_row_contradicts(bench):
    bench.conflator.adopt_row(bench.row(), bench.now)
    bench.take(status="complete")
    bench.batch()
    bench.now += 1
    assert reconcile(bench, bench.row(percent=40.0))
    assert bench.conflator.encode_active().keys() == {"a"}
    assert bench.batch() == []


def test_it_believes_a_message_that_came_while_the_rows_were_read(bench):
    bench.conflator.adopt_row(bench.row(), bench.now)
    since = bench.now
    bench.now += 0.1
    bench.take(status="complete")
    assert not reconcile(bench, bench.row(), rows_read_at=since)
    assert bench.kinds() == [("status", "complete")]


def test_it_follows_a_row_into_its_next_attempt(bench):
    bench.conflator.adopt_row(bench.row(status="failed"), bench.now)
    bench.now += 1
    assert not reconcile(bench, bench.row(attempt=2, percent=1.0))
    assert [found["attempt"] for found in bench.batch()] == [2, 2]


def test_it_sends_the_status_of_an_ended_row_again_only_if_its_message_may_be_lost(bench):
    assert not reconcile(bench, bench.row("a", "complete"))
    assert bench.batch() == []
    assert not reconcile(bench, bench.row("a", "complete"), video_ids_with_events={"a"})
    assert bench.kinds() == [("status", "complete")]
    bench.now += 1
    assert not reconcile(bench, bench.row("a", "complete"), video_ids_with_events={"a"})
    assert bench.batch() == []


def test_it_says_that_a_row_is_gone_whose_message_was_lost(bench):
    assert not reconcile(bench, video_ids_with_events={"a"})
    assert bench.batch(gone={"a"}) == [{"type": "changed", "video_id": "a", "rev": 7, "deleted": True}]


def test_it_forgets_a_deleted_row(bench):
    bench.conflator.adopt_row(bench.row(), bench.now)
    bench.take(percent=1.0)
    bench.batch()
    bench.now += 1
    assert not reconcile(bench, is_complete=True)
    (found,) = bench.batch(gone={"a"})
    assert found["deleted"]
    assert (bench.outgoing.removed_ids, bench.conflator.encode_active()) == (["a"], {})


def test_it_draws_no_bar_for_an_id_that_only_changed(bench):
    bench.take("ghost", changed=True)
    assert bench.batch(gone={"ghost"}) == [{"type": "changed", "video_id": "ghost", "rev": 7, "deleted": True}]
    assert bench.conflator.encode_active() == {}
    assert not bench.conflator.is_identified("ghost")


def test_it_undoes_an_attempt_that_the_row_has_not_reached(bench):
    bench.conflator.adopt_row(bench.row(), bench.now)
    bench.take(percent=7.0, attempt=99)
    bench.now += 1
    assert reconcile(bench, bench.row(percent=5.0))
    assert bench.take(percent=8.0, attempt=1)


def test_it_looks_again_at_a_row_that_waited(bench):
    bench.conflator.adopt_row(bench.row(status="queued"), bench.now)
    assert not bench.conflator.is_identified("a")
    bench.take(percent=3.0)
    assert bench.conflator.encode_active() == {}
    assert bench.kinds() == [("progress", "queued")]
    bench.conflator.adopt_row(bench.row(), bench.now)
    bench.take(percent=4.0)
    assert bench.conflator.encode_active().keys() == {"a"}


def test_it_leaves_an_id_without_a_row_alone(bench):
    bench.take("demo", percent=3.0)
    bench.batch()
    bench.now += 1
    assert not reconcile(bench)
    assert bench.conflator.encode_active().keys() == {"demo"}


def test_it_takes_over_what_an_earlier_leader_stored_and_this_process_remembers(bench):
    remembered = OrderedDict(x=VideoState(4, has_row=False, status="complete", updated_at=bench.now))
    bench.conflator.restore_states(remembered, {"demo": Progress(percent=3.0, attempt=2)}, bench.now)
    assert bench.batch() == []
    assert json.loads(bench.conflator.encode_active()["demo"])["attempt"] == 2
    assert not bench.take("x", percent=1.0)

"""Reconciliation of the conflator with the rows."""

import json
from collections import OrderedDict

from downloads.bridge.video_state import VideoState
from downloads.progress.message import Progress
from downloads.tests.support.conflator import reconcile


def test_it_puts_in_an_active_row_that_is_missing(harness):
    assert not reconcile(harness, harness.row(percent=5.0))
    assert [(message["type"], message["percent"]) for message in harness.batch()] == [
        ("status", 5.0),
        ("progress", 5.0),
    ]
    assert harness.conflator.encode_active().keys() == {"a"}


def test_it_tells_the_status_of_a_row_that_ended_unnoticed(harness):
    harness.conflator.adopt_row(harness.row(), harness.now)
    harness.now += 1
    assert not reconcile(harness, harness.row(status="failed", error="gone"))
    (message,) = harness.batch()
    assert (message["status"], message["error"]) == ("failed", "gone")
    assert harness.conflator.encode_active() == {}


def test_it_undoes_an_end_that_the_row_contradicts(harness):
    harness.conflator.adopt_row(harness.row(), harness.now)
    harness.receive(status="complete")
    harness.batch()
    harness.now += 1
    assert reconcile(harness, harness.row(percent=40.0))
    assert harness.conflator.encode_active().keys() == {"a"}
    assert harness.batch() == []


def test_it_believes_a_message_that_came_while_the_rows_were_read(harness):
    harness.conflator.adopt_row(harness.row(), harness.now)
    rows_read_at = harness.now
    harness.now += 0.1
    harness.receive(status="complete")
    assert not reconcile(harness, harness.row(), rows_read_at=rows_read_at)
    assert harness.batch_summary() == [("status", "complete")]


def test_it_follows_a_row_into_its_next_attempt(harness):
    harness.conflator.adopt_row(harness.row(status="failed"), harness.now)
    harness.now += 1
    assert not reconcile(harness, harness.row(attempt=2, percent=1.0))
    assert [message["attempt"] for message in harness.batch()] == [2, 2]


def test_it_sends_the_status_of_an_ended_row_again_only_if_its_message_may_be_lost(harness):
    assert not reconcile(harness, harness.row("a", "complete"))
    assert harness.batch() == []
    assert not reconcile(harness, harness.row("a", "complete"), video_ids_with_events={"a"})
    assert harness.batch_summary() == [("status", "complete")]
    harness.now += 1
    assert not reconcile(harness, harness.row("a", "complete"), video_ids_with_events={"a"})
    assert harness.batch() == []


def test_it_says_that_a_row_is_gone_whose_message_was_lost(harness):
    assert not reconcile(harness, video_ids_with_events={"a"})
    assert harness.batch(gone={"a"}) == [{"type": "changed", "video_id": "a", "rev": 7, "deleted": True}]


def test_it_forgets_a_deleted_row(harness):
    harness.conflator.adopt_row(harness.row(), harness.now)
    harness.receive(percent=1.0)
    harness.batch()
    harness.now += 1
    assert not reconcile(harness, is_complete=True)
    (message,) = harness.batch(gone={"a"})
    assert message["deleted"]
    assert (harness.outgoing.removed_ids, harness.conflator.encode_active()) == (["a"], {})


def test_a_changed_message_alone_shows_no_bar(harness):
    harness.receive("ghost", changed=True)
    assert harness.batch(gone={"ghost"}) == [{"type": "changed", "video_id": "ghost", "rev": 7, "deleted": True}]
    assert harness.conflator.encode_active() == {}
    assert not harness.conflator.is_identified("ghost")


def test_it_undoes_an_attempt_that_the_row_has_not_reached(harness):
    harness.conflator.adopt_row(harness.row(), harness.now)
    harness.receive(percent=7.0, attempt=99)
    harness.now += 1
    assert reconcile(harness, harness.row(percent=5.0))
    assert harness.receive(percent=8.0, attempt=1)


def test_it_looks_again_at_a_row_that_waited(harness):
    harness.conflator.adopt_row(harness.row(status="queued"), harness.now)
    assert not harness.conflator.is_identified("a")
    harness.receive(percent=3.0)
    assert harness.conflator.encode_active() == {}
    assert harness.batch_summary() == [("progress", "queued")]
    harness.conflator.adopt_row(harness.row(), harness.now)
    harness.receive(percent=4.0)
    assert harness.conflator.encode_active().keys() == {"a"}


def test_it_leaves_an_id_without_a_row_alone(harness):
    harness.receive("demo", percent=3.0)
    harness.batch()
    harness.now += 1
    assert not reconcile(harness)
    assert harness.conflator.encode_active().keys() == {"demo"}


def test_it_takes_over_what_an_earlier_leader_stored_and_this_process_remembers(harness):
    remembered = OrderedDict(x=VideoState(4, has_row=False, status="complete", updated_at=harness.now))
    harness.conflator.restore_states(remembered, {"demo": Progress(percent=3.0, attempt=2)}, harness.now)
    assert harness.batch() == []
    assert json.loads(harness.conflator.encode_active()["demo"])["attempt"] == 2
    assert not harness.receive("x", percent=1.0)

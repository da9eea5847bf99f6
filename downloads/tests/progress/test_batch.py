"""Batches, which the bridge encodes and the web processes decode."""

import json

import pytest

from downloads.progress.batch import Batch
from downloads.tests.support.cases import each_case


def test_it_reads_what_it_wrote():
    batch = Batch("e", 7, [("a", "progress", '{"percent":1}'), ("a", "changed", "{}")])
    event = json.loads(json.dumps(batch.to_event()))
    assert event == {
        "type": "progress.batch",
        "epoch": "e",
        "seq": 7,
        "messages": [["a", "progress", '{"percent":1}'], ["a", "changed", "{}"]],
    }
    assert Batch.from_event(event) == batch


@each_case(
    "event",
    [
        {},
        {"epoch": "e", "seq": 1},
        {"epoch": "e", "seq": "x", "messages": []},
        {"epoch": "e", "seq": float("inf"), "messages": []},
        {"epoch": "e", "seq": 1, "messages": None},
        {"epoch": "e", "seq": 1, "messages": [["a", "progress"]]},
        {"epoch": "e", "seq": 1, "messages": [["a", "progress", {}]]},
    ],
)
def test_it_refuses_what_is_no_batch(event):
    with pytest.raises((KeyError, TypeError, ValueError, OverflowError)):
        Batch.from_event(event)

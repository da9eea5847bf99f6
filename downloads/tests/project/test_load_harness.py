"""The load test's own parts: it notices what a viewer misses, and memory that grows."""

import json
from collections import Counter

from downloads.tests.support.load import figures
from downloads.tests.support.load.viewer import Viewer, differences, parse_frame


def progress(video_id: str, percent: float, stamp: int, **fields) -> dict:
    return {"type": "progress", "video_id": video_id, "percent": percent, "downloaded_bytes": stamp, **fields}


def snapshot(seq: int, *videos: dict, epoch: str = "e"):
    return parse_frame(json.dumps({"type": "snapshot", "epoch": epoch, "seq": seq, "videos": videos}).encode())


def batch(first_seq: int, seq: int, *messages: dict, epoch: str = "e"):
    frame = {"type": "batch", "epoch": epoch, "from": first_seq, "seq": seq, "messages": messages}
    return parse_frame(json.dumps(frame).encode())


def live_viewer() -> Viewer:
    viewer = Viewer(0, "127.1.0.1")
    assert not viewer.apply(snapshot(5, progress("a", 1.0, 10), progress("b", 2.0, 20)), now=1.0)
    return viewer


def test_a_viewer_asks_for_a_snapshot_after_a_gap_and_believes_nothing_before_it():
    viewer = live_viewer()
    assert viewer.apply(batch(7, 7, progress("a", 9.0, 90)), now=2.0)
    assert not viewer.apply(batch(8, 8, progress("a", 9.5, 95)), now=2.1)
    assert viewer.states["a"] == (1.0, 10)
    assert not viewer.apply(snapshot(8, progress("a", 9.5, 95)), now=2.2)
    assert viewer.states == {"a": (9.5, 95)}


def test_another_epoch_is_a_gap_and_an_old_batch_is_not():
    viewer = live_viewer()
    assert not viewer.apply(batch(4, 5, progress("a", 0.5, 5)), now=2.0)
    assert viewer.states["a"] == (1.0, 10)
    assert viewer.apply(batch(1, 1, epoch="other"), now=2.0)


def test_a_viewer_that_missed_an_update_or_an_end_differs_from_the_truth():
    viewer = live_viewer()
    assert differences(viewer.states, {"a": [1.0, 10], "b": [2.0, 20]}) == []
    assert len(differences(viewer.states, {"a": [1.0, 11]})) == 2
    assert not viewer.apply(batch(6, 6, {"type": "status", "video_id": "b", "status": "cancelled"}), now=2.0)
    assert differences(viewer.states, {"a": [1.0, 10]}) == []


def test_it_finds_growth_between_the_warm_up_and_the_end():
    samples = [
        {"phase": "steady", "at": float(at), "costs": {"web": {"pss_mb": 100 + at / 100, "rss_mb": 200.0}}}
        for at in range(0, 3600, 10)
    ]
    growth = figures.memory_growth(samples, "web")
    assert growth["rss_mb"] == [200.0, 200.0, 0.0]
    assert 0.25 < growth["pss_mb"][2] < 0.3


def test_percentiles_are_those_of_all_updates():
    latencies = Counter({10: 98, 50: 1, 900: 1})
    assert [figures.percentile(latencies, share) for share in (0.5, 0.98, 0.99, 1)] == [10, 10, 50, 900]

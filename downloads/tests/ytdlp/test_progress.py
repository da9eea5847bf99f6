"""Progress of a download by its streams: only their bytes count, each at its own stream."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloads.network.proxy import EgressProxy
from downloads.worker.progress_meter import Meter
from downloads.ytdlp import downloader

pytestmark = pytest.mark.usefixtures("ytdlp_environment")


@pytest.fixture
def measure(tmp_path):
    """Download a URL; return the updates, and the percentages of a meter that gets them."""

    def run(url, **options):
        with EgressProxy() as proxy:
            probed = downloader.probe_url(url, tmp_path, proxy_url=proxy.url, **options)
            meter, updates, percents = Meter(1, probed.streams), [], []

            def add(update):
                updates.append(update)
                meter.update(update, float(len(updates)))
                percents.append(meter.to_progress().percent)

            downloader.download_files(probed, add, threading.Event().set)
        return updates, percents

    return run


@pytest.mark.parametrize("languages", ["en", "en,de,fr,es"])
def test_subtitles_are_no_part_of_the_percentage(measure, media_server, languages):
    url = media_server.url(f"/subtitled/index.m3u8?languages={languages}")
    updates, percents = measure(url, subtitle_languages=languages)
    assert media_server.count_requests("/subtitled/en.vtt") == 1
    assert percents[0] < 20
    assert len({percent for percent in percents if percent < 90}) > 5
    assert [update.is_finished for update in updates].count(True) == 1
    assert updates[-1].is_finished


def test_subtitles_change_nothing_in_the_updates(measure, media_server, tmp_path):
    def fragments(updates):
        return [(update.stream_index, update.fragment_index) for update in updates if update.fragment_index]

    updates, _ = measure(media_server.url("/subtitled/index.m3u8?languages=en"), subtitle_languages="en")
    for path in tmp_path.iterdir():
        path.unlink()
    plain_updates, _ = measure(media_server.url("/hls/index.m3u8"))
    assert set(fragments(updates)) == set(fragments(plain_updates))
    assert updates[-1].downloaded_bytes == plain_updates[-1].downloaded_bytes


def test_two_streams_finish_one_after_the_other(measure, media_server):
    updates, percents = measure(media_server.url("/separate/index.m3u8"))
    assert [update.stream_index for update in updates if update.is_finished] == [0, 1]
    indices = [update.stream_index for update in updates]
    assert indices == sorted(indices)
    assert percents == sorted(percents)
    assert percents[0] < 20


def test_streams_with_one_id_are_told_apart(tmp_path, media_server):
    """By their order: an extractor may give two formats the same id."""
    with EgressProxy() as proxy:
        probed = downloader.probe_url(media_server.url("/separate/index.m3u8"), tmp_path, proxy_url=proxy.url)
        for format_info, extension in zip(probed.info["requested_formats"], ("mp4", "m4a"), strict=True):
            format_info |= {"format_id": "same", "ext": extension}
        updates = []
        downloader.download_files(probed, updates.append, threading.Event().set)
    assert {update.stream_index for update in updates} == {0, 1}


@given(
    st.lists(
        st.fixed_dictionaries(
            {"status": st.sampled_from(["downloading", "finished", "error"])},
            optional={
                "downloaded_bytes": st.none() | st.integers(0, 10**9),
                "total_bytes": st.none() | st.integers(1, 10**9),
                "total_bytes_estimate": st.none() | st.floats(1, 1e9),
                "fragment_index": st.integers(0, 20),
                "fragment_count": st.integers(1, 20),
                "info_dict": st.sampled_from([{}, {"format_id": "a"}, {"format_id": None}]),
            },
        ),
        max_size=20,
    )
)
def test_no_event_without_a_stream_is_forwarded(events):
    updates = []
    for event in events:
        downloader._forward_progress(event, None, updates.append)
    assert updates == []
    for event in events:
        downloader._forward_progress(event, 1, updates.append)
    assert len(updates) == sum(event["status"] != "error" for event in events)
    assert all(update.stream_index == 1 for update in updates)


def test_a_file_that_was_there_already_counts_whole():
    updates = []
    downloader._forward_progress({"status": "finished", "total_bytes": 500}, 0, updates.append)
    assert (updates[0].downloaded_bytes, updates[0].is_finished) == (500, True)

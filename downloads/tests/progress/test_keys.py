"""Redis keys and channels of the progress protocol."""

import pytest

from downloads.progress import keys, publisher
from downloads.progress import message as progress_message
from downloads.progress.message import InvalidMessage, Progress
from downloads.tests.support.cases import each_case


@pytest.mark.parametrize("video_id", ["a", "demo:1", "A_b-c.9", "x" * 64])
def test_it_takes_ids_of_the_contract(video_id):
    assert progress_message.parse_video_id(keys.progress_channel(video_id)) == video_id


@each_case("video_id", ["", "x" * 65, "../../etc/passwd", "a b", "*", "@", "a\nb", "ü", "a\n"])
def test_it_refuses_other_ids(video_id):
    with pytest.raises(InvalidMessage, match="bad_id"):
        progress_message.parse_video_id(keys.progress_channel(video_id))
    with pytest.raises(ValueError, match="video id"):
        publisher.publish_progress(video_id, Progress(percent=1))

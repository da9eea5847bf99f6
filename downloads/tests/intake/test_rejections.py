"""Rejected lines: what is said above them."""

import pytest

from downloads.intake.rejections import summarize


@pytest.mark.parametrize(
    ("added_count", "rejected_count", "sentence"),
    [
        (0, 0, "Nothing was added:"),
        (0, 1, "1 link wasn’t added:"),
        (0, 2, "2 links weren’t added:"),
        (0, 1_200, "1,200 links weren’t added:"),
        (1, 1, "1 added. 1 was not:"),
        (5_000, 1_200, "5,000 added. 1,200 were not:"),
    ],
)
def test_a_submission_is_summed_up(added_count, rejected_count, sentence):
    assert summarize(added_count, rejected_count) == sentence

"""Validation of progress messages from Redis."""

import json

import pytest

from downloads.progress.message import UNSET, InvalidMessage, Progress
from downloads.tests.support.cases import each_case

VALID_MESSAGE = b'{"percent": 42}'


@each_case(
    ("data", "reason"),
    [
        (b"", "no_json"),
        (b"\x00", "no_json"),
        (b'{"percent": 5', "no_json"),
        (b'{"percent":5}xyz', "no_json"),
        (b"{'percent': 5}", "no_json"),
        (b"\xff\xfe{\x00", "no_json"),
        ('{"percent":5}'.encode("utf-16"), "no_json"),
        ("\ufeff" + '{"percent":5}', "no_json"),
        (b'{"phase": "\xc0\xaf"}', "no_json"),
        (b'{"percent":' + b"9" * 5000 + b"}", "no_json"),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, "too_long"),
        (b"[" * 16000, "no_json"),
        (b'{"percent": 1, "x": "' + b"y" * 17000 + b'"}', "too_long"),
        (b"null", "no_object"),
        (b"true", "no_object"),
        (b"42", "no_object"),
        (b'"hi"', "no_object"),
        (b"[]", "no_object"),
        (b'[{"percent":1}]', "no_object"),
        (b"{}", "no_field"),
        (b'{"type":"websocket.disconnect","code":1000}', "no_field"),
        (b'{"percent": "50%"}', "no_field"),
        (b'{"percent": true}', "no_field"),
        (b'{"percent": [1]}', "no_field"),
        (b'{"percent": NaN}', "no_field"),
        (b'{"percent": Infinity}', "no_field"),
        (b'{"percent": 1e999}', "no_field"),
        (b'{"status": "exploded"}', "no_field"),
        (b'{"status": ["complete"]}', "no_field"),
        (b'{"attempt": null}', "no_field"),
        (b'{"changed": false}', "no_field"),
    ],
)
def test_it_refuses_what_cannot_be_used_and_names_the_reason(data, reason):
    with pytest.raises(InvalidMessage) as caught:
        Progress.from_json(data if isinstance(data, bytes) else data.encode())
    assert caught.value.reason == reason
    assert Progress.from_json(VALID_MESSAGE).percent == 42


@each_case(
    ("data", "fields"),
    [
        (b'{"percent": -5}', {"percent": 0.0}),
        (b'{"percent": -0.0}', {"percent": 0.0}),
        (b'{"percent": 250}', {"percent": 100.0}),
        (b'{"percent": null}', {"percent": None}),
        (b'{"percent": 5e-324}', {"percent": 5e-324}),
        (b'{"downloaded_bytes": 18446744073709551616}', {"downloaded_bytes": 2**53 - 1}),
        (b'{"downloaded_bytes": 12.0}', {"downloaded_bytes": 12}),
        (b'{"downloaded_bytes": -1, "total_bytes": null}', {"downloaded_bytes": 0, "total_bytes": None}),
        (b'{"attempt": 0}', {"attempt": 1}),
        (b'{"percent": 7, "speed": "fast", "eta": NaN, "unknown": 1}', {"percent": 7.0}),
        (b'{"percent": 1, "percent": 2}', {"percent": 2.0}),
        (b'{"phase": "\\ud800"}', {"phase": "?"}),
        (b'{"phase": "<script>\\u0000"}', {"phase": "<script>\x00"}),
        (b'{"changed": true, "status": "failed"}', {"status": "failed", "changed": True}),
    ],
)
def test_it_keeps_what_is_valid_and_clamps_numbers(data, fields):
    assert Progress.from_json(data).to_dict() == fields


def test_it_cuts_texts():
    progress = Progress.from_json(json.dumps({"phase": "p" * 65, "error": "e" * 501}).encode())
    assert (len(progress.phase), len(progress.error)) == (64, 500)


def test_it_writes_json_that_it_reads_again():
    whole = Progress("downloading", 2, 41.5, 10, None, 3.5, None, "video")
    assert Progress.from_json(whole.to_json().encode()) == whole
    assert "error" not in whole.to_json()
    assert whole.error is UNSET

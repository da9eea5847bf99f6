"""Media playlists as yt-dlp gets them."""

import pytest

from downloads.tests.support.cases import each_case
from downloads.ytdlp.adaptive_streaming.fragments import FragmentRange, split_byte_range
from downloads.ytdlp.adaptive_streaming.hls_playlist import require_decryptable, rewrite_playlist
from downloads.ytdlp.results import DownloadError


def segments(*lines, **options):
    """Return (URL, byte range) of each segment."""
    text = rewrite_playlist("\n".join(["#EXTM3U", *lines]), **options).text
    return [
        (url, (byte_range.start, byte_range.end) if byte_range else None)
        for url, byte_range in (split_byte_range(line) for line in text.splitlines() if line and line[0] != "#")
    ]


def keys(*lines):
    text = rewrite_playlist("\n".join(["#EXTM3U", *lines])).text
    return [line for line in text.splitlines() if line.startswith("#EXT-X-KEY") and "IV=" in line]


def test_a_range_continues_that_of_the_same_file():
    assert segments("#EXT-X-BYTERANGE:10@5", "a.ts", "#EXT-X-BYTERANGE:7", "b.ts", "#EXT-X-BYTERANGE:20", "a.ts") == [
        ("a.ts", (5, 15)),
        ("b.ts", (0, 7)),
        ("a.ts", (15, 35)),
    ]


def test_a_range_holds_for_one_segment():
    assert segments("#EXT-X-BYTERANGE:10@5", "a.ts", "b.ts") == [("a.ts", (5, 15)), ("b.ts", None)]


def test_an_advertisement_counts_for_the_range_after_it():
    lines = ["#UPLYNK-SEGMENT:x,00,ad", "#EXT-X-BYTERANGE:10@0", "a.ts", "#UPLYNK-SEGMENT:x,00,segment"]
    assert segments(*lines, "#EXT-X-BYTERANGE:5", "a.ts")[1] == ("a.ts", (10, 15))


@pytest.mark.parametrize("value", ['BYTERANGE="8@0",URI="i.mp4"', 'URI="i.mp4",BYTERANGE="8"'])
def test_an_initialization_section_is_the_first_segment(value):
    """yt-dlp appends it again in a resumption, if it is none."""
    assert segments(f"#EXT-X-MAP:{value}", "#EXT-X-BYTERANGE:5", "i.mp4") == [("i.mp4", (0, 8)), ("i.mp4", (8, 13))]


def test_an_initialization_section_may_be_repeated():
    lines = ['#EXT-X-MAP:URI="i.mp4"', "#EXTINF:1,", "a.mp4"]
    assert segments(*lines, *lines) == [("i.mp4", None), ("a.mp4", None), ("a.mp4", None)]


def test_a_key_without_iv_gets_the_number_of_each_segment():
    assert keys("#EXT-X-MEDIA-SEQUENCE:7", '#EXT-X-KEY:METHOD=AES-128,URI="k"', "a.ts", "b.ts") == [
        f'#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x{number:032x}' for number in (7, 8)
    ]


@pytest.mark.parametrize(
    "key",
    ['METHOD=AES-128,URI="k",IV=0x1', "METHOD=NONE", 'METHOD=AES-128,IV=0x2,URI="k"'],
)
def test_other_keys_stay_as_they_are(key):
    assert f"#EXT-X-KEY:{key}" in rewrite_playlist(f"#EXTM3U\n#EXT-X-KEY:{key}\na.ts").text.splitlines()
    assert len(keys(f"#EXT-X-KEY:{key}", "a.ts", "b.ts")) == key.count("IV")


def test_the_duration_is_that_of_what_is_downloaded():
    advertisement = ["#ANVATO-SEGMENT-INFO type=ad", "#EXTINF:30.5,", "ad.ts", "#ANVATO-SEGMENT-INFO type=master"]
    lines = ["#EXTM3U", "#EXTINF:2.5,title", "a.ts", *advertisement, "#EXT-X-DISCONTINUITY", "#EXTINF:3.5,", "b.ts"]
    assert rewrite_playlist("\n".join(lines)).promised_duration.seconds == 6
    assert rewrite_playlist("\n".join(lines), format_index=1).promised_duration.seconds == 3.5


@pytest.mark.parametrize(
    "text", ["", "#EXTM3U", "#EXTM3U\na.ts", "#EXTM3U\n#EXTINF:,\na.ts", "#EXTM3U\n#EXTINF:x,\na.ts"]
)
def test_a_playlist_may_promise_nothing(text):
    assert rewrite_playlist(text).promised_duration is None


def test_a_byte_range_is_written_as_in_a_request():
    assert str(FragmentRange(0, 100)) == "0-99"


@each_case(
    "attributes",
    [
        'METHOD=SAMPLE-AES,URI="key.bin"',
        'METHOD=SAMPLE-AES,URI="skd://a",KEYFORMAT="com.apple.streamingkeydelivery",KEYFORMATVERSIONS="1"',
        'METHOD=SAMPLE-AES-CTR,URI="data:text/plain;base64,AA==",KEYFORMAT="urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"',
        'METHOD=SAMPLE-AES,URI="data:text/plain;base64,AA==",KEYFORMAT="com.microsoft.playready"',
        'METHOD=AES-128,URI="skd://a",KEYFORMAT="com.apple.streamingkeydelivery"',
        'METHOD=AES-256-XTS,URI="key.bin"',
        "",
    ],
)
def test_it_refuses_what_only_players_decrypt(attributes):
    for read in (require_decryptable, rewrite_playlist):
        with pytest.raises(DownloadError, match=r"copy-protected \(DRM\)") as raised:
            read(f"#EXTM3U\r\n#EXT-X-KEY:{attributes}\r\n#EXTINF:4,\r\na.ts\r\n")
        assert raised.value.permanent


@pytest.mark.parametrize(
    "attributes",
    [
        "METHOD=NONE",
        'METHOD=AES-128,URI="k"',
        'METHOD=AES-128,URI="k",IV=0x01,KEYFORMAT="identity",KEYFORMATVERSIONS="1"',
    ],
)
def test_it_takes_what_is_encrypted_for_transport_only(attributes):
    require_decryptable(f"#EXTM3U\n#EXT-X-KEY:{attributes}\n#EXTINF:4,\na.ts\n")

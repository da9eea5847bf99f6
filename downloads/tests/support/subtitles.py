"""Sample subtitle files: one of many cues, and malformed ones."""

# Tracks that a row written by another program may have.
MALFORMED_SUBTITLE_FILES = [
    "a.en.vtt",
    5,
    {"language": "en", "file": "a.en.vtt"},
    ["a.en.vtt", None, []],
    [{}, {"language": "en"}, {"file": "a.en.vtt"}],
    [{"language": language, "file": "a.en.vtt"} for language in ("", "e_n", "e n", "../en", None, 5, ["en"])],
    [{"language": "en", "file": file} for file in (None, 5, ["a.en.vtt"])],
    [{"language": "en", "file": "../secret.vtt"}],
    [{"language": "en", "file": "a\x00.en.vtt"}],
]
SAMPLE_WEBVTT = """\ufeffWEBVTT
Kind: captions

STYLE
::cue { color: hidden }

NOTE
a secret remark

intro
00:00.000 --> 00:02.000 align:start
<v Ada>Hello <c.yellow>zebra</c> &amp; friends</v>

00:02.000 --> 00:04.000
Hello zebra & friends
of the savanna
"""

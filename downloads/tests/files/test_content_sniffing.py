"""Content sniffing: what a file is that is no media."""

import time

from downloads.files.content_sniffing import describe_bytes, describe_content
from downloads.tests.support.cases import each_case

HTML = "<!doctype html><html><head><title>Größe</title></head><body>Sign in</body></html>"


@each_case(
    ("data", "description"),
    [
        (b"", "an empty file"),
        (bytes(5000), "nothing but zeros"),
        (HTML.encode(), "a web page"),
        (b"\xef\xbb\xbf" + HTML.encode(), "a web page"),
        (HTML.encode("utf-16"), "a web page"),
        (HTML.encode("latin-1"), "a web page"),
        (b"\n\n  <HTML><body>", "a web page"),
        (b"<!-- x -->\n<html>", "a web page"),
        (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', "a web page"),
        (b"<p>Not found</p>", "a web page"),
        (b"<center><h1>502 Bad Gateway</h1></center>", "a web page"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">', "an image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "an image"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "an image"),
        (b"GIF89a\1\0\1\0", "an image"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "an image"),
        (b"\0\0\0\x20ftypavif\0\0\0\0", "an image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "an image"),
        (b"#EXTM3U\n#EXTINF:1,\na.ts\n", "a playlist"),
        (b"ffconcat version 1.0\nfile a.mp4\n", "a playlist"),
        (b'<?xml version="1.0"?>\n<MPD type="static">', "a playlist"),
        (b'<?xml version="1.0"?><error/>', "an XML document"),
        (b'{"error": "not found"}', "data (JSON)"),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\nx", "subtitles"),
        (b"1\r\n00:00:00,000 --> 00:00:01,000\r\nx", "subtitles"),
        (b"404 page not found\n", "a text"),
        ("Nicht gefunden: Größe".encode("latin-1"), "a text"),
        ("見つかりません".encode("utf-16"), "a text"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"PK\3\4\x14\0", "an archive"),
        (b"\x1f\x8b\x08\0", "an archive"),
        (b"MZ\x90\0", "a program"),
        (b"#!/bin/sh\n", "a program"),
        (b"CWS\x0a\1\2\3", "a program"),
        # May be media:
        (b"\0\0\0\x20ftypisom\0\0\2\0", ""),
        (b"\0\0\0\x20ftypM4B \0\0\2\0", ""),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81", ""),
        (b"RIFF\x24\0\0\0WAVEfmt ", ""),
        (b"OggS\0\2", ""),
        (b"\xef\xbb\xbf\0\0\0\x20ftypisom", ""),
        (b"#!AMR\n\x3c\1", ""),
        (b"YUV4MPEG2 W176 H144 F25:1\nFRAME\n" + b"abcdef" * 999, ""),
        (b"\0\0\1\xba\x44\0", ""),
        (b"\0\0\1\0\0\0\1\x20", ""),
    ],
)
def test_it_says_what_a_file_is(data, description):
    assert describe_bytes(data) == description


def test_it_reads_only_the_beginning(tmp_path):
    (tmp_path / "x.mp4").write_bytes(b"<html>" + b" " * 1_000_000)
    assert describe_content(tmp_path / "x.mp4") == "a web page"


@each_case(
    "content",
    [
        b"<!---->" * 580 + b"x",
        b"<!--" * 1000,
        b"<?xml >" * 500,
        b"<!doctype svg>" * 290,
        b" " * 4095 + b"<",
        b"1\n" * 2000,
    ],
)
def test_it_needs_no_time_for_what_is_made_to_take_long(content):
    started_at = time.process_time()
    describe_bytes(content)
    assert time.process_time() - started_at < 0.2


def test_comments_and_declarations_come_before_a_page():
    assert describe_bytes(b"<?xml version='1.0'?> <!-- a --> <!-- b --><html>") == "a web page"

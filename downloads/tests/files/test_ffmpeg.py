"""Runs of ffmpeg and ffprobe."""

import subprocess

import pytest

from downloads.files import ffmpeg, media_types
from downloads.tests.support import pictures


class TestFfmpeg:
    """Validation and probing of files."""

    def test_it_reads_a_clip(self, session_media_server):
        assert ffmpeg.validation_error(session_media_server.folder / "clip.mp4") == ""

    @pytest.mark.parametrize("text", ["<!doctype html><p>x", "", "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"])
    def test_it_reports_a_file_that_is_no_media(self, tmp_path, text):
        (tmp_path / "media.mp4").write_text(text)
        assert ffmpeg.validation_error(tmp_path / "media.mp4")

    def test_it_reports_a_clip_without_its_beginning(self, session_media_server, tmp_path):
        (tmp_path / "media.mp4").write_bytes(session_media_server.clip[100_000:])
        assert ffmpeg.validation_error(tmp_path / "media.mp4")

    def test_it_tells_no_length_of_what_has_none(self, tmp_path, monkeypatch):
        (tmp_path / "media.mp4").write_text("  Duration: 00:00:01.00, start")
        assert ffmpeg.inspect_media(tmp_path / "media.mp4") is None
        monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)
        assert ffmpeg.inspect_media(tmp_path / "media.mp4") is None

    def test_it_tells_how_long_a_clip_is_whatever_its_tags_say(self, session_media_server, tmp_path):
        clip, tagged = session_media_server.folder / "clip.mp4", tmp_path / "tagged.mp4"
        tags = [
            "-metadata",
            "title=\n  Duration: 09:00:00.00, start: 0\n  Stream #0:7: Audio: mp3",
            "-metadata",
            "comment=Duration: 09:00:00.00,",
        ]
        subprocess.run(
            [ffmpeg.find_ffmpeg(), "-nostdin", "-v", "error", "-i", clip, "-c", "copy", *tags, tagged],
            check=True,
            timeout=30,
        )
        assert ffmpeg.inspect_media(clip).duration == pytest.approx(6, abs=0.2)
        assert ffmpeg.inspect_media(tagged) == ffmpeg.inspect_media(clip)

    @pytest.mark.parametrize("is_frame_wanted", [True, False])
    def test_it_examines_a_clip_in_one_run(self, session_media_server, tmp_path, monkeypatch, is_frame_wanted):
        clip, frame = session_media_server.folder / "clip.mp4", tmp_path / "frame.jpg"
        expected = ffmpeg.inspect_media(clip)
        runs, run = [], subprocess.run
        monkeypatch.setattr(subprocess, "run", lambda *args, **options: runs.append(args) or run(*args, **options))
        assert ffmpeg.examine_media(clip, frame if is_frame_wanted else None) == expected
        assert len(runs) == 1
        assert frame.exists() is is_frame_wanted
        assert not is_frame_wanted or media_types.thumbnail_extension(frame) == "jpg"

    @pytest.mark.parametrize("case", ["page", "sound", "killed", "cut"])
    def test_it_says_nothing_where_one_run_does_not_do(self, session_media_server, tmp_path, monkeypatch, case):
        media, frame = tmp_path / "media.mp4", tmp_path / "frame.jpg"
        contents = {
            "page": b"<!doctype html><p>x",
            "sound": (session_media_server.folder / "separate" / "audio0.ts").read_bytes(),
            "killed": session_media_server.clip,
            "cut": session_media_server.clip[100_000:],
        }
        media.write_bytes(contents[case])
        if case == "killed":
            frame.write_bytes(b"\xff\xd8 half a frame")
            program = tmp_path / "ffmpeg"
            program.write_text("#!/bin/sh\nkill -KILL $$\n")
            program.chmod(0o755)
            monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: str(program))
        assert ffmpeg.examine_media(media, frame) is None
        assert not frame.exists()

    def test_it_extracts_a_still(self, session_media_server, tmp_path):
        assert ffmpeg.extract_frame(session_media_server.folder / "clip.mp4", tmp_path / "still.jpg")
        assert media_types.thumbnail_extension(tmp_path / "still.jpg") == "jpg"

    @pytest.mark.parametrize("name", ["sound.mp3", "sound.m4a"])
    def test_it_extracts_the_cover_of_sound(self, session_media_server, tmp_path, name):
        clip, cover = session_media_server.folder / "clip.mp4", session_media_server.folder / "thumb.jpg"
        options = ["-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v:0", "attached_pic"]
        command = [ffmpeg.find_ffmpeg(), "-nostdin", "-v", "error", "-i", clip, "-i", cover, *options, tmp_path / name]
        subprocess.run(command, check=True, timeout=30)
        assert ffmpeg.extract_frame(tmp_path / name, tmp_path / "still.jpg")
        assert media_types.thumbnail_extension(tmp_path / "still.jpg") == "jpg"

    def test_it_does_not_decode_a_cover_that_unfolds_to_gigabytes(self, session_media_server, tmp_path):
        clip, cover, sound = session_media_server.folder / "clip.mp4", tmp_path / "cover.png", tmp_path / "sound.m4a"
        cover.write_bytes(pictures.bomb_png(12_000, 12_000))
        options = ["-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v:0", "attached_pic"]
        command = [ffmpeg.find_ffmpeg(), "-nostdin", "-v", "error", "-i", clip, "-i", cover, *options, sound]
        subprocess.run(command, check=True, timeout=30)
        assert not ffmpeg.extract_frame(sound, tmp_path / "still.jpg")

    def test_it_takes_no_picture_of_sound(self, session_media_server, tmp_path):
        sound = session_media_server.folder / "separate" / "audio0.ts"
        assert not ffmpeg.extract_frame(sound, tmp_path / "still.jpg")

    def test_it_names_what_is_missing_and_what_that_costs(self, monkeypatch, tmp_path):
        assert ffmpeg.missing_tool_warnings() == []
        monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)
        monkeypatch.setattr(ffmpeg, "build_search_path", lambda: str(tmp_path))
        without_ffmpeg, without_javascript = ffmpeg.missing_tool_warnings()
        assert "cannot be joined" in without_ffmpeg
        assert "YouTube" in without_javascript
        assert ffmpeg.validation_error(tmp_path / "x.mp4") == ""
        assert not ffmpeg.extract_frame(tmp_path / "x.mp4", tmp_path / "x.jpg")

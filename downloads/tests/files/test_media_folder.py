"""How a fetched video is put away."""

import subprocess

import pytest

from downloads.files import ffmpeg, media_folder, media_types, names, partial_file, workspace


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("A plain title", "A plain title"),
        ("../../../etc/passwd", "_.._.._etc_passwd"),
        ("..\\..\\x", "_.._x"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("~root", "root"),
        ("a\x00b\r\nc", "a b c"),
        ("CON", "_CON"),
        ("com1.mp4", "_com1.mp4"),
        ("", "video"),
        ("...", "video"),
        ("   ", "video"),
        ("\u202egpj.exe", "gpj.exe"),
        ('<img src="x">', "_img src=_x__"),
        ("trailing dots...", "trailing dots"),
        ("Straße 🎬 日本語", "Straße 🎬 日本語"),
        ("{{ 7*7 }} %(title)s", "{{ 7_7 }} %(title)s"),
    ],
)
def test_it_makes_a_plain_name_of_any_title(title, name):
    assert names.safe_name(title) == name


@pytest.mark.parametrize("title", ["x" * 1000, "🎬" * 1000, "é." * 500, "\ud800" * 5])
def test_it_cuts_a_name_to_what_a_file_system_takes(tmp_path, title):
    name = names.safe_name(title)
    assert 0 < len(name.encode()) <= names.MAX_NAME_BYTES
    (tmp_path / f"{name}.info.json").touch()


@pytest.mark.parametrize("kind", ["html", "svg", "js", "xml", "mhtml", "swf", "exe", "m3u8", ""])
def test_it_takes_no_file_that_a_browser_would_run(tmp_path, kind):
    assert media_types.media_extension(tmp_path / f"media.{kind}") is None


def test_it_knows_media_by_their_ending(tmp_path):
    assert media_types.media_extension(tmp_path / "media.MP4") == "mp4"


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\xff\xd8\xff\xe0 jpeg", "jpg"),
        (b"\x89PNG\r\n\x1a\n rest", "png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", None),
        (b"<html><script>", None),
        (b"", None),
    ],
)
def test_it_believes_a_picture_by_its_bytes(tmp_path, start, kind):
    (tmp_path / "media.jpg").write_bytes(start)
    assert media_types.thumbnail_extension(tmp_path / "media.jpg") == kind


@pytest.fixture
def staged_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    folder = tmp_path / "work" / "ready"
    folder.mkdir(parents=True)
    (folder / "new.mp4").write_text("new")
    return folder


def test_it_places_a_folder_as_one(staged_folder, settings):
    media_folder.install(staged_folder, "abc")
    assert [path.name for path in (settings.MEDIA_ROOT / "abc").iterdir()] == ["new.mp4"]
    assert not staged_folder.exists()


def test_it_replaces_an_older_folder_whole(staged_folder, settings):
    (settings.MEDIA_ROOT / "abc").mkdir()
    (settings.MEDIA_ROOT / "abc" / "old.mp4").write_text("old")
    media_folder.install(staged_folder, "abc")
    assert [path.name for path in (settings.MEDIA_ROOT / "abc").iterdir()] == ["new.mp4"]


def test_it_places_a_folder_once(staged_folder, settings):
    media_folder.install(staged_folder, "abc")
    media_folder.install(staged_folder, "abc")
    assert (settings.MEDIA_ROOT / "abc" / "new.mp4").read_text() == "new"


class TestWorkspace:
    """One folder per video, one attempt in it."""

    @pytest.fixture(autouse=True)
    def root(self, settings, tmp_path):
        settings.WORK_ROOT = tmp_path / "work"
        settings.WORK_ROOT.mkdir()
        return settings.WORK_ROOT

    def test_it_keeps_partial_files_and_nothing_else(self, root):
        (root / "abc" / "left").mkdir(parents=True)
        for name in ("over.part", "a.mp4.part", "a.mp4.mark", "b.mp4", "b.mp4.mark", "media.temp.mp4"):
            (root / "abc" / name).write_text(name)
        with workspace.locked_workspace("abc") as folder:
            found = {
                path.name: path.read_text()
                for path in folder.iterdir()
                if path.name not in (workspace.RESERVE_FILE, partial_file.HIGH_WATER_MARK_FILE)
            }
        assert found == {
            "a.mp4.part": "a.mp4.part",
            "a.mp4.mark": "a.mp4.mark",
            "b.mp4.part": "b.mp4",
            "b.mp4.mark": "b.mp4.mark",
        }

    def test_it_lets_one_in_at_a_time(self, monkeypatch):
        monkeypatch.setattr(workspace, "LOCK_TIMEOUT_SECONDS", 0.2)
        with workspace.locked_workspace("abc"):
            with pytest.raises(workspace.WorkspaceLocked):
                workspace.locked_workspace("abc").__enter__()
            assert not workspace.remove_workspace("abc")
        with workspace.locked_workspace("abc"):
            pass

    def test_it_is_kept_when_an_attempt_fails(self):
        with pytest.raises(RuntimeError), workspace.locked_workspace("abc"):
            raise RuntimeError
        assert workspace.list_ids() == ["abc"]
        assert workspace.remove_workspace("abc")
        assert workspace.remove_workspace("never there")
        assert workspace.list_ids() == []


class TestFfmpeg:
    """What ffmpeg says about a file."""

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
        assert ffmpeg.read_duration(tmp_path / "media.mp4") is None
        monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)
        assert ffmpeg.read_duration(tmp_path / "media.mp4") is None

    def test_it_tells_how_long_a_clip_is_whatever_its_tags_say(self, session_media_server, tmp_path):
        clip, tagged = session_media_server.folder / "clip.mp4", tmp_path / "tagged.mp4"
        tags = ["-metadata", "title=\n  Duration: 09:00:00.00, start: 0", "-metadata", "comment=Duration: 09:00:00.00,"]
        subprocess.run(
            [ffmpeg.find_ffmpeg(), "-nostdin", "-v", "error", "-i", clip, "-c", "copy", *tags, tagged],
            check=True,
            timeout=30,
        )
        assert ffmpeg.read_duration(clip) == pytest.approx(6, abs=0.2)
        assert ffmpeg.read_duration(tagged) == ffmpeg.read_duration(clip)

    def test_it_extracts_a_still(self, session_media_server, tmp_path):
        assert ffmpeg.extract_frame(session_media_server.folder / "clip.mp4", tmp_path / "still.jpg")
        assert media_types.thumbnail_extension(tmp_path / "still.jpg") == "jpg"

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

"""The workspace of an attempt."""

import pytest

from downloads.files import workspace


class TestWorkspace:
    """Workspace folders: one per video, used by one attempt at a time."""

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
            contents = {
                path.name: path.read_text()
                for path in folder.iterdir()
                if path.name not in (workspace.RESERVE_FILE, workspace.HIGH_WATER_MARK_FILE)
            }
        assert contents == {
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

"""Flushing of files and folders to the disk."""

import os

import pytest

from downloads.files import fsync


@pytest.fixture
def open_descriptors():
    return lambda: len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_it_flushes_a_file_and_returns_its_size(tmp_path, open_descriptors):
    (tmp_path / "file").write_bytes(b"12345")
    before = open_descriptors()
    assert fsync.fsync_path(tmp_path / "file") == 5
    assert open_descriptors() == before


def test_it_flushes_a_folder(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(fsync.os, "fsync", lambda descriptor: flushed.append(os.fstat(descriptor).st_ino))
    fsync.fsync_path(tmp_path)
    assert flushed == [tmp_path.stat().st_ino]


def test_it_closes_the_file_when_the_disk_fails(tmp_path, monkeypatch, open_descriptors):
    def fail(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(fsync.os, "fsync", fail)
    before = open_descriptors()
    with pytest.raises(OSError, match="Input/output error"):
        fsync.fsync_path(tmp_path)
    assert open_descriptors() == before

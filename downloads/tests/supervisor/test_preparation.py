"""Preparations in a process of their own: results, refusals, and its end."""

import os
import signal
import threading

import pytest

from downloads.tests.support.processes import process_parents
from ytarchive.supervisor import bootstrap
from ytarchive.supervisor.preparation import PreparationProcess
from ytarchive.supervisor.startup import StartupError


def refuse(*_: object) -> None:
    raise StartupError("The disk is missing.")


def test_it_passes_lines_and_the_result_on(monkeypatch, capfd):
    monkeypatch.setattr(bootstrap, "check_folders", lambda: None)
    monkeypatch.setattr(bootstrap, "prepare_all", lambda write_line: write_line("Migrated.") or "Sign in as ada.")
    with PreparationProcess(lambda line: os.write(1, line.encode()) and None) as preparation:
        preparation.check_folders()
        assert preparation.prepare_all() == "Sign in as ada."
    assert capfd.readouterr().out == "Migrated."


def test_it_passes_a_refusal_on(monkeypatch):
    monkeypatch.setattr(bootstrap, "check_folders", refuse)
    with PreparationProcess(print) as preparation, pytest.raises(StartupError, match="The disk is missing"):
        preparation.check_folders()
    assert preparation._pid not in process_parents()


@pytest.mark.parametrize("end", [lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: 1 / 0])
def test_a_process_that_dies_is_a_refusal(monkeypatch, end):
    monkeypatch.setattr(bootstrap, "check_folders", end)
    with PreparationProcess(print) as preparation, pytest.raises(StartupError, match="ended early"):
        preparation.check_folders()


def test_a_preparation_is_interrupted_when_the_start_is_given_up(monkeypatch, tmp_path):
    started, rolled_back = os.pipe(), tmp_path / "rolled-back"

    def migrate_for_ever(_: object) -> None:
        try:
            os.write(started[1], b".")
            signal.pause()
        finally:
            rolled_back.touch()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "prepare_all", migrate_for_ever)
    previous = signal.signal(signal.SIGTERM, interrupt)  # as the supervisor does
    try:
        with PreparationProcess(print) as preparation:
            threading.Thread(target=lambda: os.read(started[0], 1) and os.kill(os.getpid(), signal.SIGTERM)).start()
            with pytest.raises(KeyboardInterrupt):
                preparation.prepare_all()
    finally:
        signal.signal(signal.SIGTERM, previous)
    assert rolled_back.exists()
    assert preparation._pid not in process_parents()

"""Tests without the programs they need: skipped, failed in CI, and listed at the end of a run."""

import pytest

from downloads.tests.support import required_programs


@pytest.fixture(autouse=True)
def no_programs_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(required_programs, "find_program", lambda _name: None)


def test_it_skips_what_needs_a_missing_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match=r"nginx \(apt-get install nginx\)"):
        required_programs.require_program("nginx")


def test_it_fails_that_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match=r"chromium \(apt-get install chromium\)"):
        required_programs.require_program("chromium")


def test_it_names_each_missing_program_once() -> None:
    def skipped(reason: str) -> pytest.TestReport:
        return pytest.TestReport("id", ("file", 1, "test"), {}, "skipped", ("file", 1, f"Skipped: {reason}"), "call")

    reports = [
        skipped(reason)
        for reason in (
            f"{required_programs.SKIP_REASON_PREFIX}b (how)",
            f"{required_programs.SKIP_REASON_PREFIX}a (how)",
            "b",
            f"{required_programs.SKIP_REASON_PREFIX}b (how)",
        )
    ]

    assert required_programs.list_missing_programs(reports) == ["a (how)", "b (how)"]


def test_it_finds_a_program_beside_path(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.undo()
    (tmp_path / "15" / "bin").mkdir(parents=True)
    (program := tmp_path / "15" / "bin" / "only-here").touch(0o755)
    monkeypatch.setattr(required_programs, "EXTRA_SEARCH_FOLDERS", (f"{tmp_path}/*/bin",))

    assert required_programs.find_program("only-here") == str(program)

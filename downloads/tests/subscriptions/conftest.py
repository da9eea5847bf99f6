"""Fixtures: no pauses between transactions, since no other process writes."""

import pytest

from downloads import database


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch):
    monkeypatch.setattr(database, "SQLITE_BUSY_POLL_SECONDS", 0)

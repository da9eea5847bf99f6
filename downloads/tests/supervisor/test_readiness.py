"""The readiness check of `manage.py up`."""

import pytest

from ytarchive.supervisor.listener import HttpReadinessProbe, open_listener


def test_it_asks_for_the_first_page_until_it_is_well_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ytarchive.supervisor.listener.PROBE_RETRY_SECONDS", 0)
    with open_listener("127.0.0.1", 0) as listener:
        page = HttpReadinessProbe(listener)
        assert not page.poll()  # no server answers yet
        for status, answered in [(500, False), (200, True)]:
            connection, _ = listener.accept()
            assert connection.recv(1024).startswith(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            connection.sendall(f"HTTP/1.1 {status} word\r\n\r\n".encode())
            connection.close()
            assert page.poll() == answered
            page.poll()

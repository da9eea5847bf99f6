"""Prober: asks for pages all the while, and keeps how long each answer took."""

import dataclasses
import http.client
import threading
import time
from collections import Counter

PATHS = ("/healthz", "/", "/readyz", "/api/progress", "/accounts/login/")
TIMEOUT_SECONDS = 20.0


@dataclasses.dataclass(frozen=True)
class Probe:
    """One request: when it was sent (monotonic), how long it took, and its status (0: none)."""

    path: str
    sent_at: float
    seconds: float
    status: int


class Prober(threading.Thread):
    """Asks for each of PATHS in turn; `take()` returns the probes since the last call."""

    def __init__(self, port: int, interval: float = 0.2) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.interval = interval
        self._probes: list[Probe] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._stopped.wait(self.interval):
            probe = self._ask(PATHS[number % len(PATHS)])
            number += 1
            with self._lock:
                self._probes.append(probe)

    def _ask(self, path: str) -> Probe:
        sent_at = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            status = response.status
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        return Probe(path, sent_at, time.monotonic() - sent_at, status)

    def take(self) -> list[Probe]:
        """Return the probes since the last call."""
        with self._lock:
            probes, self._probes = self._probes, []
        return probes

    def stop(self) -> None:
        self._stopped.set()
        self.join(TIMEOUT_SECONDS + 5)


def summarise(probes: list[Probe]) -> dict[str, object]:
    """Return number, slowest and statuses of probes."""
    slowest = max(probes, key=lambda probe: probe.seconds, default=None)
    return {
        "count": len(probes),
        "slowest": [round(slowest.seconds, 3), slowest.path] if slowest else None,
        "over_1s": sum(probe.seconds > 1 for probe in probes),
        "statuses": dict(Counter(str(probe.status) for probe in probes)),
    }

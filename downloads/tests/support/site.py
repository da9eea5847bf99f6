"""The web server and the bridge of the browser tests, as real processes."""

import http.client
import subprocess
import time

from downloads.tests.support.processes import RunManage, free_port
from downloads.tests.support.waiting import wait_until

PASSWORD = "quiet cinema"


class ServerUnderTest:
    """The web server and the bridge; a test may kill and restart each.

    Each test has its own bridge. The web server, which takes longest to start, runs for the whole session:
    all that a later test can see of an earlier one is the names in its filters.
    """

    def __init__(self, manage: RunManage, run_session_manage: RunManage) -> None:
        self.manage = manage
        self.run_session_manage = run_session_manage
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.web: subprocess.Popen[str] | None = None
        self.web_started_at = 0.0
        self.bridge: subprocess.Popen[str] | None = None

    def start_web(self) -> None:
        self.web = self.run_session_manage("web", "--port", str(self.port))
        self.web_started_at = time.monotonic()
        wait_until(self.answers, 20, "the web server answers")

    def start_bridge(self) -> None:
        self.bridge = self.manage("bridge_progress")

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/accounts/login/")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def kill_web(self) -> None:
        assert self.web
        self.web.kill()
        self.web.wait()

    def kill_bridge(self) -> None:
        assert self.bridge
        self.bridge.kill()
        self.bridge.wait()

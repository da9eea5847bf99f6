"""The web server and the bridge of the browser tests, as real processes."""

import http.client
import json
import subprocess
import time
import urllib.request

from downloads.models import Video
from downloads.tests.support.ports import free_port
from downloads.tests.support.processes import RunManage, wait_until_answered

PASSWORD = "quiet cinema"


class ServerUnderTest:
    """The web server and the bridge, which run for the whole session; a test may kill and restart each.

    All that a later test can see of an earlier one is the names in its filters.
    """

    def __init__(self, manage: RunManage) -> None:
        self.manage = manage
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.web: subprocess.Popen[str] | None = None
        self.web_started_at = 0.0
        self.bridge: subprocess.Popen[str] | None = None

    def start_web(self) -> None:
        self.web = self.manage("web", "--port", str(self.port))
        self.web_started_at = time.monotonic()
        wait_until_answered(f"{self.url}/accounts/login/", self.web)

    def start_bridge(self) -> None:
        self.bridge = self.manage("bridge_progress")

    def start_what_does_not_run(self) -> None:
        if self.bridge is None or self.bridge.poll() is not None:
            self.start_bridge()
        if not self.answers():
            self.start_web()

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/accounts/login/")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def has_announced_all(self) -> bool:
        """Tell whether the snapshot that a page gets has the rev that the page is rendered at."""
        with urllib.request.urlopen(f"{self.url}/api/progress") as response:
            return json.load(response)["rev"] == Video.objects.latest_rev()

    def kill_web(self) -> None:
        assert self.web
        self.web.kill()
        self.web.wait()

    def kill_bridge(self) -> None:
        assert self.bridge
        self.bridge.kill()
        self.bridge.wait()

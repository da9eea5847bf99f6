"""nginx as a real process, with the configurations that the project ships and documents."""

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from downloads.tests.support import required_programs
from downloads.tests.support.ports import free_port
from downloads.tests.support.processes import get_status
from downloads.tests.support.waiting import wait_until

DEPLOYED_CONFIGURATION = settings.BASE_DIR / "deploy" / "nginx.conf"
OTHER_SITE_TEXT = "another site"


@contextlib.contextmanager
def run_nginx(configuration: str, url: str, folder: Path) -> Iterator[None]:
    """Run nginx with this configuration until the block ends; wait until `url` is answered."""
    program = required_programs.require_program("nginx")
    path = folder / "nginx.conf"
    path.write_text(configuration)
    # As root, nginx would read and write as another user, who may not enter the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    process = subprocess.Popen([program, "-c", path, "-g", f"daemon off; {user}"])
    try:
        wait_until(lambda: get_status(url) != 0, "nginx answers")
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def run_deployed_nginx(web_url: str, folder: Path) -> Iterator[str]:
    """Run nginx with `deploy/nginx.conf` in front of one web process of this machine; yield its URL."""
    port = free_port()
    text = DEPLOYED_CONFIGURATION.read_text()
    for old, new in (
        ("listen 8080", f"listen 127.0.0.1:{port}"),
        ("http://web:8000", web_url.rstrip("/")),
        ("/tmp/", f"{folder}/"),
    ):
        assert old in text
        text = text.replace(old, new)
    url = f"http://127.0.0.1:{port}/"
    with run_nginx(text, url, folder):
        yield url


@contextlib.contextmanager
def run_documented_nginx(web_url: str, folder: Path, *, removes_path: bool = False) -> Iterator[str]:
    """Run nginx with the lines of docs/operating.md for a path, beside another site at the root; yield its URL."""
    operating = (settings.BASE_DIR / "docs" / "operating.md").read_text()
    match = re.search(r"```nginx\n(# In the http block.*?)(# In the server block.*?)```", operating, re.DOTALL)
    assert match
    http_lines, server_lines = match.groups()
    assert "http://127.0.0.1:8000;" in server_lines
    web_url = web_url.rstrip("/") + ("/" if removes_path else "")
    port = free_port()
    # Directives of the tests' own: a folder to write to, and the other site.
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = f"""
        pid {folder}/nginx.pid; error_log stderr warn; events {{ worker_connections 256; }}
        http {{ access_log off; {temporary} {http_lines}
            server {{ listen 127.0.0.1:{port};
                {server_lines.replace("http://127.0.0.1:8000", web_url)}
                location / {{ default_type text/plain; return 200 "{OTHER_SITE_TEXT}"; }}
            }}
        }}"""
    url = f"http://127.0.0.1:{port}/"
    with run_nginx(configuration, url, folder):
        yield url

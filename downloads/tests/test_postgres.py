"""The queue on PostgreSQL: the same verbs, and many processes that claim at once."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from downloads.tests import tools
from downloads.tests.test_twins import race

pytestmark = pytest.mark.processes

SOMEBODY = "nobody"
CLAIMER = """
import django, sys
django.setup()
from downloads.models import Video
print("ready", flush=True)
sys.stdin.readline()
while video := Video.objects.claim(sys.argv[1]):
    print(video.video_id, flush=True)
"""
SETTING_UP = """
import django
django.setup()
from downloads.models import Video
Video.objects.all().delete()
for n in range({count}):
    url = f"http://{{'one' if {same} else n}}.example/{{n}}"
    Video.objects.ingest(url, url)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A server of its own on a socket in a temporary folder; the address of an empty database."""
    binaries = Path(tools.require("postgres")).resolve().parent
    folder = Path(tempfile.mkdtemp(prefix="yta-pg-"))
    who = {"user": SOMEBODY} if os.geteuid() == 0 else {}
    name = SOMEBODY if who else pwd.getpwuid(os.geteuid()).pw_name
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir()
    if who:
        shutil.chown(folder, SOMEBODY)
        shutil.chown(data, SOMEBODY)
    quiet = {"stdout": subprocess.DEVNULL, "cwd": folder, **who}
    subprocess.run([binaries / "initdb", "-D", data, "-A", "trust", "-U", name, "--no-sync"], check=True, **quiet)
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=50"
    start = [binaries / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log"]
    subprocess.run([*start, "start"], check=True, **quiet)
    try:
        yield f"postgres://{name}@/postgres?host={folder}"
    finally:
        subprocess.run([binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"], check=True, **quiet)
        shutil.rmtree(folder)


@pytest.fixture
def run(cluster, tmp_path):
    """Run Python on the database; `run.env` for more of it."""

    def python(*args, **options):
        return subprocess.run([sys.executable, *args], check=True, env=python.env, cwd=settings.BASE_DIR, **options)

    python.env = {**os.environ, "DATABASE_URL": cluster, "YTARCHIVE_DATA": str(tmp_path / "data")}
    python("manage.py", "migrate", "--verbosity", "0")
    return python


def claim_at_once(run, processes):
    """Let many processes claim until there is nothing left; what each got."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMER, str(n)],
            env=run.env,
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(processes)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    found = [process.communicate(timeout=60)[0].split() for process in started]
    assert [process.returncode for process in started] == [0] * processes
    return found


def test_it_gives_each_video_to_one_of_many_processes(run):
    run("-c", SETTING_UP.format(count=200, same=False))
    found = claim_at_once(run, 6)
    everything = [video_id for each in found for video_id in each]
    assert len(everything) == len(set(everything))
    # One that finds another at the same row may give up early, for the next look: nothing is lost by that.
    left = claim_at_once(run, 1)[0]
    assert len(everything) + len(left) == 200
    assert sum(1 for each in found if each) > 1


def test_it_takes_no_more_from_one_site_however_many_ask(run):
    run("-c", SETTING_UP.format(count=30, same=True))
    found = claim_at_once(run, 6)
    assert sum(map(len, found)) == settings.PER_HOST


@pytest.mark.parametrize("insisting", ["", "two"])
def test_it_fetches_one_of_two_that_are_found_at_once(run, insisting):
    found = list(race(run.env, insisting))
    assert {pair.count("downloading") for pair in found} <= ({1, 2} if insisting else {1})
    assert not insisting or {second for _, second in found} == {"downloading"}


@pytest.mark.timeout(300)  # many tests in one
@pytest.mark.parametrize("names", [["test_models.py", "test_lists.py", "test_control.py"], ["test_removal.py"]])
def test_it_knows_the_same_verbs(run, names):
    """The tests of the verbs themselves, on this database."""
    env = {**run.env, "TEST_DATABASE_URL": run.env["DATABASE_URL"]}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *(f"downloads/tests/{name}" for name in names),
        ],
        env=env,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_it_downloads_with_workers_on_it(run, media_server):
    run.env |= {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1"}
    run("-c", SETTING_UP.format(count=0, same=False))
    workers = [
        subprocess.Popen([sys.executable, "manage.py", "work"], env=run.env, cwd=settings.BASE_DIR) for _ in range(2)
    ]
    try:
        urls = [media_server.url(f"/named/{n}.mp4") for n in range(4)]
        said = run("manage.py", "ingest", *urls, "--wait", capture_output=True, text=True, timeout=60).stdout
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(10)
    ids = [line.removesuffix(" complete") for line in said.splitlines()]
    media = Path(run.env["YTARCHIVE_DATA"]) / "media"
    assert len(ids) == 4
    assert all(next((media / video_id).glob("*.mp4")).read_bytes() == media_server.clip for video_id in ids)

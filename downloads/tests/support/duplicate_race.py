"""Processes that find the same video at the same moment."""

import subprocess
import sys

from django.conf import settings

PAIR_COUNT = 50
FILL_QUEUE_PROGRAM = """
import django, sys
django.setup()
from downloads.models import Video
Video.objects.all().delete()
for url in (f"http://{name}.example/{n}" for n in range(int(sys.argv[1])) for name in ("one", "two")):
    Video.objects.ingest(url, url, allow_duplicate="two" in sys.argv[2:] and "two" in url)
while Video.objects.claim("w"):
    pass
"""
# Saves the metadata of the video that each line names, and prints its status.
FIND_DUPLICATE_PROGRAM = """
import django, sys
django.setup()
from downloads.intake import duplicates
from downloads.models import Metadata, Video
videos = {video.url.rpartition("/")[2]: video for video in Video.objects.filter(host=f"{sys.argv[1]}.example")}
print(len(videos), flush=True)
for number in map(str.strip, sys.stdin):
    duplicates.save_metadata_or_skip(videos[number], Metadata(title="One", extractor="Site", source_id=number))
    print(videos[number].status, flush=True)
"""


def race_for_duplicates(env, allowed_site=""):
    """Have two processes find the same video, pair after pair; yield the statuses of each pair."""
    env = {**env, "YTARCHIVE_PER_HOST": "64"}
    subprocess.run(
        [sys.executable, "-c", FILL_QUEUE_PROGRAM, str(PAIR_COUNT), allowed_site],
        check=True,
        env=env,
        cwd=settings.BASE_DIR,
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    processes = [
        subprocess.Popen([sys.executable, "-c", FIND_DUPLICATE_PROGRAM, name], env=env, cwd=settings.BASE_DIR, **pipes)
        for name in ("one", "two")
    ]
    assert [process.stdout.readline() for process in processes] == [f"{PAIR_COUNT}\n"] * 2
    for number in range(PAIR_COUNT):
        for process in processes:
            process.stdin.write(f"{number}\n")
        yield tuple(process.stdout.readline().strip() for process in processes)
    for process in processes:
        process.communicate(timeout=10)


# Adds the same videos in an order of its own; prints how many of them were new.
ADD_PROGRAM = """
import django, sys
django.setup()
from downloads.models import Video
urls = [(f"http://a.example/{n}",) * 2 for n in range(int(sys.argv[1]))]
print("ready", flush=True)
sys.stdin.readline()
outcomes = Video.objects.ingest_many(urls[:: int(sys.argv[2])], quality=sys.argv[3])
print(sum(is_new for _, is_new in outcomes), flush=True)
"""


def race_to_add(env, qualities, count=300):
    """Have a process for each quality add the same videos at once; return how many each added."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ADD_PROGRAM, str(count), str(1 if number % 2 else -1), quality],
            env=env,
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, quality in enumerate(qualities)
    ]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * len(processes)
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    counts = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return counts

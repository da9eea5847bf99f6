"""Processes that find the same video at the same moment."""

from collections.abc import Iterator

from downloads.tests.support.django_processes import DjangoProcess

PAIR_COUNT = 50
FILL_QUEUE_PROGRAM = """
from django.test import override_settings
from downloads.models import Video
pair_count, allowed_site = arguments
Video.objects.all().delete()
for url in (f"http://{name}.example/{n}" for n in range(pair_count) for name in ("one", "two")):
    Video.objects.ingest(url, url, allow_duplicate=allowed_site == "two" and "two" in url)
with override_settings(PER_HOST=64):
    while Video.objects.claim("w"):
        pass
"""
# Saves the metadata of the video that each line names, and prints its status.
FIND_DUPLICATE_PROGRAM = """
import sys
from downloads.intake import duplicates
from downloads.models import Metadata, Video
videos = {video.url.rpartition("/")[2]: video for video in Video.objects.filter(host=f"{arguments[0]}.example")}
print(len(videos), flush=True)
while number := sys.stdin.readline().strip():
    duplicates.save_metadata_or_skip(videos[number], Metadata(title="One", extractor="Site", source_id=number))
    print(videos[number].status, flush=True)
"""
# Adds the same videos in an order of its own; prints how many of them were new.
ADD_PROGRAM = """
import sys
from downloads.models import Video
count, step, quality = arguments
urls = [(f"http://a.example/{n}",) * 2 for n in range(count)]
print("ready", flush=True)
sys.stdin.readline()
outcomes = Video.objects.ingest_many(urls[::step], quality=quality)
print(sum(is_new for _, is_new in outcomes), flush=True)
"""


def race_for_duplicates(processes: list[DjangoProcess], allowed_site: str = "") -> Iterator[tuple[str, ...]]:
    """Have two processes find the same video, pair after pair; yield the statuses of each pair."""
    racers = processes[:2]
    racers[0].run(FILL_QUEUE_PROGRAM, PAIR_COUNT, allowed_site)
    for racer, name in zip(racers, ("one", "two"), strict=True):
        racer.start(FIND_DUPLICATE_PROGRAM, name)
    assert [racer.read_line() for racer in racers] == [str(PAIR_COUNT)] * 2
    for number in range(PAIR_COUNT):
        for racer in racers:
            racer.write_line(str(number))
        yield tuple(racer.read_line() for racer in racers)
    for racer in racers:
        racer.write_line("")
        racer.finish()


def race_to_add(processes: list[DjangoProcess], qualities: list[str], count: int = 300) -> list[int]:
    """Have a process for each quality add the same videos at once; return how many each added."""
    racers = processes[: len(qualities)]
    for number, (racer, quality) in enumerate(zip(racers, qualities, strict=True)):
        racer.start(ADD_PROGRAM, count, 1 if number % 2 else -1, quality)
    assert [racer.read_line() for racer in racers] == ["ready"] * len(racers)
    for racer in racers:
        racer.write_line("go")
    return [int(racer.finish()[0]) for racer in racers]

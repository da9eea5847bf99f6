"""Search results by title, and rows that are not indexed yet."""

from downloads.models import Metadata, StoredFiles, Video
from downloads.search import query


def create_unindexed_videos(*titles: str) -> None:
    """Write rows as they are, past all verbs."""
    Video.objects.bulk_create(
        [Video(url=f"http://{n}", canonical_url=f"http://{n}", title=title) for n, title in enumerate(titles)]
    )


def search_titles(text: str) -> list[str]:
    keys = query.find_matching(query.parse_query(text))
    titles = Video.objects.in_bulk(list(keys))
    return [titles[key].title for key in keys]


def create_complete_video(name: str, title: str = "", uploader: str = "", description: str = "") -> Video:
    url = f"http://{name}.example.org/"
    queued = Video.objects.ingest(url, url)[0]
    claimed = Video.objects.claim("w")
    assert claimed == queued
    assert claimed.save_metadata(Metadata(title=title, uploader=uploader, description=description))
    assert claimed.finish(StoredFiles(f"{name}.mp4", 1), lambda: None)
    return claimed

"""Search results by title, and rows that are not indexed yet."""

from downloads.models import Video
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

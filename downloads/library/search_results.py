"""Results of a search: what of it can be watched, what is listed under Activity, and where the words were found."""

from collections import Counter
from functools import cached_property

from downloads.models import ACTIVITY_STATUSES, UNFINISHED_STATUSES, Video, VideoQuerySet
from downloads.search import query as search_query

# Where all words of the search are, by the tier of the match.
TIER_LABELS = ("in titles", "by uploader", "in descriptions", "in subtitles")


class SearchResults:
    """The best matches of some words among the videos of a queryset, or among all."""

    def __init__(self, words: list[str], videos: VideoQuerySet | None) -> None:
        self._words = words
        self._videos = videos

    @cached_property
    def matches(self) -> dict[int, search_query.Match]:
        """Return the matches by primary key, best match first."""
        return search_query.find_matching(self._words, self._videos)

    @property
    def is_truncated(self) -> bool:
        """Return whether the search has reached its limit of results."""
        return len(self.matches) == search_query.MAX_RESULTS

    @property
    def status_counts(self) -> dict[str, int]:
        """Return the number of matches per status."""
        return dict(Counter(match.status for match in self.matches.values()))

    @cached_property
    def library_keys(self) -> list[int]:
        """Return the primary keys of what can be watched, best match first."""
        unfinished = [key for key, match in self.matches.items() if match.status in UNFINISHED_STATUSES]
        watchable = set()
        if unfinished:
            redownloading = Video.objects.redownloading().filter(pk__in=unfinished)
            watchable = set(redownloading.values_list("pk", flat=True))
        return [key for key, match in self.matches.items() if match.status not in ACTIVITY_STATUSES or key in watchable]

    @property
    def activity_count(self) -> int:
        """Return the number of matches that the library lacks: what waits, has failed or was cancelled."""
        return len(self.matches) - len(self.library_keys)

    @property
    def places(self) -> str:
        """Return where the words of these results were found, such as "3 in titles, 1 in subtitles"."""
        counts = Counter(self.matches[key].tier for key in self.library_keys)
        # A tier that is none would be a bug of the search, not of the page.
        return ", ".join(f"{counts[tier]:,} {label}" for tier, label in enumerate(TIER_LABELS) if counts[tier])

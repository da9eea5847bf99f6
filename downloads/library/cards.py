"""Cards of single videos, each with its place in a listing: what a page fetches, or is sent."""

from typing import Any

from downloads.library.activity import ActivityListing
from downloads.library.listing import Listing
from downloads.library.playlists.covers import attach_covers
from downloads.models import VideoQuerySet


def cards_context(listing: Listing | ActivityListing, videos: VideoQuerySet) -> dict[str, Any]:
    """Return what the template of the cards reads of these videos, whatever page of the listing they are on."""
    shown_videos = list(videos.without_long_text(listing.search_words))
    attach_covers(shown_videos)
    sections = listing.sections_of(shown_videos)
    entries = [{"video": video, "place": section} for video, section in zip(shown_videos, sections, strict=True)]
    return {"shown_videos": shown_videos, "videos": entries}

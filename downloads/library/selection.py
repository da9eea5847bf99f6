"""Selection of all videos that a listing shows, over all its pages, as a form names them."""

from typing import Any

from django.http import QueryDict

from downloads.library.activity import ActivityListing
from downloads.library.listing import Listing
from downloads.models import VideoQuerySet


def find_listed_videos(query_string: str, user: Any) -> VideoQuerySet:
    """Return the videos of the listing with this `selection_query`, which may be any text, oldest first."""
    query = QueryDict(query_string)
    listing = ActivityListing(query) if query.get("page_of") == "activity" else Listing(query, user)
    return listing.videos.order_by("pk")

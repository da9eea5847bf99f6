"""Cards and parts of the library's first page for many viewers at once, who differ by their role only."""

from collections.abc import Collection, Iterable
from types import SimpleNamespace
from typing import Any, NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict
from django.template.loader import render_to_string

from downloads.library.cards import cards_context
from downloads.library.listing import Listing
from downloads.library.watching import WatchedStates
from downloads.models import Queue, Video, WatchState


class ViewerRole(NamedTuple):
    """Permissions of the page that cards are rendered for: they decide which buttons there are, and permit nothing."""

    is_signed_in: bool
    can_change: bool
    can_delete: bool


class RenderedCards(NamedTuple):
    """Response to a request for cards."""

    rev: int  # of the archive before the rows were read
    ids: list[str]  # what it answers: an id without a card in it has none
    html: str


class UnbegunStates(WatchedStates):
    """The watched states of somebody who has begun none of the videos."""

    def __init__(self, *, is_signed_in: bool) -> None:
        super().__init__(AnonymousUser())
        self._is_signed_in = is_signed_in

    @property
    def is_personal(self) -> bool:
        return self._is_signed_in

    def load(self, videos: Iterable[Video]) -> None:
        """Read nothing: there is none."""


def render_cards(roles: Iterable[ViewerRole], ids: Collection[str]) -> dict[ViewerRole, RenderedCards]:
    """Return for each role the partials of these videos on the library's first page, and what stands beside them.

    A video that anybody has watched is left out, since its card is not the same for all of a role.
    """
    listing = Listing(QueryDict())
    rev = listing.rev
    begun_ids = set(WatchState.objects.filter(video__video_id__in=ids).values_list("video__video_id", flat=True))
    shown_ids = [video_id for video_id in ids if video_id not in begun_ids]
    context = {
        "kind": "card",
        "is_pushed": True,
        "browse": listing,
        "queue": Queue.get_or_default(),
        **cards_context(listing, Video.objects.with_ids(shown_ids)),
    }
    return {role: RenderedCards(rev, shown_ids, _render_for(role, context)) for role in roles}


def _render_for(role: ViewerRole, context: dict[str, Any]) -> str:
    states = UnbegunStates(is_signed_in=role.is_signed_in)
    viewer = {
        "request": SimpleNamespace(user=AnonymousUser(), watched_states=states),
        "is_signed_in": role.is_signed_in,
        "can": {"view": True, "change": role.can_change, "delete": role.can_delete},
    }
    return render_to_string("downloads/library/_cards.html", {**context, **viewer})

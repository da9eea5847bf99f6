"""Views of the channels: the list of all, and the page of one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from downloads.accounts.permissions import Permission
from downloads.library.channels import play_all
from downloads.library.channels.channel_index import ChannelIndex
from downloads.library.display import read_display
from downloads.library.listing import Listing
from downloads.models import Channel
from downloads.views import responses
from downloads.views.decorators import require_permission


@require_safe
@require_permission(Permission.VIEW)
def channel_index(request: HttpRequest) -> HttpResponse:
    """Show the uploaders whose videos are here, 60 a page."""
    return render(request, "downloads/channel/index.html", {"channels": ChannelIndex(request.GET)})


@require_safe
@require_permission(Permission.VIEW)
def channel_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show the videos of one uploader, as the library does."""
    query = request.GET.copy()
    query["channel"] = key
    listing = Listing(query, request.user, read_display(request))
    # Read before the rows: a change in between is then newer than `rev`, and the page fetches it.
    rev = listing.rev
    channel = get_object_or_404(Channel, pk=int(key))
    context = {
        "channel": channel,
        "browse": listing,
        "rev": rev,
        "newest_video": play_all.newest_video(channel.pk),
        "list_key": play_all.channel_key(channel.pk),
    }
    response = render(request, "downloads/channel/channel.html", context)
    if responses.is_htmx_request(request):
        return responses.update_url(request, response, listing.build_url())
    return response

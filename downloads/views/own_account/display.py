"""View of the choice of how the library is shown."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from downloads.accounts.theme import keep_choice
from downloads.library.display import COOKIE_NAME, read_display
from downloads.views import responses
from downloads.views.decorators import post_only


@post_only
def choose_display(request: HttpRequest) -> HttpResponse:
    """Keep how somebody wants to see the library, signed in or not, and return to their page."""
    response = HttpResponseRedirect(responses.return_url(request))
    display = read_display(request).changed_by(request.POST.dict())
    if display:
        keep_choice(response, COOKIE_NAME, display.cookie_value)
    else:
        messages.error(request, "Choose cards, small cards or a list, and whether videos of playlists are shown.")
    return response

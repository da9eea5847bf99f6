"""View that requests an update of yt-dlp, which a worker then runs."""

import logging

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from downloads.accounts.permissions import Permission
from downloads.models.audit.entry import AuditAction, record_entry
from downloads.views import responses
from downloads.views.decorators import post_only, require_permission
from downloads.ytdlp_update import status

logger = logging.getLogger(__name__)


@post_only
@require_permission(Permission.MANAGE)
def update_ytdlp(request: HttpRequest) -> HttpResponse:
    """Request an update; it takes too long for a web request."""
    try:
        is_new = status.request_update()
    except OSError as error:
        logger.warning("An update of yt-dlp cannot be requested: %s", error)
        messages.error(request, f"The data folder cannot be written to ({error.strerror}).")
        return responses.action_response(request, [])
    if is_new:
        logger.info("%s requested an update of yt-dlp", request.user)
        record_entry(AuditAction.YTDLP_UPDATED)
        messages.info(request, "yt-dlp is being updated. The first page of the admin shows the result.")
    else:
        messages.info(request, "An update of yt-dlp is already running.")
    return responses.action_response(request, [])

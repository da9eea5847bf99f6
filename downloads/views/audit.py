"""View of the audit log."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from downloads.accounts.permissions import Permission
from downloads.audit.listing import AuditListing
from downloads.models import Video
from downloads.views.decorators import require_permission


@require_safe
@require_permission(Permission.MANAGE)
def audit_log(request: HttpRequest) -> HttpResponse:
    """Show what people did, newest first; for managers."""
    listing = AuditListing(request.GET)
    shown_ids = {entry.public_id for entry in listing.entries} - {""}
    existing_ids = set(Video.objects.filter(video_id__in=shown_ids).values_list("video_id", flat=True))
    context = {"audit": listing, "existing_ids": existing_ids}
    response = render(request, "downloads/audit/audit.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response

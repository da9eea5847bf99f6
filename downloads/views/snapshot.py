"""View of the progress snapshot, for pages that cannot open a WebSocket."""

import redis
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from downloads.accounts import permissions
from downloads.fanout import hub


@require_safe
@never_cache
async def progress_snapshot(request: HttpRequest) -> HttpResponse:
    """Return the snapshot that the WebSocket sends, as JSON; 503 while Redis is unreachable."""
    if not permissions.can_view(await request.auser()):
        return JsonResponse({"error": "Sign in to see this archive."}, status=403)
    try:
        snapshot = await hub.get_hub().read_snapshot()
    except (redis.RedisError, OSError):
        response = JsonResponse({"error": "Redis cannot be reached. Progress is not known meanwhile."}, status=503)
        # Django would log a line for every poll of every client; the bridge and the channel layer log the outage once.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response
    return HttpResponse(snapshot.frame_text, content_type="application/json", headers={"Cache-Control": "no-store"})

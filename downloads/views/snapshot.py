"""The snapshot over HTTP, for pages that cannot have a WebSocket."""

import redis
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from downloads.accounts import permissions
from downloads.fanout import hub


@require_safe
@never_cache
async def progress_snapshot(request: HttpRequest) -> HttpResponse:
    """Answer the same snapshot object as the WebSocket sends; 503 while Redis is away."""
    if not permissions.can_view(await request.auser()):
        return JsonResponse({"error": "Sign in to see this archive."}, status=403)
    try:
        found = await hub.get_hub().read_snapshot()
    except (redis.RedisError, OSError):
        answer = JsonResponse({"error": "Redis cannot be reached. Progress is not known meanwhile."}, status=503)
        # Not a line for every client and poll: the bridge and the channel layer say it once.
        answer._has_been_logged = True  # type: ignore[attr-defined]
        return answer
    return HttpResponse(found.frame_text, content_type="application/json", headers={"Cache-Control": "no-store"})

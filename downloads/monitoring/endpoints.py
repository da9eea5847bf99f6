"""What watches over the archive asks for: `/healthz`, `/readyz`, `/metrics`.

They are answered before Django's middleware: whoever watches may know no name of ours, and has to be answered while
every thread waits for a database that is away.
"""

import hmac
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from downloads.monitoring import health, metrics

ProbeResponse = tuple[int, str, bytes]  # status, type, body
TEXT_CONTENT_TYPE, JSON_CONTENT_TYPE = "text/plain; charset=utf-8", "application/json"


async def healthz(scope: Any) -> ProbeResponse:
    """Answer 200: this process is alive."""
    return 200, TEXT_CONTENT_TYPE, b"ok\n"


async def readyz(scope: Any) -> ProbeResponse:
    """Answer 200 if all parts work, else 503; and, to those who may see it, what each of them says."""
    found = await health.get_health_checker().get_results()
    status = 200 if all(finding.ok for finding in found.values()) else 503
    if not _is_authorized(scope):
        return status, TEXT_CONTENT_TYPE, b""
    now = time.time()
    checks = {name: _check_as_json(finding, now) for name, finding in found.items()}
    return status, JSON_CONTENT_TYPE, json.dumps({"ready": status == 200, "checks": checks}, indent=1).encode() + b"\n"


def _check_as_json(result: health.CheckResult, now: float) -> dict[str, Any]:
    age = None if result.last_seen_at is None else round(max(0.0, now - result.last_seen_at), 1)
    return {"ok": result.ok, "age": age} | ({"problem": result.problem} if result.problem else {})


async def prometheus_metrics(scope: Any) -> ProbeResponse:
    """Answer the metrics in Prometheus' text format; 403 to strangers of a private archive."""
    if not _is_authorized(scope):
        return 403, TEXT_CONTENT_TYPE, b"Send the header Authorization: Bearer <YTARCHIVE_METRICS_TOKEN>.\n"
    return 200, metrics.CONTENT_TYPE, await metrics.render_metrics()


def _is_authorized(scope: Any) -> bool:
    if not settings.PRIVATE:
        return True
    scheme, _, token = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
    # RFC 9110, 11.1: the name of a scheme knows no capitals.
    is_ours = scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), settings.METRICS_TOKEN.encode())
    return is_ours and bool(settings.METRICS_TOKEN)


ENDPOINTS: dict[str, Callable[[Any], Awaitable[ProbeResponse]]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": prometheus_metrics,
}


class MonitoringEndpoints:
    """An ASGI application that answers these, and hands all else on."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        answer = ENDPOINTS.get(scope["path"])
        if answer is None:
            await self.inner(scope, receive, send)
            return
        allowed = scope["method"] in ("GET", "HEAD")
        status, kind, body = await answer(scope) if allowed else (405, TEXT_CONTENT_TYPE, b"Use GET.\n")
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        headers += [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
        headers += [] if allowed else [(b"allow", b"GET, HEAD")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

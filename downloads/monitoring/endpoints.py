"""Monitoring endpoints: `/healthz`, `/readyz` and `/metrics`, at the root and under the path of YTARCHIVE_PATH.

They are answered before Django's middleware: a monitoring system may send a Host that ALLOWED_HOSTS does not have,
and needs an answer while every thread waits for an unreachable database. A probe of the process itself uses those at
the root, whatever the path; what comes through a reverse proxy has the path.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from downloads.accounts import permissions
from downloads.monitoring import health, metrics
from downloads.ytdlp_update.selection import select_version_cached

ProbeResponse = tuple[int, str, bytes]  # status, content type, body
TEXT_CONTENT_TYPE, JSON_CONTENT_TYPE = "text/plain; charset=utf-8", "application/json"


async def healthz(scope: Any) -> ProbeResponse:
    """Return 200: this process is alive."""
    return 200, TEXT_CONTENT_TYPE, b"ok\n"


async def readyz(scope: Any) -> ProbeResponse:
    """Return 200 if all checks pass, else 503; authorized requests also get each check's result as JSON."""
    results = await health.get_health_checker().get_results()
    status = 200 if all(result.ok for result in results.values()) else 503
    if not _is_authorized(scope):
        return status, TEXT_CONTENT_TYPE, b""
    now = time.time()
    checks = {name: _check_as_json(result, now) for name, result in results.items()}
    body: dict[str, Any] = {"ready": status == 200, "checks": checks}
    body["yt_dlp"] = await asyncio.to_thread(_describe_ytdlp)
    if clock_warnings := await asyncio.to_thread(health.clock_warnings):
        body["clocks"] = clock_warnings
    return status, JSON_CONTENT_TYPE, json.dumps(body, indent=1).encode() + b"\n"


def _describe_ytdlp() -> dict[str, Any]:
    """Return the version of yt-dlp that the next download uses, its age, and why it is not a newer one."""
    selected = select_version_cached()
    description = {"version": selected.version, "age_days": selected.age_days, "bundled": selected.installed is None}
    texts = {"problem": selected.problem, "advice": selected.advice}
    return description | {name: text for name, text in texts.items() if text}


def _check_as_json(result: health.CheckResult, now: float) -> dict[str, Any]:
    age = None if result.last_seen_at is None else round(max(0.0, now - result.last_seen_at), 1)
    return {"ok": result.ok, "age": age} | ({"problem": result.problem} if result.problem else {})


async def prometheus_metrics(scope: Any) -> ProbeResponse:
    """Return the metrics in Prometheus' text format; 403 if the archive is private and the token is missing."""
    if not _is_authorized(scope):
        return 403, TEXT_CONTENT_TYPE, b"Send the header Authorization: Bearer <YTARCHIVE_METRICS_TOKEN>.\n"
    return 200, metrics.CONTENT_TYPE, await metrics.render_metrics()


def _is_authorized(scope: Any) -> bool:
    return permissions.can_monitor(dict(scope["headers"]).get(b"authorization", b""))


ENDPOINTS: dict[str, Callable[[Any], Awaitable[ProbeResponse]]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": prometheus_metrics,
}


class MonitoringEndpoints:
    """ASGI middleware that answers ENDPOINTS and passes all other paths on."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        endpoint = ENDPOINTS.get(path) or ENDPOINTS.get(f"/{path.removeprefix(settings.URL_PREFIX)}")
        if endpoint is None:
            await self.inner(scope, receive, send)
            return
        is_allowed = scope["method"] in ("GET", "HEAD")
        status, content_type, body = await endpoint(scope) if is_allowed else (405, TEXT_CONTENT_TYPE, b"Use GET.\n")
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        headers += [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
        headers += [] if is_allowed else [(b"allow", b"GET, HEAD")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

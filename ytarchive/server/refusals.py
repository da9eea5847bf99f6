"""Explanations of refused forms and WebSockets: for the visitor, and for whoever runs the archive."""

from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.middleware import csrf

from ytarchive.server.origin import Origin, is_allowed_origin, own_origin, parse_origin

MAX_QUOTED_LENGTH = 200
SCHEME_HEADERS = (
    "the proxy that ends TLS has to send X-Forwarded-Proto (nginx: proxy_set_header X-Forwarded-Proto $scheme; Apache: "
    'RequestHeader set X-Forwarded-Proto "https"; Caddy does so by itself)'
)
HOST_HEADERS = (
    "it has to pass on the Host header with its port (nginx: proxy_set_header Host $http_host; Apache: "
    "ProxyPreserveHost On; Caddy does so by itself)"
)


class Refusal(NamedTuple):
    """A refused request: `reason` and `remedy` for the visitor, `advice` with the settings that mend it.

    If it `needs_reload`, the page that it came from works again once it has been loaded anew; if it `can_resend`, its
    form may be offered again.
    """

    title: str
    reason: str
    remedy: str = ""
    advice: str = ""
    needs_reload: bool = False
    can_resend: bool = False

    @property
    def log_text(self) -> str:
        """Return the reason, with what to set, for the log."""
        return f"{self.reason} {self.advice}".rstrip()


def quote(text: str) -> str:
    """Return text that came from outside for one line: printable ASCII, and not too long."""
    escaped = text.encode("ascii", "backslashreplace").decode()
    printable = "".join(char if char.isprintable() else "?" for char in escaped)
    return printable if len(printable) <= MAX_QUOTED_LENGTH else f"{printable[:MAX_QUOTED_LENGTH]}…"


def _raw_host(request: HttpRequest) -> str:
    host: str = request._get_raw_host()  # type: ignore[attr-defined]  # get_host() raises if it is not allowed
    return host


# Origins -----------------------------------------------------------------------------------------


def explain_origin(request: HttpRequest, text: str) -> Refusal:
    """Explain why the origin of a page, `text`, is not accepted."""
    page, archive = parse_origin(text), own_origin(request)
    if text == "null":
        return Refusal(
            "The page did not say where it is from",
            "The browser sent “null” in place of the page's address.",
            "Open the archive in a tab of its own, not inside another page, and turn off extensions that hide it.",
        )
    reached = f"{request.scheme}://{quote(_raw_host(request))}"
    reason = f"The page is at {quote(text)}, and this request reached ytarchive as {reached}."
    if archive is None:
        remedy = "Use an address that the archive knows."
        return Refusal("Unknown address", reason, remedy, f"{_trust(page)} Also: {_allow_host(request)}")
    if page and page.host == archive.host and page.scheme != archive.scheme:
        return _explain_scheme(page, reason)
    if page and page.host == archive.host:
        return Refusal(
            "The port does not match",
            reason,
            _remedy(page),
            f"If a proxy is in between, {HOST_HEADERS}. {_trust(page)}",
        )
    advice = f"If that is this archive's own address, a proxy changes the Host header: {HOST_HEADERS}. {_trust(page)}"
    return Refusal("Sent from another address", reason, _remedy(page), advice)


def _explain_scheme(page: Origin, reason: str) -> Refusal:
    if page.scheme == "http":
        remedy = f"Open https://{page.host}/ and try again."
        return Refusal("Use the https address", reason, remedy, "Let the proxy redirect http to https.")
    advice = f"{SCHEME_HEADERS[0].upper()}{SCHEME_HEADERS[1:]}. And set {_trusted_setting(page)}."
    return Refusal("The connection does not look encrypted", reason, _remedy(page), advice)


def _remedy(page: Origin | None) -> str:
    return "Reloading won’t help. The server’s settings have to change." if page else "Open the page again."


def _trust(page: Origin | None) -> str:
    return f"Or set {_trusted_setting(page)}." if page else ""


def _trusted_setting(page: Origin) -> str:
    port = "" if page.port in (80, 443) else f":{page.port}"
    return f"DJANGO_CSRF_TRUSTED_ORIGINS={page.scheme}://{quote(page.host)}{port}"


def _allow_host(request: HttpRequest) -> str:
    host = _raw_host(request)
    return f"put {quote(split_domain_port(host)[0] or host)} into DJANGO_ALLOWED_HOSTS."


# Forms -------------------------------------------------------------------------------------------


def explain_csrf_refusal(request: HttpRequest, reason: str) -> Refusal:
    """Explain one of the reasons of Django's CsrfViewMiddleware."""
    origin = request.META.get("HTTP_ORIGIN", "")
    if reason.startswith("Origin checking failed"):
        return explain_origin(request, origin)
    if reason.startswith("Referer checking failed"):
        return _explain_referer(request, reason)
    # Only a form of one of our own pages is offered again.
    can_resend = bool(origin) and is_allowed_origin(request, origin)
    if reason == csrf.REASON_NO_CSRF_COOKIE:
        return _explain_missing_cookie(request, can_resend)
    if reason == csrf.REASON_CSRF_TOKEN_MISSING:
        return Refusal(
            "The form was incomplete",
            "It came without its security token: the page was perhaps still loading when its form was sent.",
            needs_reload=True,
            can_resend=can_resend,
        )
    return Refusal(
        "This page is out of date",
        "You signed in or out since this page was opened.",
        needs_reload=True,
        can_resend=can_resend,
    )


def _explain_missing_cookie(request: HttpRequest, can_resend: bool) -> Refusal:
    is_https_page = request.META.get("HTTP_ORIGIN", "").startswith("https://")
    if settings.CSRF_COOKIE_SECURE and not request.is_secure() and not is_https_page:
        return Refusal(
            "Use the https address",
            "The page was opened with http://, and this archive sends its cookies over https only.",
            "Open the same address with https://.",
            "DJANGO_CSRF_TRUSTED_ORIGINS has an https:// origin, which declares a proxy that ends TLS. If people use "
            f"https:// already, {SCHEME_HEADERS}. Without TLS, list http:// origins only.",
        )
    return Refusal(
        "The browser sent no cookie",
        "Cookies are blocked for this site, or were deleted since this page was opened.",
        "Allow cookies for this site.",
        needs_reload=True,
        can_resend=can_resend,
    )


def _explain_referer(request: HttpRequest, reason: str) -> Refusal:
    referer = request.META.get("HTTP_REFERER", "")
    if reason == csrf.REASON_NO_REFERER:
        return Refusal(
            "The page did not say where it is from",
            "Over https a form needs an Origin or a Referer header, and the browser sent neither.",
            "Turn off extensions that remove the Referer, or try another browser.",
            "A proxy must pass on the headers Origin and Referer.",
        )
    scheme, _, rest = referer.partition("://")
    return explain_origin(request, f"{scheme}://{rest.partition('/')[0]}")

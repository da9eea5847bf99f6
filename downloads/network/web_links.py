"""Links that a page may have: what sites and older archives hold in place of a URL may be anything."""


def only_web_link(url: str) -> str:
    """Return the URL if it is one of HTTP or HTTPS; "" for anything else, such as javascript:."""
    return url if url.lower().startswith(("http://", "https://")) else ""

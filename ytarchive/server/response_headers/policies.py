"""Headers that all responses have, unless a view has set its own."""

# The player goes full screen, opens picture-in-picture and may begin by itself; nothing else is used by any page. Only
# names that browsers know: Chromium logs an error for each of the others.
ALLOWED_FEATURES = ("autoplay", "fullscreen", "picture-in-picture")
DENIED_FEATURES = (
    "accelerometer", "bluetooth", "browsing-topics", "camera", "display-capture", "encrypted-media", "geolocation",
    "gyroscope", "hid", "idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment",
    "publickey-credentials-create", "publickey-credentials-get", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS_POLICY = ", ".join(
    [f"{name}=(self)" for name in ALLOWED_FEATURES] + [f"{name}=()" for name in DENIED_FEATURES]
)
COMMON_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
    # No other site may show what is in the archive, by an element such as <img> or <video>.
    "Cross-Origin-Resource-Policy": "same-origin",
    # Of what is no page; a page has the policy of the settings.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
# Browsers ignore it over plain HTTP, and say so in the console.
SECURE_HEADERS = {"Cross-Origin-Opener-Policy": "same-origin"}


def encode(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI has them: names in lower case, bytes."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def head_lines(headers: dict[str, str]) -> str:
    """Return headers as lines of a response's head."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())

"""Settings of security headers; `ytarchive.server.response_headers` adds those that Django has no setting for."""

from ytarchive.env import env_optional_int

# The `max-age` of Strict-Transport-Security behind TLS; None has it grow, see response_headers.strict_transport.
HSTS_SECONDS = env_optional_int("YTARCHIVE_HSTS_SECONDS", 0, 2 * 365 * 86_400)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

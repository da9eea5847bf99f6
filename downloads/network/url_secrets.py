"""Secrets in URLs: tokens, signatures, keys and passwords, which "…" replaces in what people and the log may see.

A signed URL opens a video for whoever has it. The whole URL is for those who may change the video, and for yt-dlp.
"""

import re
from urllib.parse import unquote

HIDDEN = "…"
# Words of a parameter's name, as in "X-Amz-Signature" and "accessToken".
SECRET_WORDS = frozenset(
    [
        "apikey", "auth", "authorization", "bearer", "cookie", "credential", "credentials", "hash", "hmac",
        "jsessionid", "jwt", "key", "md5", "nonce", "otp", "pass", "passwd", "password", "phpsessid", "policy",
        "pw", "pwd", "secret", "session", "sessionid", "sid", "sig", "sign", "signature", "ticket", "tok",
        "token",
        "hdnea", "hdnts", "hdntl",  # of Akamai
    ]
)  # fmt: skip
SECRET_ENDINGS = ("token", "signature", "secret", "password", "apikey", "accesskey", "authkey", "secretkey")
MIN_RANDOM_LENGTH = 40  # characters of a value that looks random
MAX_ENCODINGS = 2

USERINFO_PATTERN = re.compile(r"(?<=://)[^/?#\s@\"'<>]{1,256}@")
PARAMETER_PATTERN = re.compile(r"(?<=[?&;#])((?:amp;)?)([\w.\-%\[\]]{1,64})=([^?&;#\s\"'<>]+)")
PATH_PARAMETER_PATTERN = re.compile(r"(?<=/)()([\w.\-%]{1,64})=([^/?&;#\s\"'<>]+)")
HEADER_PATTERN = re.compile(r"\b(Bearer|Basic) [\w.~+/=-]{8,}")
WORD_BOUNDARY_PATTERN = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])")
HEX_PATTERN = re.compile(r"[0-9a-fA-F]+")
RANDOM_PATTERN = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[\w=.~/+-]+")


def hide_secrets(text: str) -> str:
    """Return a URL, or a text with URLs in it, with "…" in place of their secrets."""
    if "=" in text:
        text = PARAMETER_PATTERN.sub(_hide_value, PATH_PARAMETER_PATTERN.sub(_hide_value, text))
    if "@" in text:
        text = USERINFO_PATTERN.sub(f"{HIDDEN}@", text)
    return HEADER_PATTERN.sub(rf"\1 {HIDDEN}", text)


def has_secrets(url: str) -> bool:
    """Return whether `hide_secrets` changes a URL."""
    return hide_secrets(url) != url


def _hide_value(match: re.Match[str]) -> str:
    prefix, name, value = match.groups()
    return f"{prefix}{name}={HIDDEN}" if _is_secret(unquote(name), value) else match[0]


def _is_secret(name: str, value: str) -> bool:
    words = WORD_BOUNDARY_PATTERN.split(name)
    if name.lower().endswith(SECRET_ENDINGS) or any(word.lower() in SECRET_WORDS for word in words):
        return True
    if value.startswith("eyJ") and "." in value:  # a JSON Web Token
        return True
    if len(value) >= MIN_RANDOM_LENGTH and (HEX_PATTERN.fullmatch(value) or RANDOM_PATTERN.fullmatch(value)):
        return True
    return _has_encoded_secret(value)


def _has_encoded_secret(value: str) -> bool:
    """Return whether the value is a URL with a secret in it, encoded once or twice."""
    for _ in range(MAX_ENCODINGS):
        decoded = unquote(value)
        if decoded == value:
            return False
        value = decoded
        names = [match[2] for match in PARAMETER_PATTERN.finditer(value)]
        if any(word.lower() in SECRET_WORDS for name in names for word in WORD_BOUNDARY_PATTERN.split(name)):
            return True
    return False

"""Every setting, and every environment variable, is read here and nowhere else."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import environ
import redis
from django.core.exceptions import ImproperlyConfigured
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ytarchive import data

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
REDIS_USE = "redis://host:6379/0, rediss://… or unix:///path"


def _flag(name: str, default: bool) -> bool:
    text = env.str(name, default="").strip().lower()
    if not text:
        return default
    if text in ("0", "false", "no", "off"):
        return False
    if text in ("1", "true", "yes", "on"):
        return True
    raise ImproperlyConfigured(f"{name} is {text!r}; use 1 or 0.")


def _whole(name: str, default: int, low: int, high: int) -> int:
    text = env.str(name, default="").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ImproperlyConfigured(f"{name} is {text!r}; use a whole number from {low} to {high}.")
    return int(text)


def _words(name: str, default: list[str]) -> list[str]:
    words = [word.strip() for word in env.str(name, default="").split(",")]
    return [word for word in words if word] or default


def _languages(name: str) -> str:
    found = _words(name, [])
    if not all(re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", word) for word in found):
        raise ImproperlyConfigured(f"{name} is {','.join(found)!r}; use codes of languages, such as en,de,pt-BR.")
    return ",".join(found)


def _origins(name: str) -> list[str]:
    found = _words(name, [])
    for origin in found:
        if not re.fullmatch(r"https?://[^/?#@\s]+", origin):
            raise ImproperlyConfigured(f"{name} has {origin!r}; use a scheme and a host, such as https://example.org.")
    return found


def _check_redis(name: str) -> None:
    _check_address(name, ("redis", "rediss", "unix"), REDIS_USE)
    try:
        # The client looks at what follows the address only when it connects.
        redis.Redis.from_url(env.str(name)).connection_pool.make_connection()
    except (redis.RedisError, ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"{name} cannot be used as it is ({error}); use {REDIS_USE}.") from error


def _check_address(name: str, schemes: tuple[str, ...], use: str) -> None:
    # The value is not repeated: it may hold a password.
    try:
        found = urlsplit(env.str(name))
        well = found.scheme in schemes and found.port != 0  # reading the port checks it
    except ValueError:
        well = False
    if not well:
        raise ImproperlyConfigured(f"{name} cannot be used as it is; use {use}.")


# The data folder -----------------------------------------------------------------------------

DATA = Path(env.str("YTARCHIVE_DATA", default="") or BASE_DIR / "data").expanduser().resolve()
try:
    data.prepare(DATA)
    SECRET_KEY = env.str("DJANGO_SECRET_KEY", default="") or data.secret_key(DATA)
    REDIS_SOCKET = data.redis_socket(DATA)
except data.DataFolderError as error:
    raise ImproperlyConfigured(str(error)) from error

MEDIA_ROOT = DATA / "media"
WORK_ROOT = DATA / "work"
STATIC_ROOT = DATA / "static"
CACHE_ROOT = DATA / "cache"

# ytarchive -------------------------------------------------------------------------------------

WORKERS = _whole("YTARCHIVE_WORKERS", 2, 1, 64)
# All limits: 0 means none, where that makes sense.
PER_HOST = _whole("YTARCHIVE_PER_HOST", 2, 1, 64)
BANDWIDTH = _whole("YTARCHIVE_BANDWIDTH", 0, 0, 10**12)
MAX_BYTES = _whole("YTARCHIVE_MAX_BYTES", 50 * 10**9, 0, 10**15)
MAX_SECONDS = _whole("YTARCHIVE_MAX_SECONDS", 0, 0, 10**9)
MIN_FREE_BYTES = _whole("YTARCHIVE_MIN_FREE_BYTES", 10**9, 0, 10**15)
PLAYLIST_LIMIT = _whole("YTARCHIVE_PLAYLIST_LIMIT", 200, 1, 10_000)
SUBTITLES = _languages("YTARCHIVE_SUBTITLES")
# How patient the engine is, in seconds.
LEASE_SECONDS = _whole("YTARCHIVE_LEASE_SECONDS", 30, 4, 3600)
STALL_SECONDS = _whole("YTARCHIVE_STALL_SECONDS", 60, 1, 3600)
RETRY_SECONDS = _whole("YTARCHIVE_RETRY_SECONDS", 10, 0, 3600)
TICK_MS = _whole("YTARCHIVE_TICK_MS", 200, 20, 5000)
ALLOW_PRIVATE_HOSTS = _flag("YTARCHIVE_ALLOW_PRIVATE_HOSTS", False)
# `up` sets this for its web processes when it binds to more than loopback.
PRIVATE_IS_CHOSEN = bool(env.str("YTARCHIVE_PRIVATE", default=""))
PRIVATE = _flag("YTARCHIVE_PRIVATE", bool(_words("DJANGO_ALLOWED_HOSTS", [])))
SUPERUSER_USERNAME = env.str("DJANGO_SUPERUSER_USERNAME", default="") or "admin"
SUPERUSER_PASSWORD = env.str("DJANGO_SUPERUSER_PASSWORD", default="")
SUPERUSER_EMAIL = env.str("DJANGO_SUPERUSER_EMAIL", default="")
# Nobody sets this but `runserver`, for its child. An argument would not do: when the code is broken, the
# child is Django's own runserver, which shows the error, waits for it to be mended, and knows no argument of ours.
RUNSERVER_FD = _whole("YTARCHIVE_RUNSERVER_FD", 0, 0, 65535)

# Redis -------------------------------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="")
REDIS_EMBEDDED = not REDIS_URL
if REDIS_EMBEDDED:
    REDIS_URL = f"unix://{REDIS_SOCKET}"
else:
    _check_redis("REDIS_URL")

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "ytarchive.layers.ProgressLayer",
        "CONFIG": {
            # Nobody waits long for Redis: whoever sends tries again with newer news.
            "hosts": [
                {
                    "address": REDIS_URL,
                    "socket_connect_timeout": 0.5,
                    "socket_timeout": 1.0,
                    "retry": Retry(NoBackoff(), 0),
                }
            ],
            "prefix": "ytarchive",
        },
    }
}

# Database ----------------------------------------------------------------------------------------

DATABASE_URL = env.str("DATABASE_URL", default="")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA / "db.sqlite3",
        # Several processes write: without these three, most read-then-write transactions fail as locked.
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"},
        # The same file: tests have a data folder of their own, and start real processes on it.
        "TEST": {"NAME": DATA / "db.sqlite3"},
    }
}
if DATABASE_URL:
    _check_address("DATABASE_URL", ("postgres", "postgresql"), "postgres://user@host/name, or unset it for SQLite")
    DATABASES = {"default": env.db_url_config(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Django ------------------------------------------------------------------------------------------

DEBUG = _flag("DJANGO_DEBUG", False)
ALLOWED_HOSTS = _words("DJANGO_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = _origins("DJANGO_CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    # First, since the first `runserver` wins: ours, which builds on Daphne's.
    "downloads",
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "ytarchive.urls"
ASGI_APPLICATION = "ytarchive.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "downloads.access.context",
            ]
        },
    }
]
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "ytarchive.staticfiles.HashedModulesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

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
CSRF_FAILURE_VIEW = "downloads.answers.old_form"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = "Lax"
# A reverse proxy that ends TLS is declared by an https:// entry among the trusted origins.
if any(origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS):
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # Named to take Django's own handlers away: every line once.
        "django": {"level": "INFO"},
        "django.request": {"level": "ERROR"},
        "daphne": {"level": "WARNING"},
        # One line per request is the proxy's task.
        "django.channels.server": {"level": "WARNING"},
    },
}

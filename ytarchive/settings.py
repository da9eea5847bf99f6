"""Django settings, and the only place that reads environment variables."""

import hashlib
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ytarchive import data_folder, data_permissions
from ytarchive.env import (
    check_redis_url,
    check_url,
    env,
    env_bool,
    env_choice,
    env_hosts,
    env_int,
    env_languages,
    env_list,
    env_networks,
    env_origins,
    env_path,
    env_text,
    env_time_zone,
    env_token,
)
from ytarchive.header_settings import *  # noqa: F403
from ytarchive.logging_config import LOGGING  # noqa: F401
from ytarchive.sign_in_settings import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parent.parent


# The data folder -----------------------------------------------------------------------------

DATA = Path(env_text("YTARCHIVE_DATA") or BASE_DIR / "data").expanduser().resolve()
# Who else may read the files of finished videos; MEDIA_MODES has the permissions that this means.
MEDIA_READERS = env_choice("YTARCHIVE_MEDIA_READERS", "owner", tuple(data_permissions.MEDIA_READERS))
MEDIA_MODES = data_permissions.MEDIA_READERS[MEDIA_READERS]
try:
    # The one place for all processes and commands: each of them reads the settings before it writes anything.
    data_permissions.set_umask(DATA)
    data_folder.create_data_folder(DATA)
    data_permissions.restrict_data_folder(DATA, MEDIA_READERS)
    SECRET_KEY = env_text("DJANGO_SECRET_KEY") or data_folder.load_secret_key(DATA)
    REDIS_SOCKET = data_folder.redis_socket_path(DATA)
except data_folder.DataFolderError as error:
    raise ImproperlyConfigured(str(error)) from error

MEDIA_ROOT = DATA / "media"
WORK_ROOT = DATA / "work"
STATIC_ROOT = DATA / "static"
CACHE_ROOT = DATA / "cache"
YTDLP_ROOT = DATA / "yt-dlp"  # versions of yt-dlp that are newer than the one in requirements.txt

# ytarchive -------------------------------------------------------------------------------------

WORKERS = env_int("YTARCHIVE_WORKERS", 2, 1, 64)
# Limits; where 0 is allowed, it means no limit.
PER_HOST = env_int("YTARCHIVE_PER_HOST", 2, 1, 64)
BANDWIDTH = env_int("YTARCHIVE_BANDWIDTH", 0, 0, 10**12)
MAX_BYTES = env_int("YTARCHIVE_MAX_BYTES", 50 * 10**9, 0, 10**15)
MAX_SECONDS = env_int("YTARCHIVE_MAX_SECONDS", 0, 0, 10**9)
MIN_FREE_BYTES = env_int("YTARCHIVE_MIN_FREE_BYTES", 10**9, 0, 10**15)
PLAYLIST_LIMIT = env_int("YTARCHIVE_PLAYLIST_LIMIT", 200, 1, 10_000)
# Seconds between two look-ups of waiting videos at one site; 0: nothing is looked up ahead of its download.
TITLES_AHEAD_SECONDS = env_int("YTARCHIVE_TITLES_AHEAD", 3, 0, 3600)
# Checks of subscriptions at once, and seconds between two requests for checks of one site.
CHECKS = env_int("YTARCHIVE_CHECKS", 2, 1, 16)
HOST_GAP = env_int("YTARCHIVE_HOST_GAP", 5, 0, 3600)
SUBTITLES = env_languages("YTARCHIVE_SUBTITLES")
# Timeouts of downloads, in seconds.
LEASE_SECONDS = env_int("YTARCHIVE_LEASE_SECONDS", 30, 4, 3600)
STALL_SECONDS = env_int("YTARCHIVE_STALL_SECONDS", 60, 1, 3600)
RETRY_SECONDS = env_int("YTARCHIVE_RETRY_SECONDS", 10, 0, 3600)
# A process that gives no sign of life for so long is frozen: it is killed and started again.
WATCHDOG_SECONDS = env_int("YTARCHIVE_WATCHDOG_SECONDS", 60, 2, 3600)
TICK_MS = env_int("YTARCHIVE_TICK_MS", 200, 20, 5000)
ALLOW_PRIVATE_HOSTS = env_bool("YTARCHIVE_ALLOW_PRIVATE_HOSTS", False)
BLOCKED_NETWORKS = env_networks("YTARCHIVE_BLOCKED_NETWORKS")
# `up` sets YTARCHIVE_PRIVATE for its web processes when it binds to more than loopback.
PRIVATE_IS_CHOSEN = bool(env_text("YTARCHIVE_PRIVATE"))
PRIVATE = env_bool("YTARCHIVE_PRIVATE", bool(env_list("DJANGO_ALLOWED_HOSTS", [])))
# The number of our own proxies in front of the server; each appends its client's address to X-Forwarded-For.
PROXIES = env_int("YTARCHIVE_PROXIES", 0, 0, 9)
# The path of the library, "/" or such as "/tube/"; every URL of ours begins with it.
URL_PREFIX = env_path("YTARCHIVE_PATH")
# Open connections of one web process, WebSockets included: of all clients, and of one address (limits/connection.py has
# the default, 0).
MAX_CONNECTIONS = env_int("YTARCHIVE_MAX_CONNECTIONS", 4096, 16, 10**6)
MAX_CONNECTIONS_PER_CLIENT = env_int("YTARCHIVE_MAX_CONNECTIONS_PER_CLIENT", 0, 4, 10**6)
METRICS_TOKEN = env_token("YTARCHIVE_METRICS_TOKEN")
SUPERUSER_USERNAME = env_text("DJANGO_SUPERUSER_USERNAME") or "admin"
SUPERUSER_PASSWORD = env_text("DJANGO_SUPERUSER_PASSWORD")
SUPERUSER_EMAIL = env_text("DJANGO_SUPERUSER_EMAIL")
# Set by `runserver` only, for its child. It cannot be a command-line argument: if the code is broken, the child is
# Django's own runserver, which shows the error, waits for a fix, and does not accept our arguments.
RUNSERVER_FD = env_int("YTARCHIVE_RUNSERVER_FD", 0, 0, 65535)
# Set by `up` and `runserver` only, for the processes that they watch: the pipe for heartbeats.
HEARTBEAT_FD = env_int("YTARCHIVE_HEARTBEAT_FD", 0, 0, 65535)

# Redis -------------------------------------------------------------------------------------------

REDIS_URL = env_text("REDIS_URL")
REDIS_EMBEDDED = not REDIS_URL
if REDIS_EMBEDDED:
    REDIS_URL = f"unix://{REDIS_SOCKET}"
else:
    check_redis_url("REDIS_URL")

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "ytarchive.server.channel_layer.ProgressChannelLayer",
        "CONFIG": {
            # Short timeouts and no retries: a lost message is followed by a newer one soon.
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

DATABASE_URL = env_text("DATABASE_URL")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA / "db.sqlite3",
        # Several processes write. Without these options, most read-then-write transactions fail with
        # "database is locked".
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"},
        # The same file, since tests have their own data folder and start real processes that use it.
        "TEST": {"NAME": DATA / "db.sqlite3"},
    }
}
if DATABASE_URL:
    check_url("DATABASE_URL", ("postgres", "postgresql"), "postgres://user@host/name, or unset it for SQLite")
    DATABASES = {"default": env.db_url_config(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Django ------------------------------------------------------------------------------------------

DEBUG = env_bool("DJANGO_DEBUG", False)
ALLOWED_HOSTS = env_hosts("DJANGO_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env_origins("DJANGO_CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    # First, since Django takes the first app's `runserver`: ours, which extends Daphne's. Daphne itself is not
    # installed as an app: it would import Twisted into every command, which costs 0.2 s and 20 MB each.
    "downloads",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "axes",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "downloads.accounts.cookies.ArchiveSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "ytarchive.server.request_checks.OriginCsrfMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "downloads.audit.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "downloads.views.middleware.database_outage.DatabaseOutageMiddleware",
    "downloads.views.middleware.body_limit.BodyLimitMiddleware",
    "axes.middleware.AxesMiddleware",
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
                "downloads.accounts.context_processors.permissions",
            ]
        },
    }
]
LANGUAGE_CODE = "en"
USE_I18N = False  # one language, so pages need no translation look-ups
# The database keeps UTC; the zone is that of the admin, the log and, for now, the pages, which name it beside a time.
TIME_ZONE = env_time_zone("TZ")
USE_TZ = True
FORMAT_MODULE_PATH = "ytarchive.formats"

STATIC_URL = f"{URL_PREFIX}static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "ytarchive.static_storage.HashedModulesStorage"
    },
}
LOCAL_MEMORY_BACKEND = "django.core.cache.backends.locmem.LocMemCache"
CACHES = {
    "default": {"BACKEND": LOCAL_MEMORY_BACKEND},
    # Rendered cards, about 2 kB each; not cached in development, so that template changes show at once.
    "cards": {
        "BACKEND": "django.core.cache.backends.dummy.DummyCache" if DEBUG else LOCAL_MEMORY_BACKEND,
        "LOCATION": "cards",
        "OPTIONS": {"MAX_ENTRIES": 2000},
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# The check looks for Django's CSRF middleware by its name, and MIDDLEWARE has a subclass of it.
SILENCED_SYSTEM_CHECKS = ["security.W003"]
CSRF_FAILURE_VIEW = "downloads.views.error_handlers.csrf_failure"
# Browsers send a cookie to every port of a host, and one of "/" to all paths, so that programs there overwrite each
# other's `sessionid`. These names are the archive's own, also beside another archive, and after a change of the path,
# which leaves old cookies behind. Machines that share the secret key share them. Not `__Host-`, which forbids a path.
COOKIE_PREFIX = f"ytarchive_{hashlib.sha256(f'{SECRET_KEY} {URL_PREFIX}'.encode()).hexdigest()[:8]}"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = URL_PREFIX
SESSION_ENGINE = "downloads.accounts.session_store"
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}_sessionid"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}_csrftoken"
MESSAGE_STORAGE = "ytarchive.message_storage.PathFallbackStorage"
SESSION_COOKIE_SAMESITE = "Lax"
# An https:// entry among the trusted origins declares a reverse proxy that terminates TLS.
if any(origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS):
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Django's default would let everybody read the gathered static files.
FILE_UPLOAD_PERMISSIONS = 0o600
# Of a request's body: 5,000 URLs of 2,048 characters, percent-encoded, to the forms that add videos and follow lists;
# little to all others.
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
LARGE_FORM_URL_NAMES = ("add", "follow")
MAX_FORM_BYTES = 256 * 1024

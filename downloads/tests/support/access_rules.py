"""Rules of who may request what: one for each URL of the site and for each method that it has."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from downloads.accounts.permissions import Permission

ANYONE, SIGNED_IN, STAFF, SUPERUSER, NOBODY = "anyone", "signed in", "staff", "superuser", "nobody"
VIEW, ADD, CHANGE, DELETE, MANAGE = Permission


@dataclass(frozen=True)
class Rule:
    """What one kind of request needs: a permission or one of the words above; in the admin, being staff besides.

    `refusal_status` is the answer to those who may not, where it is neither the sign-in page nor 403. `is_written` is
    true if the request changes the database for those who may.
    """

    method: str
    needs: str
    data: Mapping[str, Any] = field(default_factory=dict)
    refusal_status: int = 0
    is_written: bool = False


def get(needs: str, refusal_status: int = 0, **data: Any) -> Rule:
    return Rule("GET", needs, data, refusal_status)


def post(needs: str, **data: Any) -> Rule:
    return Rule("POST", needs, data, is_written=True)


def post_without_change(needs: str, **data: Any) -> Rule:
    return Rule("POST", needs, data)


NO_GET, NO_POST = get(NOBODY, 405), Rule("POST", NOBODY, refusal_status=405)
PAGE = [get(VIEW), NO_POST]
FILE = [get(VIEW, 403), NO_POST]
# Django answers a form with errors, or a page that is not there.
STAFF_PAGE = [get(STAFF), post_without_change(STAFF)]
SUPERUSER_PAGE = [get(SUPERUSER), post_without_change(SUPERUSER)]

RULES: dict[str, list[Rule]] = {
    "library": PAGE,
    "list": PAGE,
    "activity": PAGE,
    "activity-list": PAGE,
    "cards": [*PAGE, *(get(VIEW, **{"as": kind, "id": "{video}"}) for kind in ("activity", "admin", "detail"))],
    "channels": PAGE,
    "channel": PAGE,
    "add": [get(ADD), post(ADD, urls="http://93.184.215.14/new.mp4", quality="best")],
    "video": PAGE,
    "delete": [get(DELETE), post(DELETE)],
    "retry": [NO_GET, post(CHANGE)],
    "cancel": [NO_GET, post(CHANGE)],
    "front": [NO_GET, post(CHANGE)],
    "again": [NO_GET, post(CHANGE)],
    "make-copy": [NO_GET, post(CHANGE)],
    "cancel-copy": [NO_GET, post_without_change(CHANGE)],
    "remove-copy": [NO_GET, post_without_change(CHANGE)],
    "many": [
        NO_GET,
        *(post(CHANGE, do=name, id="{waiting}") for name in ("cancel", "front")),
        *(post(CHANGE, do=name, id="{failed}") for name in ("retry",)),
        post(CHANGE, do="again", id="{complete}"),
        *(
            post_without_change(CHANGE, do=name, id="{complete}")
            for name in ("restore", "take-back", "behind", "x", "")
        ),
        post_without_change(DELETE, do="delete", id="{complete}"),
        post(DELETE, do="delete", id="{complete}", confirmed="1"),
        post_without_change(CHANGE, do="restore", bulk="1"),
    ],
    "position": [NO_GET, post(SIGNED_IN, position="100"), post_without_change(SIGNED_IN, position="x")],
    "watched": [NO_GET, post(SIGNED_IN)],
    **{name: [NO_GET, post_without_change(SIGNED_IN)] for name in ("unwatched", "dismiss")},
    "watched-many": [
        NO_GET,
        post(SIGNED_IN, do="watched", id="{complete}"),
        *(post_without_change(SIGNED_IN, do=name, id="{complete}") for name in ("unwatched", "dismiss", "x")),
        post_without_change(SIGNED_IN, undo="token"),
    ],
    "queue-pause": [NO_GET, post(MANAGE)],
    "queue-resume": [NO_GET, post_without_change(MANAGE)],
    "queue-cancel-all": [NO_GET, post(MANAGE)],
    "queue-retry-failed": [NO_GET, post(MANAGE)],
    "queue-remove-cancelled": [NO_GET, post_without_change(MANAGE)],
    "site-resume": [NO_GET, post_without_change(MANAGE, site="example.com")],
    "protect": [NO_GET, post(DELETE)],
    "unprotect": [NO_GET, post_without_change(DELETE)],
    **dict.fromkeys(
        ("subscriptions", "subscriptions-rows", "subscriptions-export", "subscription", "subscription-parts"), PAGE
    ),
    "follow": [
        get(ADD),
        post(ADD, urls="https://www.youtube.com/@bob", start="new", quality="best", tabs="videos"),
        post(DELETE, urls="https://www.youtube.com/@bob", start="new", quality="best", tabs="videos", keep_days="7"),
        post_without_change(ADD, urls="nonsense", start="new", quality="best"),
    ],
    "subscriptions-act": [
        NO_GET,
        *(post(CHANGE, do=name, id="{subscription}") for name in ("check", "pause")),
        *(post_without_change(CHANGE, do=name, id="{subscription}") for name in ("resume", "x", "")),
    ],
    "subscription-items": [
        NO_GET,
        *(post(CHANGE, do=name, id="{item}") for name in ("fetch", "ignore")),
        *(post_without_change(CHANGE, do=name, id="{item}") for name in ("unignore", "x", "")),
    ],
    "subscription-settings": [
        NO_GET,
        post(CHANGE, name="Bob", quality="best", start="new", tabs="videos"),
        post(DELETE, name="Bob", quality="best", start="new", tabs="videos", keep_newest="7"),
        post_without_change(CHANGE, name="Bob", quality="best", start="new", tabs="videos", preview="1"),
    ],
    "subscription-prune": [post_without_change(DELETE)],
    "unsubscribe": [get(CHANGE), post(CHANGE), post(DELETE, delete="1")],
    "account": [get(SIGNED_IN), post_without_change(SIGNED_IN)],
    "theme": [NO_GET, post_without_change(ANYONE, theme="dark")],
    "display": [NO_GET, post_without_change(ANYONE, layout="list")],
    "sign-out-others": [NO_GET, post_without_change(SIGNED_IN)],
    "audit": [get(MANAGE), NO_POST],
    "update-ytdlp": [NO_GET, post_without_change(MANAGE)],
    "progress": FILE,
    "media": FILE,
    "copy": FILE,
    "thumbnail": FILE,
    "track": FILE,
    "favicon.ico": [get(ANYONE)],
    "login": [get(ANYONE), post_without_change(ANYONE, username="x", password="x")],
    "logout": [NO_GET, post_without_change(ANYONE)],
    "admin/login/": [get(STAFF), post_without_change(STAFF, username="x", password="x")],
    "admin:login": [get(STAFF)],
    "admin/logout/": [NO_GET, post_without_change(ANYONE)],
    "admin:logout": [NO_GET, post_without_change(ANYONE)],
    "admin:index": STAFF_PAGE,
    "admin:password_change": STAFF_PAGE,
    "admin:password_change_done": STAFF_PAGE,
    "admin:jsi18n": STAFF_PAGE,
    "admin:view_on_site": STAFF_PAGE,
    "admin:app_list": STAFF_PAGE,
    "admin:autocomplete": [get(NOBODY)],  # no form of ours has such a field
    "admin/(?P<url>.*)$": STAFF_PAGE,
    "admin:downloads_video_changelist": [
        get(VIEW),
        get(VIEW, q="film", added_at__year="2026"),
        post(CHANGE, action="retry", _selected_action="{failed_pk}"),
        post(CHANGE, action="cancel", _selected_action="{waiting_pk}"),
        post(CHANGE, action="front", _selected_action="{waiting_pk}"),
        post(CHANGE, action="again", _selected_action="{complete_pk}"),
        post_without_change(DELETE, action="delete_selected", _selected_action="{complete_pk}"),
    ],
    "admin:downloads_video_add": [get(NOBODY), post_without_change(NOBODY)],
    "admin:downloads_video_change": [get(VIEW), post_without_change(NOBODY, title="x")],
    "admin:downloads_video_delete": [get(DELETE), post_without_change(DELETE)],
    "admin:downloads_video_delete_chosen": [
        NO_GET,
        post(DELETE, chosen="{complete_pk}"),
    ],
    "admin:downloads_video_history": [get(VIEW)],
    "admin/downloads/video/<path:object_id>/": [get(VIEW)],
    # What people do with them, they do on the pages.
    **{
        f"admin:downloads_{model}_{page}": rules
        for model in ("subscription", "subscriptionitem")
        for page, rules in {
            "changelist": [get(VIEW)],
            "add": [get(NOBODY), post_without_change(NOBODY)],
            "change": [get(VIEW), post_without_change(NOBODY, name="x")],
            "delete": [get(NOBODY), post_without_change(NOBODY)],
            "history": [get(VIEW)],
        }.items()
    },
    "admin/downloads/subscription/<path:object_id>/": [get(VIEW)],
    "admin/downloads/subscriptionitem/<path:object_id>/": [get(VIEW)],
    **{
        f"admin:auth_{model}_{page}": SUPERUSER_PAGE
        for model in ("user", "group")
        for page in ("changelist", "add", "change", "delete", "history")
    },
    "admin:auth_user_password_change": SUPERUSER_PAGE,
    "admin/auth/user/<path:object_id>/": [get(STAFF)],
    "admin/auth/group/<path:object_id>/": [get(STAFF)],
}


@dataclass(frozen=True)
class SitePattern:
    """One URL pattern of the site: its name with the namespace, else its route; and whether it is of the admin."""

    key: str
    route: str
    is_admin: bool


def site_patterns() -> list[SitePattern]:
    """Return all URL patterns, as the resolver has them."""
    return [
        SitePattern(
            f"{namespace}:{pattern.name}".removeprefix(":") if pattern.name else route,
            route,
            # Our own sign-in and sign-out stand before those of the admin.
            bool(namespace) and pattern.name not in ("login", "logout"),
        )
        for pattern, route, namespace in _walk(get_resolver(), "", "")
    ]


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[tuple[URLPattern, str, str]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, route, pattern.namespace or namespace)
        else:
            yield pattern, route.removeprefix(settings.URL_PREFIX.removeprefix("/")), namespace

"""SubscriptionItem model: one video that was seen in a subscription. The ledger outlives the videos."""

import datetime as dt
import hashlib
from collections.abc import Collection
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from downloads.database.clock import current_moment
from downloads.database.stored_values import TolerantRow
from downloads.models.subscriptions.choices import KEPT_STATES, SubscriptionItemState
from downloads.network.sites import GENERIC_EXTRACTORS
from downloads.network.url_secrets import has_secrets
from downloads.network.web_links import only_web_link

MAX_REASON_LENGTH = 300
AGED_FROM = Coalesce("published", "seen_at")  # what is older, and goes first
# In small letters. Their videos are identified by their URLs.
LOWERCASE_GENERIC_EXTRACTORS = frozenset(name.lower() for name in GENERIC_EXTRACTORS)


def item_identity(extractor: str, source_id: str, canonical_url: str) -> str:
    """Return the hash that identifies a video in the ledger: of its id at its site, or of its URL if ids are vague."""
    is_vague = extractor.lower() in LOWERCASE_GENERIC_EXTRACTORS or not source_id
    text = f"url {canonical_url}" if is_vague else f"id {extractor.lower()} {source_id}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:40]


class SubscriptionItemQuerySet(models.QuerySet["SubscriptionItem"]):
    """Items of the ledger."""

    def identified(self, identities: Collection[str]) -> Self:
        """Filter by `identity`."""
        return self.filter(identity__in=identities)

    def in_state(self, *states: str) -> Self:
        """Filter by state."""
        return self.filter(state__in=states)

    def due(self) -> Self:
        """Filter those that wait, and whose time to be judged anew has come."""
        return self.filter(retry_at__lte=current_moment())

    def newest_first(self) -> Self:
        """Order as pages show them, the last seen first."""
        return self.order_by("-pk")

    def count_by_state(self) -> dict[str, int]:
        """Return how many there are in each state; states without any are left out."""
        return dict(self.order_by().values_list("state").annotate(count=Count("pk")))

    def change_state(self, state: "str | F", reason: str, *, retry_at: Any = None, **changes: Any) -> int:
        """Set a state with its reason; return how many rows were changed."""
        return self.update(
            state=state, reason=reason[:MAX_REASON_LENGTH], retry_at=retry_at, changed_at=current_moment(), **changes
        )

    def pick(self, video_pks: Collection[int]) -> int:
        """Note that a person has asked for videos that subscriptions brought: filters and retention leave them."""
        items = self.filter(video__in=video_pks, state__in=KEPT_STATES, is_picked=False)
        return items.update(is_picked=True) if video_pks else 0

    def mark_video_removed(self, video_pk: int, reason: str) -> int:
        """Have a video that is being deleted stay away. Called by the removal of the video, in its transaction."""
        items = self.filter(video=video_pk, state__in=KEPT_STATES)
        return items.change_state(SubscriptionItemState.REMOVED, reason, video=None)


class SubscriptionItem(TolerantRow):
    """A video in the ledger of one subscription: what the list said of it, and its state with the reason."""

    subscription = models.ForeignKey(
        "downloads.Subscription", on_delete=models.CASCADE, related_name="items", db_index=False
    )
    identity = models.CharField(max_length=40, editable=False)  # item_identity()
    extractor = models.CharField("extractor of yt-dlp", max_length=100, blank=True)
    source_id = models.CharField("ID on the site", max_length=255, blank=True)
    url = models.CharField("URL", max_length=2048)
    title = models.CharField(max_length=500, blank=True)
    duration = models.FloatField("duration in seconds", null=True, blank=True)
    published = models.DateTimeField(null=True, blank=True)
    is_date_rough = models.BooleanField(default=False)  # "2 weeks ago"
    tab = models.CharField(max_length=16, blank=True)  # ChannelTab; "" for the list itself
    position = models.PositiveIntegerField(default=0)  # in the list when it was first seen, from 1

    state = models.CharField(max_length=8, choices=SubscriptionItemState.choices)
    reason = models.CharField(max_length=MAX_REASON_LENGTH, blank=True)
    retry_at = models.DateTimeField("checked against the filters again at", null=True, blank=True)
    # When look-ups have said so first, of a video that waits for its recording; see subscriptions/metadata_filter.py.
    announced_since = models.DateTimeField(null=True, blank=True, editable=False)
    live_since = models.DateTimeField(null=True, blank=True, editable=False)
    previous_state = models.CharField(max_length=8, blank=True, editable=False)  # of an ignored one, for the undo
    is_picked = models.BooleanField("asked for by a person", default=False)  # against the filters: retention keeps it
    seen_at = models.DateTimeField("first seen", default=timezone.now)
    changed_at = models.DateTimeField("in this state since", default=timezone.now)
    video = models.ForeignKey(
        "downloads.Video", null=True, blank=True, on_delete=models.SET_NULL, related_name="subscription_items"
    )

    # Set by retention (subscriptions/retention.py): why the video goes.
    retention_reason: str = ""

    objects: ClassVar[SubscriptionItemQuerySet] = SubscriptionItemQuerySet.as_manager()  # type: ignore[assignment]

    STORED_LIMITS = {"duration": (0, 10**9), "position": (0, 2**31 - 1)}

    class Meta:
        indexes = (
            # What other lists have of a video, which is here.
            models.Index(fields=["identity"], condition=Q(video__isnull=False), name="downloads_sub_items_here"),
            models.Index(fields=["subscription", "state", "-id"], name="downloads_sub_items_state"),
            models.Index(fields=["subscription", "-id"], name="downloads_sub_items_newest"),
            models.Index(fields=["subscription", "published"], name="downloads_sub_items_date"),
            # What retention keeps and removes, by age.
            models.Index(
                "subscription",
                "state",
                AGED_FROM,
                "id",
                condition=Q(video__isnull=False),
                name="downloads_sub_items_kept",
            ),
            models.Index(
                fields=["subscription", "retry_at"],
                condition=Q(retry_at__isnull=False),
                name="downloads_sub_items_due",
            ),
        )
        constraints = (models.UniqueConstraint(fields=["subscription", "identity"], name="downloads_sub_item_unique"),)

    def __str__(self) -> str:
        return f"{self.title or self.source_id}: {self.state}"

    @property
    def page_url(self) -> str:
        """The URL of the page at its site; "" for anything that is no link, such as javascript:."""
        return only_web_link(self.url)

    @property
    def has_secret_url(self) -> bool:
        """True if the URL holds a token or the like, so that only those who may change it see it whole."""
        return has_secrets(self.url)

    @property
    def label(self) -> str:
        """The state in words; "Unknown" for one that is none."""
        return str(dict(SubscriptionItemState.choices).get(self.state, "Unknown"))

    @property
    def published_on(self) -> "dt.date | None":
        """The day of publication (UTC), if known."""
        return self.published.date() if self.published else None

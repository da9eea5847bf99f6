"""Watch state: one row per person and video that they began, finished or marked."""

from collections.abc import Iterable
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, Exists, F, OuterRef, When
from django.utils import timezone
from django.utils.crypto import get_random_string

from downloads.database.stored_values import TolerantRow
from downloads.models.watching.thresholds import classify_position, known_duration, resume_seconds, watched_percent

UPDATED_COLUMNS = ["position", "duration", "updated_at", "continued_at", "change_token"]
INSERTED_AT_ONCE = 500


class WatchStateQuerySet(models.QuerySet["WatchState"]):
    """Watch states, always of one person."""

    def of(self, user: Any) -> Self:
        """Filter those of a person; none of somebody who is not signed in."""
        return self.filter(user_id=user.pk) if user.pk else self.none()

    def in_progress(self) -> Self:
        """Filter the begun ones that were not removed from the row “Continue watching”, the last one first."""
        return self.filter(continued_at__isnull=False).order_by("-continued_at", "-pk")

    def record(self, user: Any, video_pk: int, seconds: float, duration: float | None) -> None:
        """Store the position of a player, by one statement: the last one to arrive counts, whatever tab it is from.

        A video stays finished while it is watched again.
        """
        progress, now = classify_position(seconds, duration), timezone.now()
        if not (progress.position or progress.is_finished):
            # Nothing to remember of a video that was not begun.
            self.of(user).filter(video=video_pk).update(position=0, updated_at=now, continued_at=None, change_token="")
            return
        state = self.model(
            user_id=user.pk,
            video_id=video_pk,
            position=progress.position,
            duration=duration,
            is_finished=progress.is_finished,
            updated_at=now,
            continued_at=now if progress.position else None,
        )
        columns = [*UPDATED_COLUMNS, "is_finished"] if progress.is_finished else UPDATED_COLUMNS
        self.bulk_create(
            [state], update_conflicts=True, unique_fields=["user", "video"], update_fields=columns
        )  # one statement on SQLite and PostgreSQL

    # Marks, each with a token by which it can be undone ------------------------------------------

    def mark_watched(self, user: Any, video_pks: Iterable[int]) -> str:
        """Mark these videos as watched; return the token of the undo."""
        keys = list(video_pks)
        token, now = new_token(), timezone.now()
        with transaction.atomic():
            self._change(user, keys, token, position=0, is_finished=True, continued_at=None)
            states = [
                self.model(user_id=user.pk, video_id=key, is_finished=True, updated_at=now, change_token=token)
                for key in keys
            ]
            self.bulk_create(states, batch_size=INSERTED_AT_ONCE, ignore_conflicts=True)
        return token

    def mark_unwatched(self, user: Any, video_pks: Iterable[int]) -> str:
        """Forget that these videos were watched, and how far; return the token of the undo."""
        token = new_token()
        self._change(user, list(video_pks), token, position=0, is_finished=False, continued_at=None)
        return token

    def dismiss(self, user: Any, video_pks: Iterable[int]) -> str:
        """Remove these videos from the row “Continue watching”; return the token of the undo."""
        token = new_token()
        self._change(user, list(video_pks), token, continued_at=None)
        return token

    def _change(self, user: Any, video_pks: list[int], token: str, **values: Any) -> None:
        before = {"previous_position": F("position"), "previous_finished": F("is_finished")}
        with transaction.atomic():
            for first in range(0, len(video_pks), INSERTED_AT_ONCE):
                states = self.of(user).filter(video__in=video_pks[first : first + INSERTED_AT_ONCE])
                states.update(**before, **values, change_token=token)

    def undo(self, user: Any, token: str) -> int:
        """Undo the mark with this token, except where the video was played since; return the number of videos."""
        if not token or "\x00" in token:
            return 0
        return (
            self.of(user)
            .filter(change_token=token)
            .update(
                position=F("previous_position"),
                is_finished=F("previous_finished"),
                continued_at=Case(When(previous_position__gt=0, then=F("updated_at"))),
                change_token="",
            )
        )


class WatchState(TolerantRow):
    """Progress of a person in a video; deleted with either."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    video = models.ForeignKey("downloads.Video", on_delete=models.CASCADE, related_name="watch_states")
    position = models.FloatField("position in seconds", default=0)  # 0: it starts from the beginning
    duration = models.FloatField("duration in seconds", null=True)  # as the player knew it
    is_finished = models.BooleanField(default=False)
    updated_at = models.DateTimeField(default=timezone.now)
    continued_at = models.DateTimeField(null=True)  # place in the row “Continue watching”; None: not in it
    # What a mark has replaced, for its undo.
    previous_position = models.FloatField(default=0)
    previous_finished = models.BooleanField(default=False)
    change_token = models.CharField(max_length=16, blank=True, default="")

    objects = WatchStateQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "video"], name="downloads_one_watch_state"),)
        indexes = (
            models.Index(fields=["user", "-continued_at", "-id"], name="downloads_continue_watching"),
            # What the filter “Unwatched” asks for each video, without reading rows.
            models.Index(fields=["user", "video"], condition=models.Q(is_finished=True), name="downloads_watched"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} {self.video_id}: {'finished' if self.is_finished else self.position}"

    def known_duration(self, duration: float | None) -> float | None:
        """Return the length of the video: that of its row, else what the player knew."""
        return known_duration(duration, self.duration)

    def resume_seconds(self, duration: float | None) -> int:
        """Return the second at which a player starts the video, whose row has this length."""
        return resume_seconds(self.position, self.known_duration(duration))

    def percent(self, duration: float | None) -> int:
        """Return how much of the video was watched, whose row has this length: 0 if it is to start from the start."""
        return watched_percent(self.resume_seconds(duration), self.known_duration(duration))


def new_token() -> str:
    """Return a token that names one mark of one person."""
    return get_random_string(12)


def finished_by_condition(user_pk: int) -> Exists:
    """Return the condition that a person has watched a video to its end, or marked it as watched."""
    return Exists(WatchState.objects.filter(user_id=user_pk, video=OuterRef("pk"), is_finished=True))

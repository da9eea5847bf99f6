"""Rejected lines, each with its reason, and how they are grouped for people."""

from collections.abc import Iterable
from dataclasses import dataclass

from downloads.models import Quality, Video

ALREADY_PRESENT = "This video is already in the archive."
REPEATED = "You pasted this link twice."
# Said of several lines at once; other reasons read the same.
PLURAL_REASONS = {
    ALREADY_PRESENT: "These videos are already in the archive.",
    REPEATED: "You pasted these links more than once.",
}
MAX_UNGROUPED_LINES = 3  # of one reason; more are told in one sentence


@dataclass(frozen=True)
class Rejection:
    """A line that was not queued, the reason in a sentence, and the video that already has this URL, if any.

    `suggestion` is the URL that the line may stand for: people confirm it, since nothing is fetched unasked.
    `is_left_over` is set for a line beyond the limit, which is valid for all that is known.
    """

    line: str
    reason: str
    video: Video | None = None
    is_left_over: bool = False
    suggestion: str = ""

    @property
    def could_be_audio(self) -> bool:
        """Return whether the archive has the video, and its sound alone might still be added."""
        return self.video is not None and self.video.quality != Quality.AUDIO and self.video.kind != "audio"


@dataclass(frozen=True)
class RejectionGroup:
    """Lines that were rejected for the same reason, in their order."""

    reason: str
    rejections: list[Rejection]

    @property
    def is_long(self) -> bool:
        """Return whether the lines are told in one sentence."""
        return len(self.rejections) > MAX_UNGROUPED_LINES

    @property
    def summary(self) -> str:
        """Return the sentence about all lines, such as "37 lines: These videos are already in the archive."."""
        return f"{len(self.rejections):,} lines: {PLURAL_REASONS.get(self.reason, self.reason)}"

    @property
    def first_rejections(self) -> list[Rejection]:
        """Return the lines to show first."""
        return self.rejections[:MAX_UNGROUPED_LINES]

    @property
    def text(self) -> str:
        """Return all lines as one text."""
        return "\n".join(rejection.line for rejection in self.rejections)


def summarize(added_count: int, rejected_count: int) -> str:
    """Summarize a submission, above the reasons of its lines, such as "5,000 added. 1 was not:"."""
    if not rejected_count:
        return "Nothing was added:"
    if added_count:
        return f"{added_count:,} added. {rejected_count:,} {'was' if rejected_count == 1 else 'were'} not:"
    return "1 link wasn’t added:" if rejected_count == 1 else f"{rejected_count:,} links weren’t added:"


def group_by_reason(rejections: Iterable[Rejection]) -> list[RejectionGroup]:
    """Return the rejections grouped by their reasons, in the order of first appearance."""
    groups: dict[str, list[Rejection]] = {}
    for rejection in rejections:
        groups.setdefault(rejection.reason, []).append(rejection)
    return [RejectionGroup(reason, members) for reason, members in groups.items()]


def remaining_text(rejections: Iterable[Rejection]) -> str:
    """Return the lines to leave in the form, or what they may stand for, to be sent again.

    Those beyond the limit come first, so that the next submission reaches them.
    """
    in_order = sorted(rejections, key=lambda one: not one.is_left_over)
    return "\n".join(rejection.suggestion or rejection.line for rejection in in_order)

"""Outcome of a walk: how many entries were listed, and how many came into each state."""

from collections import Counter
from dataclasses import dataclass, field

from downloads.models import SubscriptionItemState


@dataclass
class Outcome:
    """Result of a walk; `counts` is by SubscriptionItemState, of what changed alone."""

    listed: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    is_lease_lost: bool = False  # nothing more may be written

    @property
    def queued(self) -> int:
        """Number of videos that were queued."""
        return self.counts[SubscriptionItemState.QUEUED]

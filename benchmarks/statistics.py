"""Percentiles, and a fair choice of samples where there are too many to keep."""

import math
import random
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 to 1) of the values do not exceed; NaN of none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


class Reservoir(Generic[T]):
    """Up to `size` items, each of those offered with the same chance (Li's algorithm L).

    Whoever offers counts: only item number `wanted` (from 0) has to be put, all others cost a comparison.
    """

    def __init__(self, size: int, seed: int = 1) -> None:
        self.size = size
        self.items: list[T] = []
        self.wanted = 0
        self._random = random.Random(seed)
        self._weight = 1.0

    def put(self, item: T) -> None:
        """Take the wanted item."""
        if len(self.items) < self.size:
            self.items.append(item)
            if len(self.items) < self.size:
                self.wanted += 1
                return
        else:
            self.items[self._random.randrange(self.size)] = item
        self._weight *= math.exp(math.log(1 - self._random.random()) / self.size)
        self.wanted += 1 + math.floor(math.log(1 - self._random.random()) / math.log(1 - self._weight))

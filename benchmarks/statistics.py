"""Percentiles and reservoir sampling."""

import math
import random
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile: the smallest value with at least `share` (0 to 1) of all at or below it.

    NaN if there are no values.
    """
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


class Reservoir(Generic[T]):
    """Uniform random sample of up to `size` items from a stream of unknown length (Li's algorithm L).

    The caller counts the items and calls `put` only for item number `next_index` (from 0), so that every other item
    costs one comparison.
    """

    def __init__(self, size: int, seed: int = 1) -> None:
        self.size = size
        self.items: list[T] = []
        self.next_index = 0
        self._random = random.Random(seed)
        self._weight = 1.0

    def put(self, item: T) -> None:
        """Add item number `next_index` to the sample, and choose the next."""
        if len(self.items) < self.size:
            self.items.append(item)
            if len(self.items) < self.size:
                self.next_index += 1
                return
        else:
            self.items[self._random.randrange(self.size)] = item
        self._weight *= math.exp(math.log(1 - self._random.random()) / self.size)
        self.next_index += 1 + math.floor(math.log(1 - self._random.random()) / math.log(1 - self._weight))

"""Cut a long list for statements that name each item."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

BATCH_SIZE = 500

_Item = TypeVar("_Item")


def batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Give all items in order, 500 at a time; nothing for none."""
    every = list(items)
    for start in range(0, len(every), BATCH_SIZE):
        yield every[start : start + BATCH_SIZE]

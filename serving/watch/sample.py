"""Accounts drawn at random from a stream, as many as fit."""

import hashlib
import heapq
from typing import Generic, TypeVar

Value = TypeVar("Value")


class AccountSample(Generic[Value]):
    """The accounts with the smallest hashes: a random sample without replacement.

    The same stream gives the same sample, in whatever order it comes.
    """

    def __init__(self, size: int, salt: str) -> None:
        """``salt`` makes samples of two streams independent."""
        self._size, self._salt = size, salt.encode()
        self._heap: list[tuple[int, str, Value]] = []

    def wants(self, account_id: str) -> bool:
        """Whether an account would be drawn, by what was seen so far."""
        return len(self._heap) < self._size or self._place(account_id) > self._heap[0][0]

    def add(self, account_id: str, value: Value) -> None:
        """Draw an account that is wanted, in the place of another if there are enough."""
        entry = (self._place(account_id), account_id, value)
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    @property
    def values(self) -> list[Value]:
        """Of the accounts drawn, in the order of accounts."""
        return [value for _, _, value in sorted(self._heap, key=lambda entry: entry[1])]

    def _place(self, account_id: str) -> int:
        """The smaller the hash, the higher."""
        digest = hashlib.blake2b(account_id.encode(), digest_size=8, key=self._salt).digest()
        return -int.from_bytes(digest, "big")

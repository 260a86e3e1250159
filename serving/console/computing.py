"""What takes longer than a page may: found in the background, and kept for a while."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import Any, TypeVar

#: how long a page waits for one
WAIT_SECONDS = 0.05
#: findings that are kept in mind, and those that may wait to be found
_KEPT, _WAITING = 512, 4

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class _Asked:
    future: Future[Any]
    at: float


class Background:
    """Finds one thing at a time, and keeps the last ones; safe to share between threads.

    Of those that wait the oldest are forgotten, for whoever asked has most likely gone on; one
    that is asked for again waits anew.
    """

    def __init__(self, name: str, lasts: float = math.inf) -> None:
        """Nothing was asked yet.

        Args:
            name: of the thread.
            lasts: seconds after which a finding is found anew.
        """
        self._lasts = lasts
        self._worker = ThreadPoolExecutor(1, name)
        self._asked: OrderedDict[Hashable, _Asked] = OrderedDict()
        self._lock = threading.Lock()

    def find(
        self, key: Hashable, work: Callable[[], _Found], wait: float = WAIT_SECONDS
    ) -> _Found | None:
        """What ``work`` finds; None while it is being found. Raises what it raises, once.

        Args:
            key: names it; equal keys are found once.
            work: finds it, and never None.
            wait: seconds.
        """
        try:
            return self._begin(key, work).result(wait)
        except (NotYet, CancelledError):
            return None
        except Exception:
            with self._lock:
                self._asked.pop(key, None)
            raise

    def close(self) -> None:
        """Begin no further one."""
        self._worker.shutdown(cancel_futures=True)

    def _is_over(self, asked: _Asked) -> bool:
        return asked.future.done() and time.monotonic() - asked.at > self._lasts

    def _begin(self, key: Hashable, work: Callable[[], _Found]) -> Future[_Found]:
        with self._lock:
            asked = self._asked.get(key)
            if asked is None or self._is_over(asked):
                asked = _Asked(self._worker.submit(work), time.monotonic())
                self._asked[key] = asked
                self._forget()
            self._asked.move_to_end(key)
        return asked.future

    def _forget(self) -> None:
        waiting = [key for key, asked in self._asked.items() if not _is_begun(asked.future)]
        for key in dict.fromkeys([*waiting[:-_WAITING], *list(self._asked)[:-_KEPT]]):
            self._asked.pop(key).future.cancel()


def _is_begun(future: Future[Any]) -> bool:
    return future.running() or future.done()

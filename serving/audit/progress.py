"""How far an audit is: a bar for people, or a JSON line a second for machines."""

import json
import sys
import time

from tqdm import tqdm

_EVERY_SECONDS = 1.0


class Stage:
    """One stage on standard error; use it as a context."""

    def __init__(self, name: str, total: int | None, *, as_json: bool) -> None:
        """A stage of so many posts; None where nobody knows."""
        self._name, self._total, self._as_json = name, total, as_json
        self._began = self._told = time.monotonic()
        self._done = self._first = self._flagged = 0
        self._bar = tqdm(
            total=total, desc=name, unit=" posts", disable=as_json or None, file=sys.stderr
        )
        if as_json:
            self._line()

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        if self._as_json:
            self._line()

    def skip(self, posts: int) -> None:
        """Posts of an earlier run, which say nothing of the rate."""
        self._done += posts
        self._first += posts
        self._bar.update(posts)
        self._bar.unpause()

    def add(self, posts: int, flagged: int = 0) -> None:
        """So many more are done, and so many of them a person should look at."""
        self._done += posts
        self._flagged += flagged
        if self._flagged:
            self._bar.set_postfix(flagged=self._flagged, refresh=False)
        self._bar.update(posts)
        if self._as_json and time.monotonic() - self._told >= _EVERY_SECONDS:
            self._line()

    def _line(self) -> None:
        self._told = time.monotonic()
        rate = (self._done - self._first) / max(self._told - self._began, 1e-9)
        left = None if self._total is None or not rate else (self._total - self._done) / rate
        told = {
            "stage": self._name,
            "done": self._done,
            "total": self._total,
            "per_second": round(rate, 1),
            "seconds_left": None if left is None else round(left),
            "flagged": self._flagged,
        }
        sys.stderr.write(json.dumps(told) + "\n")

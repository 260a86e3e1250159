"""A candidate on live traffic without effect: how often it would agree, and where it moves.

A candidate pack judges the scores that were made; a candidate model scores the posts again.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any

from classifiers.scorer import Scorer
from labels.errors import ScoringError
from labels.reader import LabelReading, read_labels
from labels.records import Post
from labels.results import HeadScores, ScoredPost, Suggestion
from policy.decide import Decision, decide
from policy.pack import LoadedPack
from policy.resolve import Policy, resolve
from serving.lineup import Seat

_log = logging.getLogger(__name__)

#: posts that wait for a candidate model at most; what comes while as many wait is left out
MOST_WAITING = 64


class Moves:
    """What was suggested beside what a candidate would have; safe to share between threads."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._moves: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def add(self, made: Suggestion, candidate: Suggestion) -> None:
        """Count a post."""
        with self._lock:
            self._moves[made.value, candidate.value] += 1

    def report(self) -> dict[str, Any]:
        """Posts seen, the share on which both agree, and every move."""
        with self._lock:
            moves = dict(self._moves)
        posts = sum(moves.values())
        same = sum(count for (was, now), count in moves.items() if was == now)
        return {
            "posts": posts,
            "agreement": round(same / posts, 4) if posts else None,
            "moves": [
                {"suggested": was, "candidate": now, "posts": count}
                for (was, now), count in sorted(moves.items())
            ],
        }


class PackShadow:
    """A candidate pack: sees every post that is scored, answers none."""

    def __init__(self, loaded: LoadedPack) -> None:
        """Take a candidate pack."""
        self._loaded, self._moves = loaded, Moves()
        self._policies: dict[str, Policy] = {}

    def see(
        self, scorer: Scorer, scores: HeadScores, reading: LabelReading, made: Decision
    ) -> None:
        """Count what the candidate would have suggested beside what was suggested."""
        policy = self._policies.get(scorer.version.sha256)
        if policy is None:
            policy = resolve(self._loaded.pack, scorer.operating)
            self._policies[scorer.version.sha256] = policy
        self._moves.add(made.suggestion, decide(scores, reading, policy).suggestion)

    def report(self) -> dict[str, Any]:
        """What it would have changed since the start."""
        return {"policy": self._loaded.version.model_dump(), **self._moves.report()}


@dataclass(slots=True)
class _Count:
    waiting: int = 0
    dropped: int = 0
    failed: int = 0


class ModelShadow:
    """A candidate model beside a champion: one thread scores what there is time for."""

    def __init__(self, champion: Seat, candidate: Seat) -> None:
        """Both under the same pack; whoever changes one of them begins to count anew."""
        self._champion, self._candidate = champion, candidate
        self._moves, self._count, self._lock = Moves(), _Count(), Lock()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="shadow")

    def see(self, post: Post, made: ScoredPost) -> None:
        """Take in a post that the champion answered; without waiting, or not at all."""
        versions = (self._champion.version, self._champion.active.loaded.version)
        if (made.model, made.policy) != versions:
            return
        with self._lock:
            if self._count.waiting == MOST_WAITING:
                self._count.dropped += 1
                return
            self._count.waiting += 1
        self._pool.submit(self._compare, post, made.suggestion)

    def report(self) -> Mapping[str, Any]:
        """What it would have changed since it looks on, and what there was no time for."""
        with self._lock:
            dropped, failed = self._count.dropped, self._count.failed
        return {
            "model": self._candidate.version.model_dump(),
            "champion": self._champion.version.model_dump(),
            "dropped": dropped,
            "failed": failed,
            **self._moves.report(),
        }

    def _compare(self, post: Post, made: Suggestion) -> None:
        try:
            (scores,) = self._candidate.scorer.score([post])
            mine = decide(scores, read_labels(post), self._candidate.active.policy)
            self._moves.add(made, mine.suggestion)
        except ScoringError as error:
            _log.warning("the shadow %s failed: %s", self._candidate.version.sha256, error)
            with self._lock:
                self._count.failed += 1
        finally:
            with self._lock:
                self._count.waiting -= 1

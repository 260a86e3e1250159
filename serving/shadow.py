"""A candidate pack on live traffic without effect: how often it would agree, and where it moves."""

from collections import Counter
from threading import Lock
from typing import Any

from labels.reader import LabelReading
from labels.results import HeadScores
from policy.decide import Decision, decide
from policy.pack import LoadedPack
from policy.resolve import Policy


class Shadow:
    """Sees every post that is scored, answers none; safe to share between threads."""

    def __init__(self, loaded: LoadedPack, policy: Policy) -> None:
        """Take a candidate pack, resolved for the model that scores."""
        self._version, self._policy = loaded.version, policy
        self._moves: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def see(self, scores: HeadScores, reading: LabelReading, made: Decision) -> None:
        """Count what the candidate would have suggested beside what was suggested."""
        mine = decide(scores, reading, self._policy)
        with self._lock:
            self._moves[made.suggestion.value, mine.suggestion.value] += 1

    def report(self) -> dict[str, Any]:
        """Posts seen since the start, the share on which both agree, and every move."""
        with self._lock:
            moves = dict(self._moves)
        posts = sum(moves.values())
        same = sum(count for (was, now), count in moves.items() if was == now)
        return {
            "policy": self._version.model_dump(),
            "posts": posts,
            "agreement": round(same / posts, 4) if posts else None,
            "moves": [
                {"suggested": was, "candidate": now, "posts": count}
                for (was, now), count in sorted(moves.items())
            ],
        }

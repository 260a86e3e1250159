"""Takes up the versions that the store names: loaded beside the requests, then put in force."""

import ctypes
import logging
import sys
import time
from pathlib import Path
from threading import Lock

from classifiers.cache import ScoreCache
from classifiers.scorer import Scorer
from labels.errors import ModelError
from serving.engine import Engine
from serving.lineup import Seat
from serving.registry import Registry
from serving.releases import Standing

_log = logging.getLogger(__name__)

#: a version that could not be loaded is tried again after so long
_AGAIN_SECONDS = 30.0


class Follower:
    """Keeps an engine's models to those of the store; one thread at a time."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        threads: int,
        started_from: Path | None = None,
        cache: ScoreCache | None = None,
    ) -> None:
        """Before anything is followed.

        Args:
            engine: with the model that it started with.
            registry: where versions are loaded from.
            threads: that score with each version.
            started_from: the bundle of that first model, to be kept in the registry.
            cache: of the scores of every version.
        """
        self.registry = registry
        self._engine, self._threads, self._started_from = engine, threads, started_from
        self._cache = cache
        self._lock, self._changed = Lock(), False
        self._failed: dict[str, float] = {}

    @property
    def unloaded(self) -> list[str]:
        """Versions that the store names and this server cannot load, by hash."""
        return sorted(self._failed)

    def follow(self, wanted: Standing) -> None:
        """Put in force what the store names.

        Where the champion cannot be loaded the one before goes on; a canary or shadow that
        cannot be loaded takes no part.
        """
        with self._lock:
            named = (wanted.champion, wanted.canary, wanted.shadow)
            self._failed = {sha: at for sha, at in self._failed.items() if sha in named}
            lineup = self._engine.lineup
            champion, canary, shadow = (sha and self._scorer(sha) for sha in named)
            champion = champion or lineup.champion.scorer
            share = wanted.share if canary and wanted.share else 0.0
            are = tuple(seat and seat.scorer for seat in (lineup.canary, lineup.shadow))
            if (lineup.champion.scorer, lineup.share, are) == (champion, share, (canary, shadow)):
                self._give_back()
                return
            self._changed = True
            self._engine.line_up(champion, canary or None, share, shadow or None)
        versions = ", ".join(
            f"{seat.version.id} {seat.version.version} ({seat.version.sha256[:12]})"
            for seat in self._engine.lineup.seats
        )
        _log.info("models in force: %s", versions)

    def keep_first(self) -> None:
        """Copy the version that the server started with into the registry, once.

        Where that fails it is told, and nothing else waits for it.
        """
        if self._started_from is None:
            return
        try:
            self.registry.add(self._started_from)
        except (OSError, ModelError):
            _log.exception("%s is not kept; mingbian models add does so", self._started_from)
        self._started_from = None

    def _give_back(self) -> None:
        """Once after a change, when the requests that began before it have most likely ended."""
        if self._changed and sys.platform == "linux":
            # glibc would keep what a model leaves free, in pieces, for this process
            trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
            if trim:
                trim(0)
        self._changed = False

    def _scorer(self, sha256: str) -> Scorer | None:
        for seat in self._engine.lineup.seats:
            if seat.version.sha256 == sha256:
                return seat.scorer
        if time.monotonic() - self._failed.get(sha256, float("-inf")) < _AGAIN_SECONDS:
            return None
        try:
            scorer = self.registry.load(sha256, threads=self._threads, cache=self._cache)
            Seat.of(scorer, self._engine.active.loaded)  # the pack needs every category of it
        except Exception:  # noqa: BLE001  whatever is wrong with it, the others answer
            _log.exception("model %s cannot be loaded; the earlier ones go on", sha256)
            self._failed = {**self._failed, sha256: time.monotonic()}
            return None
        self._failed = {sha: at for sha, at in self._failed.items() if sha != sha256}
        return scorer
